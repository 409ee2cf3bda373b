"""An evaluation: the model's outcomes on a batch with edits in force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

from attrs import frozen

from entrack.address import address, tagged
from entrack.models.key import ModelKey
from entrack.plan.batch import Batch
from entrack.plan.schedule import Every, ForwardPass, Place, Role
from entrack.plan.steps import edits
from entrack.plan.steps.edits import At, BlockAttention, Edit, Elsewhere, Set, part_of
from entrack.plan.steps.kind import Comparison, StepKind
from entrack.plan.steps.runs import at, layers_of, only, run
from entrack.plan.steps.statistic import Statistic, bytes_each, with_statistics
from entrack.plan.value_forms import OUTCOME_BYTES, Form
from entrack.sites import PER_HEAD, SHARED


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
    elsewhere = edits.elsewhere_of(step.edits)
    if elsewhere and all(place.part in PER_HEAD for place in changed):
        free = tuple(place for edit in elsewhere for place in _free(step.model, edit))
        yield run(step, Role.EDITED, changed=changed, held=Every(), free=free, base=_base(step, elsewhere))
    else:
        yield run(step, Role.EDITED, changed=changed)


def _changed(model: ModelKey, edit: Edit) -> Iterable[Place]:
    """Where an edit sets or blocks something."""
    match edit:
        case Set(target):
            return [Place(0, Every())] if isinstance(target, Elsewhere) else _places(model, target)
        case BlockAttention():
            layers = range(edit.first, min(edit.last + 1, model.facts.layers))
            return at(layers if any(edit.read) else (), edit.reader)
        case _:
            assert_never(edit)


def _places(model: ModelKey, target: At) -> Iterator[Place]:
    """Where a target is; keys and values are set at several tokens."""
    tokens = Every() if target.at is None or target.reads in SHARED else only(target.at)
    return (Place(layer, tokens, part_of(target)) for layer in layers_of(model, target.sites))


def _free(model: ModelKey, edit: Set) -> Iterator[Place]:
    """Where heads keep their own outputs."""
    for kept in edit.target.kept if isinstance(edit.target, Elsewhere) else ():
        yield from _places(model, kept)


def _base(step: Evaluate, elsewhere: list[Set]) -> str | None:
    """What an evaluation that sets all heads shares with others: the same prompts with the same values everywhere.
    With two such edits, or with edits of what heads read or of attention beside it, nothing."""
    if len(elsewhere) > 1 or any(map(_inside, step.edits)):
        return None
    return f"base {address([step.model, step.batch, elsewhere[0].source])}"


def _inside(edit: Edit) -> bool:
    """Whether an edit changes what an attention works with."""
    return isinstance(edit, BlockAttention) or (isinstance(edit.target, At) and edit.target.reads is not None)


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
