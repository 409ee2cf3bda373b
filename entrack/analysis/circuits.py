"""Measures of whole circuits: completeness, minimality, overlap; and the results of learned masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb
from typing import TypeVar

import numpy as np
from attrs import evolve

from entrack.analysis.estimates import Apart, Estimate, Kind, Mean, Ratio, Sum, average, constant, difference
from entrack.analysis.outcomes import Array
from entrack.analysis.run_values import Ran, drawn_together, outcomes_of
from entrack.check.resolved import COMPARED, WHOLE, Examination, Found, Group, Overlap
from entrack.plan.plan import ExaminationPlan, MaskPlan, Plan, RemovalPlan
from entrack.results import Axis, Cell, Mask
from entrack.results import Measure as MeasureResult
from entrack.sites import Part, Site

T = TypeVar("T")
UNIT = "fraction of prompts"
Pair = tuple[Cell, Estimate]
Examined = tuple[MeasureResult, Mapping[tuple[str, ...], Estimate]]
"""A measure, and what its cells are made of, by their labels."""


def completeness(spec: Examination, planned: ExaminationPlan, ran: Ran) -> Examined:
    """F(C \\ K), F(M \\ K), |F(C \\ K) - F(M \\ K)| and the signed difference, for random halves of the circuit (mean
    and sd over them) and for each group; and what chance alone would make of the absolute difference."""
    by_label: dict[str, list[RemovalPlan]] = {}
    for removal in planned.removals:
        by_label.setdefault(removal.label, []).append(removal)
    pairs = [pair for label, removals in by_label.items() for pair in _complete(spec, label, removals, ran)]
    axes = (Axis("removed", tuple(by_label)), Axis("from", COMPARED))
    return _whole(spec, "accuracy", UNIT, axes, pairs)


def _complete(spec: Examination, label: str, removals: Sequence[RemovalPlan], ran: Ran) -> list[Pair]:
    circuit = np.array([outcomes_of("accuracy", removal.first, ran) for removal in removals])
    model = np.array([outcomes_of("accuracy", removal.second, ran) for removal in removals])
    name = drawn_together(spec.population)
    kept, left = ([Mean.of(name, [row], Kind.SHARE) for row in rows] for rows in (circuit, model))
    gaps = [difference(one, other) for one, other in zip(kept, left, strict=True)]
    signed = circuit - model
    apart = np.abs(signed.mean(axis=1))
    alone = np.array([chance_alone(int(np.abs(row).sum()), len(row)) for row in signed])
    made = {
        "circuit": (float(circuit.mean()), circuit.mean(axis=1), circuit.mean(axis=0), average(kept)),
        "model": (float(model.mean()), model.mean(axis=1), model.mean(axis=0), average(left)),
        "difference": (float(apart.mean()), apart, signed.mean(axis=0), Apart.of(gaps)),
        "signed": (float(signed.mean()), signed.mean(axis=1), signed.mean(axis=0), average(gaps)),
    }
    cells = {of: _over_sets((label, of), *parts, circuit.shape[1]) for of, parts in made.items()}
    pairs: list[Pair] = [(cells[of], estimate) for of, (*_, estimate) in made.items()]
    limits = tuple(gap.limits() for gap in gaps) if len(gaps) > 1 else ()
    pairs[-1] = (evolve(cells["signed"], draw_intervals=limits), made["signed"][-1])
    noise = _over_sets((label, "noise"), float(alone.mean()), alone, np.empty(0), None, circuit.shape[1])
    return [*pairs, (noise, constant(noise.value))]


def _over_sets(
    labels: tuple[str, ...], value: float, per_set: Array, outcomes: Array, estimate: Estimate | None, n: int
) -> Cell:
    """A cell over several sets of removed heads, on the same n prompts."""
    several = len(per_set) > 1
    return Cell(
        labels,
        value,
        n,
        None if estimate is None else estimate.limits(),
        _listed(outcomes),
        float(per_set.std(ddof=1)) if several else None,
        _listed(per_set) if several else (),
    )


def chance_alone(differing: int, n: int) -> float:
    """The mean of |F(C \\ K) - F(M \\ K)| over n prompts if, of those on which circuit and model differ, each favoured
    either as likely: that of a binomial number's distance from half, twice."""
    upper = (differing + 1) // 2
    return upper * comb(differing, upper) / 2 ** (differing - 1) / n if differing else 0.0


def minimality(spec: Examination, planned: ExaminationPlan, ran: Ran) -> Examined:
    """For each head v: how far accuracy falls when v goes too, F(C \\ K) - F(C \\ (K + v)), and F(C \\ K) / F(C \\
    (K + v)) - 1."""
    pairs = [pair for removal in planned.removals for pair in _fall(spec, removal, ran)]
    groups, heads = (tuple(dict.fromkeys(cell.labels[place] for cell, _ in pairs)) for place in (0, 1))
    axes = (Axis("group", groups), Axis("head", heads), Axis("value", ("fall", "ratio")))
    return _whole(spec, "minimality", "fall in accuracy, and as a ratio", axes, pairs)


def _fall(spec: Examination, removal: RemovalPlan, ran: Ran) -> list[Pair]:
    """Where nothing is left the ratio is infinite, and has no interval."""
    before, after = (outcomes_of("accuracy", run, ran) for run in (removal.first, removal.second))
    labels = (removal.label, f"{removal.label} {removal.head}")
    one, other = (Mean.of(drawn_together(spec.population), [values], Kind.SHARE) for values in (before, after))
    fall, ratio = difference(one, other), Sum.of([(1.0, Ratio.of(one, other))], -1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.float64(before.mean()) / np.float64(after.mean()) - 1
    drop = before - after
    return [
        (Cell((*labels, "fall"), float(drop.mean()), len(drop), fall.limits(), _listed(drop)), fall),
        (Cell((*labels, "ratio"), float(value), len(drop), ratio.limits() if after.any() else None, ()), ratio),
    ]


def _whole(spec: Examination, metric: str, unit: str, axes: tuple[Axis, ...], pairs: Sequence[Pair]) -> Examined:
    measure = MeasureResult(spec.name, metric, unit, axes, tuple(cell for cell, _ in pairs))
    return measure, {cell.labels: estimate for cell, estimate in pairs}


def overlap(spec: Overlap, plan: Plan, ran: Ran) -> MeasureResult:
    """Precision |C and D| / |C| and recall |C and D| / |D| of the first circuit's heads as a guess at the second's."""
    first = {group.name: set(heads_of(group, plan, ran)) for group in spec.first.groups}
    second = {group.name: set(heads_of(group, plan, ran)) for group in spec.second.groups}
    cells: list[Cell] = []
    for name in spec.groups:
        cells.extend(_shares(name, first[name], second[name]))
    every = [{(name, head) for name, heads in side.items() for head in heads} for side in (first, second)]
    cells.extend(_shares(WHOLE, every[0], every[1]))
    axes = (Axis("group", (*spec.groups, WHOLE)), Axis("share", ("precision", "recall")))
    only_heads = all(site.part is Part.OUTPUT for side in every for _, site in side)
    unit = f"fraction of {'heads' if only_heads else 'sites'}"
    return MeasureResult(spec.name, f"overlap of {spec.first.label} with {spec.second.label}", unit, axes, tuple(cells))


def _shares(name: str, first: set[T], second: set[T]) -> list[Cell]:
    shared = len(first & second)
    return [
        Cell((name, share), shared / len(side) if side else 0.0, len(side), None, ())
        for share, side in (("precision", first), ("recall", second))
    ]


def heads_of(group: Group, plan: Plan, ran: Ran) -> tuple[Site, ...]:
    """The heads of a written or discovered group, sorted, as steps name them."""
    if isinstance(group.heads, Found):
        found = next(discovery for discovery in plan.discoveries if discovery.name == group.heads.discovery)
        return tuple(
            sorted(ran.selection(next(other.select for other in found.groups if other.name == group.heads.group)).sites)
        )
    assert isinstance(group.heads, tuple)  # random and masked groups are not compared: checked
    return group.heads


def learned(planned: MaskPlan, plan: Plan, ran: Ran) -> Mask:
    """What a mask learned: its best values, and the heads that it patches."""
    trained = ran.value(planned.step)
    over = heads_of(planned.over, plan, ran)
    values = tuple(float(value) for value in trained["mask"])
    node = plan.nodes[planned.step]
    count = sum(batch.original.prompts for batch in getattr(node, "validate", ()))
    return Mask(
        name=planned.name,
        model=planned.model,
        group=planned.group,
        desideratum=planned.desideratum,
        position=str(planned.over.position),
        over=over,
        values=values,
        sites=tuple(site for site, value in zip(over, values, strict=True) if round(value) == 0),
        step=int(trained["steps"]),
        validation=_share_of(float(np.max(trained["validation"])), count) if len(trained["validation"]) else 0.0,
        n=count,
        address=ran.address_of(planned.step),
    )


def _share_of(share: float, n: int) -> float:
    """A share of n prompts that was kept in single precision, as the float64 that is nearest to it."""
    return round(share * n) / n


def _listed(values: Array) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def examined(spec: Examination, planned: ExaminationPlan, ran: Ran) -> Examined:
    """A completeness or a minimality."""
    return (completeness if spec.kind == "completeness" else minimality)(spec, planned, ran)
