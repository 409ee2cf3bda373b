"""Build `Results` from what ran: cells with intervals, discoveries with their groups, claims with their verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isnan
from typing import Any

import numpy as np
from attrs import evolve

from entrack.address import address
from entrack.analysis.basis import basis_of
from entrack.analysis.cells import cell_of
from entrack.analysis.circuits import examined, learned, overlap
from entrack.analysis.claims import Cells, claim_of
from entrack.analysis.intervals import mean_limits
from entrack.analysis.run_values import Ran
from entrack.analysis.screening import agreement, missed
from entrack.analysis.selection import Selection, kept_again
from entrack.check.resolved import Measure, Resolved
from entrack.plan.plan import CellPlan, DiscoveryPlan, ExaminationPlan, GroupPlan, Plan
from entrack.plan.steps import Select
from entrack.results import Axis, Discovery, Figure, Group, Interval, Provenance, Results, Screen, Table
from entrack.results import Measure as MeasureResult
from entrack.sites import SENDING, Site
from entrack.syntax import ast

MOST_OUTCOMES = 1 << 16
"""Scores of single prompts that a group's result holds of sites that are not kept."""


def assemble(resolved: Resolved, plan: Plan, ran: Ran, provenance: Callable[[], Provenance]) -> Results:
    """The results of a run. `provenance` is asked last: a value that turns out damaged when it is read is computed
    again."""
    examinations = {spec.name: examined(spec, _planned(plan, spec.name), ran) for spec in resolved.examinations}
    by_name = {
        **{spec.name: _measure(spec, plan.cells[spec.name], ran) for spec in resolved.measures},
        **{name: measure for name, (measure, _) in examinations.items()},
        **{spec.name: overlap(spec, plan, ran) for spec in resolved.overlaps},
    }
    measures = tuple(by_name[name] for name in resolved.measured)
    discoveries = tuple(_discovery(found, plan, ran) for found in plan.discoveries)
    known = {name: estimates for name, (_, estimates) in examinations.items()}
    cells = Cells(resolved, plan, ran, measures, discoveries, known)
    claims = tuple(evolve(claim_of(claim, cells), rests_on=basis_of(claim, resolved)) for claim in resolved.claims)
    return Results(
        title=resolved.title,
        measures=measures,
        discoveries=discoveries,
        masks=tuple(learned(planned, plan, ran) for planned in plan.masks),
        claims=claims,
        figures=tuple(_figure(item) for item in resolved.figures),
        tables=tuple(Table(item.title.value, item.of.plain or item.of.name) for item in resolved.tables),
        provenance=provenance(),
    )


# --- measures ----------------------------------------------------------------------------------------------------


def _measure(spec: Measure, cells: Sequence[CellPlan], ran: Ran) -> MeasureResult:
    over = dict(spec.loops)
    axes = tuple(
        Axis(name, labels, _tokens(labels, cells) if over.get(name) == "tokens" else (), over.get(name, ""))
        for name, labels in spec.axes
    )
    pairs = zip(spec.cells, cells, strict=True)
    made = tuple(cell_of(spec, cell.population, planned, ran) for cell, planned in pairs)
    return MeasureResult(spec.name, spec.metric.name, spec.metric.unit, axes, made)


def _tokens(labels: Sequence[str], cells: Sequence[CellPlan]) -> tuple[str, ...]:
    """What the tokens of an axis are in the first prompt that was measured."""
    if not cells:
        return ()
    pieces = cells[0].runs[0].prompts[0].pieces
    return tuple(pieces[int(label)] for label in labels)


def _planned(plan: Plan, name: str) -> ExaminationPlan:
    return next(planned for planned in plan.examinations if planned.name == name)


# --- discoveries -------------------------------------------------------------------------------------------------


def _discovery(found: DiscoveryPlan, plan: Plan, ran: Ran) -> Discovery:
    groups = tuple(_group(found, group, plan, ran) for group in found.groups)
    nodes: list[Any] = [plan.nodes[group.select] for group in found.groups]
    patched = [refs for node in nodes for refs in (*node.patched, *node.mlps)]
    made = [ran.address_of(ref.id) for refs in patched for ref in refs if ran.made(ref.id)]
    return Discovery(found.name, found.model, found.score, found.n, groups, address(made))


def _group(found: DiscoveryPlan, group: GroupPlan, plan: Plan, ran: Ran) -> Group:
    selection = ran.selection(group.select)
    node: Any = plan.nodes[group.select]
    earlier = [other for other in found.groups if other.select in {chosen.id for chosen in node.taken}]
    return Group(
        name=group.name,
        position=group.position,
        receivers=group.receivers,
        sites=selection.sites,
        intervals=selection.intervals,
        kept_again=kept_again(node, selection, selection.able),
        every_interval=_intervals(selection),
        outcomes=_outcomes(selection),
        scores={site: None if isnan(value) else value for site, value in selection.scores.mapping().items()},
        known_zero=selection.known_zero,
        also=tuple((head, earlier[place].name) for head, place in selection.taken),
        note=_note(group, node, selection, plan, found.model),
        screen=_screen(group, node, selection, ran),
        ranking=node.ranking,
    )


def _intervals(selection: Selection) -> dict[Site, Interval | None]:
    """Of the scores of all sites that have one."""
    low, high = mean_limits(selection.outcomes.values)
    return {
        site: None if isnan(ends[0]) else Interval(*ends)
        for site, *ends in zip(selection.outcomes.sites, low.tolist(), high.tolist(), strict=True)
    }


def _outcomes(selection: Selection) -> dict[Site, tuple[float, ...]]:
    """Of each prompt: the scores of all sites that have them, or, where these are more than `MOST_OUTCOMES`, of those
    that are kept."""
    sites = selection.outcomes.sites if selection.outcomes.values.size <= MOST_OUTCOMES else selection.sites
    rows = zip(sites, selection.outcomes.of(sites), strict=True)
    return {site: tuple(row.tolist()) for site, row in rows if np.isfinite(row).all()}


def _screen(group: GroupPlan, node: Select, selection: Selection, ran: Ran) -> Screen | None:
    """What a group's screen let through, and what became of it. Its places are those of the selection's sites."""
    if group.screen is None:
        return None
    screening = ran.screening(group.screen)
    best = (*selection.sites, *(site for site, _ in selection.taken))
    return Screen(
        steps=group.steps,
        through=screening.through,
        places=tuple(screening.through.index(site) + 1 for site in selection.sites),
        agreement=agreement(screening, selection.outcomes),
        missed=missed(screening, selection.scores, best, node.keep, node.ranking),
        estimates=screening.estimates.mean().mapping(),
    )


def _note(group: GroupPlan, node: Select, selection: Selection, plan: Plan, model: str) -> str:
    notes = []
    many, parts = len(selection.sites) + len(selection.taken), {site.part for site in selection.scores.sites}
    if many < node.keep:
        words = " and ".join(word for word, part in SENDING.items() if part in parts)
        notes.append(f"only {many} {words} score {node.ranking.kept}")
    facts = plan.models[model].facts
    if facts.grouped and any(name.endswith((".key", ".value")) for name in group.receivers):
        notes.append(
            f"keys and values are shared by {facts.heads // facts.key_value_heads} heads each: receivers of "
            "one key/value head cannot be told apart"
        )
    return "; ".join(notes)


def _figure(item: ast.Figure) -> Figure:
    options = {word.removesuffix(" by") if word != "by" else word: name.text for word, name in item.options}
    return Figure(item.title.value, item.kind.text, item.of.plain or item.of.name, options)
