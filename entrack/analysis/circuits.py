"""Measures of whole circuits: completeness, minimality, overlap; and the results of learned masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from entrack.analysis.intervals import interval, mean_interval, resampled_means
from entrack.analysis.outcomes import Array
from entrack.analysis.run_values import Ran, outcomes_of, resampling_of
from entrack.check.resolved import WHOLE, Examination, Found, Group, Overlap
from entrack.plan.plan import ExaminationPlan, MaskPlan, Plan, RemovalPlan
from entrack.results import Axis, Cell, Interval, Mask
from entrack.results import Measure as MeasureResult
from entrack.sites import Part, Site

T = TypeVar("T")
UNIT = "fraction of prompts"


def completeness(spec: Examination, planned: ExaminationPlan, ran: Ran) -> MeasureResult:
    """F(C \\ K), F(M \\ K) and |F(C \\ K) - F(M \\ K)|, for random halves of the circuit (mean and sd over them) and
    for each group."""
    by_label: dict[str, list[RemovalPlan]] = {}
    for removal in planned.removals:
        by_label.setdefault(removal.label, []).append(removal)
    cells = [cell for label, removals in by_label.items() for cell in _complete(spec, label, removals, ran)]
    labels = tuple(by_label)
    return MeasureResult(
        spec.name,
        "accuracy",
        UNIT,
        (Axis("removed", labels), Axis("from", ("circuit", "model", "difference"))),
        tuple(cells),
    )


def _complete(spec: Examination, label: str, removals: Sequence[RemovalPlan], ran: Ran) -> list[Cell]:
    circuit = np.array([outcomes_of("accuracy", removal.first, ran) for removal in removals])
    model = np.array([outcomes_of("accuracy", removal.second, ran) for removal in removals])
    gap = circuit - model
    names = resampling_of(spec.population)
    cells = [_drawn((label, "circuit"), circuit, names), _drawn((label, "model"), model, names)]
    gaps = np.abs(gap.mean(axis=1))
    samples = np.mean([np.abs(resampled_means(row, names)) for row in gap], axis=0)
    sd = float(gaps.std(ddof=1)) if len(gaps) > 1 else None
    draws = tuple(float(value) for value in gaps) if len(gaps) > 1 else ()
    cells.append(
        Cell(
            (label, "difference"),
            float(gaps.mean()),
            gap.shape[1],
            interval(samples),
            _listed(gap.mean(axis=0)),
            sd,
            draws,
        )
    )
    return cells


def _drawn(labels: tuple[str, ...], values: Array, names: str) -> Cell:
    """A cell over several sets of removed heads, on the same prompts: values (set, prompt)."""
    per_set, per_prompt = values.mean(axis=1), values.mean(axis=0)
    sd = float(per_set.std(ddof=1)) if len(per_set) > 1 else None
    draws = _listed(per_set) if len(per_set) > 1 else ()
    return Cell(
        labels, float(values.mean()), values.shape[1], mean_interval(per_prompt, names), _listed(per_prompt), sd, draws
    )


def minimality(spec: Examination, planned: ExaminationPlan, ran: Ran) -> MeasureResult:
    """For each head v: how far accuracy falls when v goes too, F(C \\ K) - F(C \\ (K + v)), and F(C \\ K) / F(C \\
    (K + v)) - 1."""
    cells: list[Cell] = []
    for removal in planned.removals:
        before, after = (outcomes_of("accuracy", run, ran) for run in (removal.first, removal.second))
        names = resampling_of(spec.population)
        head = f"{removal.label} {removal.head}"
        cells.append(
            Cell(
                (removal.label, head, "fall"),
                float((before - after).mean()),
                len(before),
                mean_interval(before - after, names),
                _listed(before - after),
            )
        )
        cells.append(_ratio((removal.label, head, "ratio"), before, after, names))
    groups = tuple(dict.fromkeys(cell.labels[0] for cell in cells))
    heads = tuple(dict.fromkeys(cell.labels[1] for cell in cells))
    return MeasureResult(
        spec.name,
        "minimality",
        "fall in accuracy, and as a ratio",
        (Axis("group", groups), Axis("head", heads), Axis("value", ("fall", "ratio"))),
        tuple(cells),
    )


def _ratio(labels: tuple[str, ...], before: Array, after: Array, names: str) -> Cell:
    """A fall as a ratio. Where nothing is left it is infinite, and the interval stays open."""
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.float64(before.mean()) / np.float64(after.mean()) - 1
        samples = resampled_means(before, names) / resampled_means(after, names) - 1
    finite = samples[np.isfinite(samples)]
    bounds: Interval | None = interval(finite) if len(finite) == len(samples) else None
    return Cell(labels, float(value), len(before), bounds, ())


def overlap(spec: Overlap, plan: Plan, ran: Ran) -> MeasureResult:
    """Precision |C and D| / |C| and recall |C and D| / |D| of the first circuit's heads as a guess at the second's."""
    first = {group.name: set(heads_of(group, plan, ran)) for group in spec.first.groups}
    second = {group.name: set(heads_of(group, plan, ran)) for group in spec.second.groups}
    cells: list[Cell] = []
    for name in spec.groups:
        cells.extend(_shares(name, first[name], second[name]))
    every = [{(name, head) for name in spec.groups for head in side[name]} for side in (first, second)]
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
        validation=float(np.max(trained["validation"])) if len(trained["validation"]) else 0.0,
        n=count,
        address=ran.address_of(planned.step),
    )


def _listed(values: Array) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def examined(spec: Examination, planned: ExaminationPlan, ran: Ran) -> MeasureResult:
    """A completeness or a minimality."""
    return (completeness if spec.kind == "completeness" else minimality)(spec, planned, ran)
