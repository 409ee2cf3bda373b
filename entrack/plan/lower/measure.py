"""`measure` becomes, cell by cell and draw by draw: an evaluation per batch, with the intervention's acts as edits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from attrs import evolve

from entrack.check.interventions import NOTHING
from entrack.check.resolved import CellSpec, Intervention, Measure, Metric, Population, RandomLike
from entrack.frozen import frozen
from entrack.plan.builder import batch_of, batches
from entrack.plan.lower.asked import ADDED_UP, asked_of, continued, rows, sizes_of, statistics_of
from entrack.plan.lower.context import Lowering
from entrack.plan.lower.edits import edits_of, in_common, partners, prepared
from entrack.plan.lower.measured import Measured, Places, drawn, followed, token_of, tokens_at
from entrack.plan.plan import Asked, Between, CellPlan, Continued, RunPlan
from entrack.plan.refs import Sizes
from entrack.plan.steps import Attention, DirectAttribution, Edit, Evaluate, Lens, Loss, Statistic, Step
from entrack.prompts.tokenise import Prompt, measured_prompts
from entrack.prompts.values import CannotDraw
from entrack.sites import Site


def lower_measure(measure: Measure, lowering: Lowering) -> tuple[CellPlan, ...]:
    """Add the steps of a measure. Raises Deferred and Unmakeable."""
    made: list[CellPlan] = []
    ends: dict[tuple[str, int], Between] = {}
    before: CellSpec | None = None
    for spec in measure.cells:
        again = before is not None and evolve(before, labels=spec.labels, site=spec.site) == spec
        cell = made[-1] if again else _cell(measure, spec, ends, lowering)
        made.append(evolve(cell, labels=spec.labels, site=spec.site))
        before = spec
    return tuple(made)


@frozen
class Wanted:
    """What is wanted of runs: outcomes of these tokens, prompt by prompt, and statistics beside them."""

    asked: Asked
    also: tuple[Statistic, ...] = ()


def evaluations(
    on: Measured,
    wanted: Wanted,
    others: Sequence[tuple[Prompt, ...]],
    edits: Callable[[Places], tuple[Edit, ...]],
    what: str,
    lowering: Lowering,
    common: Sequence[tuple[int, ...]] = (),
) -> RunPlan:
    """Evaluate a model on all prompts, batch by batch, with the edits of each batch. `others` are the prompts that
    these read beside them, `common` what is the same in a batch, as in `batches`."""

    def step(cell: Places) -> Step:
        batch = batch_of(on.prompts, cell)
        return Evaluate(lowering.keys[on.model], batch, edits(cell), rows(wanted.asked, cell), wanted.also)

    return _planned(on, batches(on.prompts, others, common=common), step, wanted.asked, what, lowering)


def _planned(
    on: Measured,
    cells: Sequence[Places],
    step: Callable[[Places], Step],
    asked: Asked,
    what: str,
    lowering: Lowering,
    whole: Sizes = (),
) -> RunPlan:
    """A step for each batch."""
    nodes = tuple(lowering.nodes.add(step(cell), what) for cell in cells)
    return RunPlan(nodes, tuple(cells), on.prompts, asked, whole)


def _cell(measure: Measure, spec: CellSpec, ends: dict[tuple[str, int], Between], lowering: Lowering) -> CellPlan:
    """A cell. `ends` are what recoveries lie between, by model and population: the same for all cells that differ in
    their interventions alone."""
    runs = tuple(run_of(measure.name, measure.metric, spec, draw, lowering) for draw in range(spec.draws))
    random = _random(spec, lowering)
    if measure.metric.recovery is None:
        return CellPlan(spec.labels, runs, random=random)
    key = spec.model, id(spec.population)
    if key not in ends:
        ends[key] = _between(measure, spec, lowering)
    return CellPlan(spec.labels, runs, ends[key], random=random)


def _random(spec: CellSpec, lowering: Lowering) -> tuple[tuple[tuple[str, tuple[Site, ...]], ...], ...]:
    """The groups of random circuits that the acts of a cell name, each once, draw by draw."""
    groups = [group for act in spec.intervention.acts for group in act.groups if isinstance(group.heads, RandomLike)]
    return tuple(
        tuple(dict.fromkeys((group.name, lowering.heads_now(group, spec.model, draw)) for group in groups))
        for draw in range(spec.draws if groups else 0)
    )


def _between(measure: Measure, spec: CellSpec, lowering: Lowering) -> Between:
    several = [_ends(measure, spec, draw, lowering) for draw in range(spec.draws)]
    return Between(tuple(clean for clean, _ in several), tuple(corrupted for _, corrupted in several))


def run_of(name: str, metric: Metric, spec: CellSpec, draw: int, lowering: Lowering) -> RunPlan:
    """One draw of a cell, for what is called so. Raises Deferred and Unmakeable."""
    population = drawn(spec.population, draw)
    prompts = measured_prompts(population, lowering.prompts(population, spec.model).pairs)
    on = Measured(name, spec.model, population, prompts, draw)
    what = f"{name}: {spec.model} with {spec.intervention.label}"
    if metric.whole:
        return _whole_words(metric, on, spec.intervention, what, lowering)
    acts = prepared(spec.intervention, on, lowering)
    edits = partial(edits_of, acts, on, lowering=lowering)
    others, common = partners(acts, on), in_common(acts, on)
    if not metric.at:
        return evaluations(on, _wanted(metric, on, lowering), others, edits, what, lowering, common)
    of_words = metric.lens or metric.direct
    wanted = _wanted(metric, on, lowering) if of_words else Wanted(((),) * len(prompts))
    step = partial(_reading, metric, on, wanted, edits, lowering)
    return _planned(on, batches(prompts, others, common=common), step, wanted.asked, what, lowering)


def _whole_words(metric: Metric, given: Measured, intervention: Intervention, what: str, lowering: Lowering) -> RunPlan:
    """The loss over each word after its prompt: how likely the word's tokens are, one after the other."""
    words = _continued(metric, given, lowering)
    on = followed(given, words)
    acts = prepared(intervention, on, lowering)

    def step(cell: Places) -> Step:
        after = tuple(tuple(range(on.prompts[at].length, len(on.prompts[at].token_ids))) for at in cell)
        return Loss(lowering.keys[on.model], batch_of(on.prompts, cell), after, edits_of(acts, on, cell, lowering))

    cells = batches(on.prompts, partners(acts, on), common=in_common(acts, on))
    return _planned(on, cells, step, ((),) * len(on.prompts), what, lowering, sizes_of(words))


def _continued(metric: Metric, on: Measured, lowering: Lowering) -> Continued:
    """The whole words that are measured; of a recovery's run, those of the originals."""
    apart = metric.kind in ADDED_UP
    prompts, of = _told_by(metric, on, lowering), asked_words(metric, on.population)
    return continued(on.population, prompts, of, on.model, lowering, apart=apart)


def _reading(
    metric: Metric,
    on: Measured,
    wanted: Wanted,
    edits: Callable[[Places], tuple[Edit, ...]],
    lowering: Lowering,
    cell: Places,
) -> Step:
    """What is read at named positions of a batch. Raises CannotDraw where a loss is of what nothing stands before."""
    model, batch = lowering.keys[on.model], batch_of(on.prompts, cell)
    if metric.lens:
        first = token_of(metric.at[0], on.prompts, cell)
        return Lens(model, batch, first, rows(wanted.asked, cell), edits(cell), wanted.also)
    if metric.direct:
        first = token_of(metric.at[0], on.prompts, cell)
        return DirectAttribution(model, batch, first, rows(wanted.asked, cell), edits(cell))
    if metric.kind == "attention":
        first = token_of(metric.at[0], on.prompts, cell)
        return Attention(model, batch, first, tokens_at(metric.at[1:], on.prompts, cell), edits(cell))
    tokens = tokens_at(metric.at, on.prompts, cell)
    if any(0 in some for some in tokens):
        raise CannotDraw(
            "E646",
            f"`{metric.at[0]}` is the first token of a prompt, which has no loss",
            on.population.span,
            "nothing is read before it that it could be predicted from",
            "name a later position",
        )
    return Loss(model, batch, tokens, edits(cell))


def _ends(measure: Measure, spec: CellSpec, draw: int, lowering: Lowering) -> tuple[RunPlan, RunPlan]:
    """The clean and the corrupted run of a recovery: the model as it is on the originals, and on their alternates."""
    population = drawn(spec.population, draw)
    originals, alternates = zip(*_pairs(measure.metric, population, spec.model, lowering), strict=True)
    clean, corrupted = (
        Measured(measure.name, spec.model, population, prompts, draw) for prompts in (originals, alternates)
    )
    called = [f"{measure.name}: {spec.model} on {which}" for which in ("originals", "alternates")]
    if measure.metric.whole:
        return (
            _whole_words(measure.metric, clean, NOTHING, called[0], lowering),
            _whole_words(measure.metric, corrupted, NOTHING, called[1], lowering),
        )
    wanted = _wanted(measure.metric, clean, lowering)
    return (
        evaluations(clean, wanted, (), lambda _: (), called[0], lowering),
        evaluations(corrupted, wanted, (), lambda _: (), called[1], lowering),
    )


def _pairs(metric: Metric, population: Population, model: str, lowering: Lowering) -> list[tuple[Prompt, Prompt]]:
    """The originals that a recovery is measured between, each with its alternate."""
    against = None if metric.recovery is None or population.alternate is not None else metric.recovery.against
    pairs = lowering.paired(population, against, model).pairs
    return [(pair.original, pair.alternate) for pair in pairs if pair.alternate is not None]


def _wanted(metric: Metric, on: Measured, lowering: Lowering) -> Wanted:
    """What is wanted of a run."""
    of, apart, prompts = asked_words(metric, on.population), metric.kind in ADDED_UP, _told_by(metric, on, lowering)
    return Wanted(asked_of(on.population, prompts, of, on.model, lowering, apart=apart), statistics_of(metric))


def _told_by(metric: Metric, on: Measured, lowering: Lowering) -> Sequence[Prompt]:
    """The prompts whose words are meant: of a recovery's run the originals."""
    if metric.recovery is None:
        return on.prompts
    return [original for original, _ in _pairs(metric, on.population, on.model, lowering)]


def asked_words(metric: Metric, population: Population) -> tuple[str, ...]:
    """What a metric is of on these prompts: a desideratum is answered by its target, unless the metric says more."""
    desideratum = population.alternate is not None and population.alternate.target is not None
    return ("target" if desideratum else "answer", *metric.of[1:]) if metric.default else metric.of
