"""An evaluation: the model's outcomes on a batch with edits in force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

from entrack.address import address, tagged
from entrack.frozen import frozen
from entrack.models.key import ModelKey
from entrack.plan.batch import Batch
from entrack.plan.schedule import Every, ForwardPass, Place, Role
from entrack.plan.steps import edits
from entrack.plan.steps.edits import Add, At, BlockAttention, Edit, Elsewhere, ProjectOut, Scale, Set, part_of
from entrack.plan.steps.kind import Comparison, StepKind
from entrack.plan.steps.runs import at, layers_of, run, tokens_at
from entrack.plan.steps.statistic import Statistic, bytes_each, with_statistics
from entrack.plan.value_forms import OUTCOME_BYTES, Form
from entrack.sites import PER_HEAD, RECEIVING, SHARED, STREAM, Part

ELSEWHERE = (Part.OUTPUT, Part.NEURON, Part.MLP)
"""Parts of which all sites can be held beside all heads."""
BESIDE = (*PER_HEAD, *STREAM, Part.NEURON, Part.MLP)
"""Parts that can be changed at a token while all heads are held."""


@tagged("evaluate", "model batch edits asked also")
@frozen
class Evaluate:
    """One forward pass per batch with edits in force, read at the last token.

    `asked` holds, prompt by prompt, the token ids that outcomes are wanted for (prompts x k).
    -> `top` int64 (prompt): the argmax token; `logit`, `log_probability` float32 (prompt, k); and the statistics that
    are `also` wanted, under their names.
    """

    model: ModelKey
    batch: Batch
    edits: tuple[Edit, ...]
    asked: tuple[tuple[int, ...], ...]
    also: tuple[Statistic, ...] = ()


def _expand(step: Evaluate) -> Iterator[ForwardPass]:
    if not step.edits:
        yield run(step, Role.CLEAN)
        return
    if Statistic.KL_FROM_CLEAN in step.also:
        yield run(step, Role.CLEAN)
    changed = tuple(place for edit in step.edits for place in _changed(step.model, edit))
    if _holds_heads(step):
        free = tuple(place for target, _ in edits.elsewhere_of(step.edits) for place in _free(step.model, target))
        yield run(step, Role.EDITED, changed=changed, held=Every(), free=free, base=_base(step, free))
    else:
        yield run(step, Role.EDITED, changed=changed)


def _holds_heads(step: Evaluate) -> bool:
    """Whether all heads are set elsewhere, and whatever else is changed stays at its token as long as they are."""
    changes = [(edit, edit.target) for edit in step.edits if not isinstance(edit, BlockAttention)]
    everywhere = [(edit, target.parts) for edit, target in changes if isinstance(target, Elsewhere)]
    here = {part_of(target) for _, target in changes if isinstance(target, At)}
    heads = any(Part.OUTPUT in parts for _, parts in everywhere)
    set_ = all(isinstance(edit, Set) and {*parts} <= {*ELSEWHERE} for edit, parts in everywhere)
    return heads and set_ and here <= {*BESIDE}


def _changed(model: ModelKey, edit: Edit) -> Iterable[Place]:
    """Where an edit changes or blocks something."""
    match edit:
        case Set(target) | Add(target) | ProjectOut(target) | Scale(target):
            if isinstance(target, Elsewhere):
                return [Place(0, Every(), part) for part in target.parts]
            return _places(model, target)
        case BlockAttention():
            layers = range(edit.first, min(edit.last + 1, model.facts.layers))
            return at(layers if any(edit.read) else (), edit.reader)
        case _:
            assert_never(edit)


def _places(model: ModelKey, target: At) -> Iterator[Place]:
    """Where a target is; keys and values are set at several tokens."""
    tokens = Every() if target.reads in SHARED else tokens_at(target.at)
    return (Place(layer, tokens, part_of(target)) for layer in layers_of(model, target.sites))


def _free(model: ModelKey, target: Elsewhere) -> Iterator[Place]:
    """Where sites keep what is their own."""
    for kept in target.kept:
        yield from (place for place in _places(model, kept) if place.part in target.parts)


def _base(step: Evaluate, free: tuple[Place, ...]) -> str | None:
    """What an evaluation that sets all heads shares with others: the same prompts with the same values everywhere.
    With two such edits of one part, edits of what heads read or of attention beside it, or where something else is done
    at every token, nothing."""
    everywhere = [(target.parts, source) for target, source in edits.elsewhere_of(step.edits)]
    parts = [part for several, _ in everywhere for part in several]
    targets = [edit.target for edit in step.edits if not isinstance(edit, BlockAttention)]
    here = [place for target in targets if isinstance(target, At) for place in _places(step.model, target)]
    if len({*parts}) < len(parts) or any(map(_inside, step.edits)):
        return None
    if any(isinstance(place.tokens, Every) for place in (*here, *free)):
        return None
    return f"base {address([step.model, step.batch, *everywhere])}"


def _inside(edit: Edit) -> bool:
    """Whether an edit changes what an attention works with."""
    return isinstance(edit, BlockAttention) or (isinstance(edit.target, At) and part_of(edit.target) in RECEIVING)


def _form(step: Evaluate) -> Form:
    return with_statistics((step.batch.prompts,), len(step.asked[0]), step.model.facts.vocabulary, step.also)


def _nbytes(step: Evaluate, nodes: Mapping[str, object]) -> int:
    return (OUTCOME_BYTES + bytes_each(step.also)) * step.batch.prompts


EVALUATE = StepKind(
    Evaluate,
    "an evaluation",
    1,
    _expand,
    _form,
    _nbytes,
    Comparison.OUTCOMES,
    parts=edits.PARTS,
    branches={"edits": "edits", **edits.BRANCHES},
)
