"""Build `Results` from what ran: cells with intervals, discoveries with their groups, claims with their verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isnan
from typing import Any

from attrs import evolve

from entrack.address import address
from entrack.analysis.basis import basis_of
from entrack.analysis.cells import cell_of
from entrack.analysis.certificates import certificate_of
from entrack.analysis.circuits import examined, learned, overlap
from entrack.analysis.claims import Cells, claim_of
from entrack.analysis.confirmation import confirmed
from entrack.analysis.racing import race_of
from entrack.analysis.run_values import Ran
from entrack.analysis.screening import Screening, agreement, missed, of_checked
from entrack.analysis.selection import Selection, kept_again, order_of
from entrack.analysis.sender_scores import own_limits, own_prompts
from entrack.analysis.significance import missed_significant
from entrack.check.resolved import Measure, Resolved
from entrack.plan.plan import CellPlan, DiscoveryPlan, ExaminationPlan, GroupPlan, Plan
from entrack.plan.steps import Select
from entrack.ranking import significant
from entrack.results import Axis, Discovery, Figure, Group, Interval, Missed, Provenance, Race, Results, Screen, Table
from entrack.results import Measure as MeasureResult
from entrack.sites import SENDING, Part, Site
from entrack.syntax import ast
from entrack.syntax.unparse import written

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
    certified = {spec.number: certificate_of(spec, plan, ran) for spec in resolved.certificates}
    claims = tuple(
        evolve(claim_of(claim, cells, certified.get(number)), rests_on=basis_of(claim, resolved))
        for number, claim in enumerate(resolved.claims)
    )
    return Results(
        title=resolved.title,
        measures=measures,
        discoveries=discoveries,
        masks=tuple(learned(planned, plan, ran) for planned in plan.masks),
        claims=claims,
        figures=tuple(_figure(item) for item in resolved.figures),
        tables=tuple(Table(item.title.value, written(item.of)) for item in resolved.tables),
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
    return Group(
        name=group.name,
        position=group.position,
        receivers=group.receivers,
        sites=selection.sites,
        intervals=selection.intervals,
        kept_again=kept_again(node, selection, selection.able),
        every_interval=_intervals(selection),
        outcomes=_outcomes(selection, group.places),
        scores={site: None if isnan(value) else value for site, value in selection.scores.mapping().items()},
        known_zero=selection.known_zero,
        also=_also(found, node, selection),
        note=_note(group, node, selection, plan, found.model),
        screen=_screen(group, node, selection, ran),
        ranking=node.ranking,
        significance=selection.significance,
        confirmed=confirmed(node.score, selection.sites, group.again, ran) if group.again else None,
        race=_race(group, plan, ran),
    )


def _also(found: DiscoveryPlan, node: Select, selection: Selection) -> tuple[tuple[Site, str], ...]:
    """Sites that would have been kept, each with the earlier group that keeps it."""
    earlier = [group for group in found.groups if group.select in {chosen.id for chosen in node.taken}]
    return tuple((site, earlier[place].name) for site, place in selection.taken)


def _intervals(selection: Selection) -> dict[Site, Interval | None]:
    """Of the scores of all sites that have one."""
    low, high = own_limits(selection.outcomes.values)
    return {
        site: None if isnan(least) else Interval(least, most)
        for site, least, most in zip(selection.outcomes.sites, low.tolist(), high.tolist(), strict=True)
    }


def _outcomes(selection: Selection, places: Sequence[Sequence[int]]) -> dict[Site, tuple[float, ...]]:
    """Of each prompt that a site was run on, in the order of the prompts: the scores of all sites that have them, or,
    where these are more than `MOST_OUTCOMES`, of those that are kept. `places` are those of the prompts, batch by
    batch. A round of a race has the next prompts as they were drawn, so that what a site was run on comes first."""
    sites = selection.outcomes.sites if selection.outcomes.values.size <= MOST_OUTCOMES else selection.sites
    rows = selection.outcomes.of(sites)[:, order_of(places)]
    counted = zip(sites, rows, own_prompts(rows).tolist(), strict=True)
    return {site: tuple(row[:many].tolist()) for site, row, many in counted if many}


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
        missed=_missed(group, node, selection, screening, best, ran),
        estimates=screening.estimates.mean().mapping(),
    )


def _race(group: GroupPlan, plan: Plan, ran: Ran) -> Race | None:
    """How a group's race went."""
    if group.race is None:
        return None
    node: Any = plan.nodes[group.race]
    return race_of(ran.racing(group.race), node)


def _missed(
    group: GroupPlan,
    node: Select,
    selection: Selection,
    screening: Screening,
    best: Sequence[Site],
    ran: Ran,
) -> Missed:
    """What a screen missed: of what a race keeps, of what is significant, or of the first so many."""
    if group.race:
        return of_checked(screening, ran.racing(group.race).would)
    if selection.significance and node.rate is not None:
        return missed_significant(screening, selection.significance, selection.scores, node.ranking)
    return missed(screening, selection.scores, best, node.keep, node.ranking)


def _note(group: GroupPlan, node: Select, selection: Selection, plan: Plan, model: str) -> str:
    notes = []
    many, parts = len(selection.sites) + len(selection.taken), {site.part for site in selection.scores.sites}
    words = " and ".join("MLPs" if part is Part.MLP else word for word, part in SENDING.items() if part in parts)
    if node.rate is None and many < node.keep:
        notes.append(f"only {many} {words} score {node.ranking.kept}")
    if node.rate is not None and not many:
        notes.append(f"no {words} score {node.ranking.kept}, {significant(node.rate)}")
    facts = plan.models[model].facts
    if facts.grouped and any(name.endswith((".key", ".value")) for name in group.receivers):
        notes.append(
            f"keys and values are shared by {facts.heads // facts.key_value_heads} heads each: receivers of "
            "one key/value head cannot be told apart"
        )
    return "; ".join(notes)


def _figure(item: ast.Figure) -> Figure:
    options = {word.removesuffix(" by") if word != "by" else word: name.text for word, name in item.options}
    return Figure(item.title.value, item.kind.text, written(item.of), options)
