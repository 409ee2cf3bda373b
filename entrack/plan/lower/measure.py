"""`measure` becomes, cell by cell: an evaluation per batch, with the intervention's acts as edits and the captures they need."""

from __future__ import annotations

from attrs import frozen

from entrack.check.resolved import CellSpec, Circuit, Found, Group, KeepAct, MeanAct, Measure, PatchAct, Population, ZeroAct
from entrack.diagnostics import Diagnostic, Label
from entrack.models.model import ModelKey
from entrack.plan.build import batch_of, batches
from entrack.plan.lower.context import Lowering
from entrack.plan.lower.discovery import asked_of
from entrack.plan.plan import CellPlan
from entrack.plan.steps import Capture, Chosen, Edit, Evaluate, FromCapture, FromMean, FromZero, Heads, Kept, Ref, SetElsewhere, SetHeads, SumOutputs
from entrack.prompts.realise import Pair, Prompt


@frozen
class _Cell:
    """One cell on its way: its prompts, and the pairs that each patch takes its values from."""

    spec: CellSpec
    measure: Measure
    prompts: tuple[Prompt, ...]


def lower_measure(measure: Measure, lowering: Lowering) -> tuple[CellPlan, ...]:
    """Add the steps of a measure. Cells whose prompts cannot be made are left out; the problems say why."""
    cells = [_cell(measure, spec, lowering) for spec in measure.cells]
    return tuple(cell for cell in cells if cell is not None)


def measured_prompts(population: Population, pairs: tuple[Pair, ...]) -> tuple[Prompt, ...]:
    """The prompts that a population is measured on: an alternate's own, but a desideratum's originals."""
    if population.alternate is not None and population.alternate.target is None:
        return tuple(pair.alternate for pair in pairs if pair.alternate is not None)
    return tuple(pair.original for pair in pairs)


def _cell(measure: Measure, spec: CellSpec, lowering: Lowering) -> CellPlan | None:
    before = len(lowering.problems)
    realised = lowering.prompts(spec.population, spec.model)
    if any(problem.is_error for problem in lowering.problems[before:]) or len(realised.pairs) != spec.population.count:
        return None
    prompts = measured_prompts(spec.population, realised.pairs)
    of = _of(measure, spec.population)
    evaluations, places = [], []
    for cell in batches(prompts, _partners(spec, prompts, lowering)):
        edits = _edits(_Cell(spec, measure, prompts), cell, lowering)
        if edits is None:
            return None
        step = Evaluate(lowering.keys[spec.model], batch_of(prompts, cell), edits, asked_of(prompts, cell, of))
        evaluations.append(lowering.nodes.add(step, f"{measure.name}: {spec.model} with {spec.intervention.label}"))
        places.append(cell)
    return CellPlan(spec.labels, tuple(evaluations), tuple(places), prompts, of)


def _partners(spec: CellSpec, prompts: tuple[Prompt, ...], lowering: Lowering) -> tuple[Prompt, ...] | None:
    """The alternates that a patch takes its values from: prompts run together when these have one length too."""
    for act in spec.intervention.acts:
        if isinstance(act, PatchAct):
            pairs = lowering.paired(spec.population, act.alternate, spec.model).pairs
            others = tuple(pair.alternate for pair in pairs if pair.alternate is not None)
            return others if len(others) == len(prompts) else None
    return None


def _of(measure: Measure, population: Population) -> tuple[str, ...]:
    """What the metric is of on these prompts: a desideratum is answered by its target."""
    desideratum = population.alternate is not None and population.alternate.target is not None
    default = "target" if desideratum and measure.metric.kind == "accuracy" else measure.metric.of[0]
    return (default, *measure.metric.of[1:])


def _edits(cell: _Cell, places: tuple[int, ...], lowering: Lowering) -> tuple[Edit, ...] | None:
    edits: list[Edit] = []
    kept = tuple(_kept(group, cell, places, lowering) for act in cell.spec.intervention.acts if isinstance(act, KeepAct) for group in act.circuit.groups)
    for act in cell.spec.intervention.acts:
        match act:
            case MeanAct(circuit, over):
                source = _mean(over, cell, places, act, lowering)
                if source is None:
                    return None
                edits.extend(_set(circuit, kept, source, cell, places, lowering))
            case ZeroAct(circuit):
                edits.extend(_set(circuit, kept, FromZero(), cell, places, lowering))
            case PatchAct(circuit):
                patched = _patch(act, cell, places, lowering)
                if patched is None:
                    return None
                edits.extend(patched)
    return tuple(edits)


def _set(circuit: Circuit | None, kept: tuple[Kept, ...], source: FromMean | FromZero, cell: _Cell, places: tuple[int, ...], lowering: Lowering) -> list[Edit]:
    if circuit is None:
        return [SetElsewhere(kept, source)]
    return [SetHeads(_heads(group, lowering), _at(group, cell.prompts, places), source) for group in circuit.groups]


def _kept(group: Group, cell: _Cell, places: tuple[int, ...], lowering: Lowering) -> Kept:
    return Kept(_heads(group, lowering), _at(group, cell.prompts, places))


def _heads(group: Group, lowering: Lowering) -> Heads:
    if isinstance(group.heads, Found):
        return Chosen(lowering.selects[group.heads.discovery, group.heads.group])
    return group.heads


def _at(group: Group, prompts: tuple[Prompt, ...], places: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(prompts[place].positions[group.position] for place in places)


def _patch(act: PatchAct, cell: _Cell, places: tuple[int, ...], lowering: Lowering) -> list[Edit] | None:
    realised = lowering.paired(cell.spec.population, act.alternate, cell.spec.model)
    if len(realised.pairs) != len(cell.prompts):
        return None
    others = tuple(pair.alternate for pair in realised.pairs if pair.alternate is not None)
    if len({len(others[place].token_ids) for place in places}) != 1:
        return _unequal_patch(act, cell, lowering)
    batch = batch_of(others, places)
    edits: list[Edit] = []
    for group in act.circuit.groups:
        capture = Capture(lowering.keys[cell.spec.model], batch, _at(group, others, places))
        ref = lowering.nodes.ref(capture, f"{cell.measure.name}: alternates at {group.position}")
        edits.append(SetHeads(_heads(group, lowering), _at(group, cell.prompts, places), FromCapture(ref)))
    return edits


def _unequal_patch(act: PatchAct, cell: _Cell, lowering: Lowering) -> None:
    lowering.problems.append(Diagnostic("E641", "alternates of prompts that run together have different token lengths", act.span, "patched here",
                                        "let all values of a variable have as many tokens", (Label(cell.spec.population.span, "measured on these"),)))  # fmt: skip


# --- means -------------------------------------------------------------------------------------------------------


def _mean(over: Population, cell: _Cell, places: tuple[int, ...], act: MeanAct, lowering: Lowering) -> FromMean | None:
    count = over.count or cell.spec.population.count
    before = len(lowering.problems)
    realised = lowering.prompts(over, cell.spec.model, count)
    if any(problem.is_error for problem in lowering.problems[before:]):
        return None
    prompts = measured_prompts(over, realised.pairs)
    if not _equal(prompts, cell, places, act, lowering):
        return None
    key = lowering.keys[cell.spec.model]
    return FromMean(tuple(_sum(prompts, many, key, over, lowering) for many in batches(prompts)))


def _sum(prompts: tuple[Prompt, ...], many: tuple[int, ...], key: ModelKey, over: Population, lowering: Lowering) -> Ref:
    return lowering.nodes.ref(SumOutputs(key, batch_of(prompts, many)), f"mean over {over.label}")


def _equal(prompts: tuple[Prompt, ...], cell: _Cell, places: tuple[int, ...], act: MeanAct, lowering: Lowering) -> bool:
    """Whether a mean at each token makes sense: one length, among the prompts of the mean and those that take it."""
    measured = tuple(cell.prompts[place] for place in places)
    lengths = [len(prompt.token_ids) for prompt in (*prompts, *measured)]
    if len(set(lengths)) == 1:
        return True
    first = next(prompt for prompt, length in zip((*prompts, *measured), lengths, strict=True) if length != lengths[0])
    lowering.problems.append(Diagnostic("E640", "a mean at each token needs prompts of one token length", act.span,
                                        f"{lengths[0]} tokens in most, but {len(first.token_ids)} in {_short(first.text)!r}",
                                        "let all values of a variable have as many tokens, or use `zero`", (Label(cell.spec.population.span, "measured on these"),)))  # fmt: skip
    return False


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
