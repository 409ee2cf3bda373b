"""Acts of an intervention become edits of a batch, with the captures and means that they take their values from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from attrs import frozen

from entrack import budget
from entrack.check.resolved import (
    BlockAct,
    Circuit,
    Group,
    Intervention,
    KeepAct,
    MeanAct,
    PatchAct,
    Population,
    ZeroAct,
)
from entrack.diagnostics import Diagnostic, Label
from entrack.plan.builder import batch_of, batches
from entrack.plan.lower.context import Lowering, Unmakeable
from entrack.plan.steps import (
    At,
    BlockAttention,
    Capture,
    Edit,
    Elsewhere,
    FromCapture,
    FromMean,
    FromZero,
    Set,
    SumOutputs,
)
from entrack.prompts.tokenise import Prompt, PromptPair
from entrack.sites import SHARED, Part
from entrack.source import Span

Places = tuple[int, ...]
A_PLACE = 2
"""Parts of a step that are made as quickly as an edit of it is begun."""


@frozen
class Measured:
    """Prompts that a model is measured on. `name` says for what, `draw` which draw of everything random this is."""

    name: str
    model: str
    population: Population
    prompts: tuple[Prompt, ...]
    draw: int = 0


def measured_prompts(population: Population, pairs: tuple[PromptPair, ...]) -> tuple[Prompt, ...]:
    """The prompts that a population is measured on: an alternate's own, but a desideratum's originals."""
    if population.alternate is not None and population.alternate.target is None:
        return tuple(pair.alternate for pair in pairs if pair.alternate is not None)
    return tuple(pair.original for pair in pairs)


def edits_of(intervention: Intervention, on: Measured, places: Places, lowering: Lowering) -> tuple[Edit, ...]:
    """The edits of an intervention on one batch. `elsewhere` is where no other act says anything. Raises Deferred,
    and Unmakeable where prompts do not fit."""
    kept = [group for act in intervention.acts if act.circuit is not None for group in act.circuit.groups]
    edits: list[Edit] = []
    for act in intervention.acts:
        match act:
            case MeanAct(circuit, over):
                edits.extend(_set(circuit, kept, mean_of(over, on, places, act.span, lowering), on, places, lowering))
            case ZeroAct(circuit):
                edits.extend(_set(circuit, kept, FromZero(), on, places, lowering))
            case PatchAct() if act.model is not None:
                edits.extend(_donated(act, act.model, on, places, lowering))
            case PatchAct():
                edits.extend(_alternated(act, on, places, lowering))
            case BlockAct():
                edits.append(_blocked(act, on, places, lowering))
            case KeepAct():
                pass  # what it keeps is in `kept`, for the other acts
            case _:
                assert_never(act)
    return tuple(edits)


def partners(intervention: Intervention, on: Measured, lowering: Lowering) -> tuple[tuple[Prompt, ...], ...]:
    """The alternates that its patches take values from, act by act: prompts run together when each of these has one
    length too."""
    budget.spend(budget.STEP_PARTS, len(intervention.acts))
    return tuple(
        _others(act, on, lowering) for act in intervention.acts if isinstance(act, PatchAct) and act.model is None
    )


def at_of(position: str, prompts: Sequence[Prompt], places: Places) -> tuple[int, ...]:
    """The token of a position in each prompt of a batch."""
    budget.spend(budget.STEP_PARTS, A_PLACE + len(places))
    return tuple(prompts[place].positions[position] for place in places)


def mean_of(over: Population, on: Measured, places: Places, span: Span, lowering: Lowering) -> FromMean:
    """The mean of head outputs over a population: as many prompts as are measured, where the spec does not say how
    many."""
    drawn = lowering.prompts(over, on.model, over.count or on.population.count)
    known = lowering.means.get((on.model, id(drawn)))
    if known is None:
        prompts, key = measured_prompts(over, drawn.pairs), lowering.keys[on.model]
        sums = (
            lowering.nodes.ref(SumOutputs(key, batch_of(prompts, many)), f"mean over {over.label}")
            for many in batches(prompts)
        )
        known = lowering.means[on.model, id(drawn)] = prompts, tuple(sums)
    else:
        lowering.nodes.again(len(known[1]))
    prompts, refs = known
    _one_length(prompts, on, places, span, lowering)
    return FromMean(refs)


def _set(
    circuit: Circuit | None,
    kept: Sequence[Group],
    source: FromMean | FromZero,
    on: Measured,
    places: Places,
    lowering: Lowering,
) -> list[Edit]:
    if circuit is None:
        keeps = tuple(
            At(lowering.heads(group, on.model, on.draw), at_of(group.position, on.prompts, places)) for group in kept
        )
        return [Set(Elsewhere(keeps), source)]
    return [
        Set(At(lowering.heads(group, on.model, on.draw), at_of(group.position, on.prompts, places)), source)
        for group in circuit.groups
    ]


def _alternated(act: PatchAct, on: Measured, places: Places, lowering: Lowering) -> list[Edit]:
    others = _others(act, on, lowering)
    batch = batch_of(others, places)
    edits: list[Edit] = []
    for group in act.circuit.groups:
        heads = lowering.heads(group, on.model, on.draw)
        capture = Capture(lowering.keys[on.model], batch, at_of(group.position, others, places), heads)
        source = FromCapture(lowering.nodes.ref(capture, f"{on.name}: alternates at {group.position}"))
        edits.append(Set(At(heads, at_of(group.position, on.prompts, places)), source))
    return edits


def _others(act: PatchAct, on: Measured, lowering: Lowering) -> tuple[Prompt, ...]:
    pairs = lowering.paired(on.population, act.alternate, on.model).pairs
    return tuple(pair.alternate for pair in pairs if pair.alternate is not None)


def _donated(act: PatchAct, donor: str, on: Measured, places: Places, lowering: Lowering) -> list[Edit]:
    """Cross-model activation patching: the donor reads the same tokens, and its heads' outputs or inputs stand in."""
    batch, key = batch_of(on.prompts, places), lowering.keys[donor]
    reads = None if act.component is Part.OUTPUT else act.component
    what = f"{on.name}: {f'{reads.value} of ' if reads else ''}{donor}"
    edits: list[Edit] = []
    for group in act.circuit.groups:
        heads, at = lowering.heads(group, on.model, on.draw), at_of(group.position, on.prompts, places)
        capture = Capture(key, batch, None if reads in SHARED else at, heads, act.component)
        source = FromCapture(lowering.nodes.ref(capture, f"{what} at {group.position}"))
        edits.append(Set(At(heads, at, reads), source))
    return edits


def _blocked(act: BlockAct, on: Measured, places: Places, lowering: Lowering) -> BlockAttention:
    top = lowering.keys[on.model].facts.layers - 1
    budget.spend(budget.STEP_PARTS, A_PLACE + len(places) * len(act.read))
    read = tuple(tuple(on.prompts[place].positions[name] for name in act.read) for place in places)
    return BlockAttention(act.first, min(act.last, top), at_of(act.reader, on.prompts, places), read)


def _one_length(prompts: tuple[Prompt, ...], on: Measured, places: Places, span: Span, lowering: Lowering) -> None:
    """A mean at each token makes sense when the prompts of the mean and those that take it have one length."""
    everything = (*prompts, *(on.prompts[place] for place in places))
    length = len(everything[0].token_ids)
    other = next((prompt for prompt in everything if len(prompt.token_ids) != length), None)
    if other is None:
        return
    lowering.problems.append(
        Diagnostic(
            "E640",
            "a mean at each token needs prompts of one token length",
            span,
            f"{length} tokens in most, but {len(other.token_ids)} in {_short(other.text)!r}",
            "let all values of a variable have as many tokens, or use `zero`",
            (Label(on.population.span, "measured on these"),),
        )
    )
    raise Unmakeable(on.name)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
