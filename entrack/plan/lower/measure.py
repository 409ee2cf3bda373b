"""`measure` becomes, cell by cell and draw by draw: an evaluation per batch, with the intervention's acts as edits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from entrack.check.resolved import CellSpec, Measure, Population
from entrack.plan.builder import batch_of, batches
from entrack.plan.lower.context import Lowering
from entrack.plan.lower.discovery import asked_of
from entrack.plan.lower.edits import edits_of, partners, prepared, spans
from entrack.plan.lower.measured import Measured, Places, drawn
from entrack.plan.plan import CellPlan, RunPlan
from entrack.plan.steps import Edit, Evaluate
from entrack.prompts.tokenise import Prompt, measured_prompts


def lower_measure(measure: Measure, lowering: Lowering) -> tuple[CellPlan, ...]:
    """Add the steps of a measure. Raises Deferred and Unmakeable."""
    return tuple(_cell(measure, spec, lowering) for spec in measure.cells)


def evaluations(
    on: Measured,
    of: tuple[str, ...],
    others: Sequence[tuple[Prompt, ...]],
    edits: Callable[[Places], tuple[Edit, ...]],
    what: str,
    lowering: Lowering,
    spans: Sequence[tuple[int, ...]] = (),
) -> RunPlan:
    """Evaluate a model on all prompts, batch by batch, with the edits of each batch. `others` are the prompts that
    these read beside them, `spans` the lengths of spans that they are at."""
    ids, places = [], []
    for cell in batches(on.prompts, others, spans=spans):
        step = Evaluate(
            lowering.keys[on.model], batch_of(on.prompts, cell), edits(cell), asked_of(on.prompts, cell, of)
        )
        ids.append(lowering.nodes.add(step, what))
        places.append(cell)
    return RunPlan(tuple(ids), tuple(places), on.prompts)


def _cell(measure: Measure, spec: CellSpec, lowering: Lowering) -> CellPlan:
    of = _of(measure, spec.population)
    runs = tuple(_run(measure, spec, draw, of, lowering) for draw in range(spec.draws))
    return CellPlan(spec.labels, runs, of)


def _run(measure: Measure, spec: CellSpec, draw: int, of: tuple[str, ...], lowering: Lowering) -> RunPlan:
    population = drawn(spec.population, draw)
    prompts = measured_prompts(population, lowering.prompts(population, spec.model).pairs)
    lowering.told(population, prompts, of)
    on = Measured(measure.name, spec.model, population, prompts, draw)
    acts = prepared(spec.intervention, on, lowering)
    what = f"{measure.name}: {spec.model} with {spec.intervention.label}"
    edits = partial(edits_of, acts, on, lowering=lowering)
    return evaluations(on, of, partners(acts, on), edits, what, lowering, spans(acts, on))


def _of(measure: Measure, population: Population) -> tuple[str, ...]:
    """What the metric is of on these prompts: a desideratum is answered by its target."""
    desideratum = population.alternate is not None and population.alternate.target is not None
    default = "target" if desideratum and measure.metric.kind == "accuracy" else measure.metric.of[0]
    return (default, *measure.metric.of[1:])
