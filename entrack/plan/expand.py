"""Expansion: a step becomes the forward passes that the reference executor makes for it, all layers of all tokens.

before: PathPatch(layer 3, receivers (5.1.query,))
after:  clean x 1, sent x 4 (changed at layer 3, read at layer 5), received x 4 (changed at layer 5, logits)

Heads that are not known before a run count for any layer that they could be in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from entrack.address import address
from entrack.models.key import ModelKey
from entrack.plan.schedule import DEFAULT, Every, ForwardPass, From, Memory, Only, Place, Schedule
from entrack.plan.steps import (
    Attribute,
    BlockAttention,
    Capture,
    CaptureInputs,
    Chosen,
    Evaluate,
    Heads,
    Indices,
    MaskBatch,
    PathPatch,
    Screened,
    SetElsewhere,
    SetHeads,
    SetInputs,
    Step,
    SumOutputs,
    TrainMask,
)
from entrack.sites import Component


def expand(step: Step, memory: Memory = DEFAULT) -> Schedule:
    """The runs of a step, nothing taken away."""
    return Schedule(tuple(_runs(step)), memory)


def senders_of(step: PathPatch) -> int:
    """How many heads are patched. In which layers those of a screen will be is not known: they are counted evenly."""
    if isinstance(step.senders, Screened):
        each, rest = divmod(step.senders.most, step.model.facts.layers)
        return min(step.model.facts.heads, each + (step.layer < rest))
    return step.model.facts.heads if step.senders is None else len(step.senders)


def _runs(step: Step) -> Iterator[ForwardPass]:
    match step:
        case Capture():
            yield _run(step, "clean", read=_at(step, _read(step), step.at), logits=False)
        case CaptureInputs():
            tokens = _only(step.at) if step.component is Component.QUERY else Every()
            yield _run(step, "clean", read=tuple(Place(layer, tokens) for layer in _read(step)), logits=False)
        case SumOutputs():
            yield _run(
                step,
                "clean",
                read=tuple(Place(layer, Every()) for layer in range(step.model.facts.layers)),
                logits=False,
            )
        case Evaluate():
            yield _evaluated(step)
        case PathPatch():
            yield from _hop(step, (step.layer,), variants=senders_of(step))
        case Attribute():
            yield from _hop(
                step, range(step.model.facts.layers), times=max(1, step.steps), backward=len(step.asked[0]) + 1
            )
        case TrainMask():
            yield from _trained(step)


def _evaluated(step: Evaluate) -> ForwardPass:
    if not step.edits:
        return _run(step, "clean")
    changed: list[Place] = []
    free: list[Place] = []
    for edit in step.edits:
        match edit:
            case SetElsewhere():
                changed.append(Place(0, Every()))
                free.extend(place for kept in edit.kept for place in _at(step, _layers(step, kept.heads), kept.at))
            case SetHeads():
                changed.extend(_at(step, _layers(step, edit.heads), edit.at))
            case SetInputs(heads, at, component):
                tokens = _only(at) if component is Component.QUERY else Every()
                changed.extend(Place(layer, tokens) for layer in _layers(step, heads))
            case BlockAttention(first, last, reader, read):
                changed.extend(
                    _at(step, range(first, min(last + 1, step.model.facts.layers)) if any(read) else (), reader)
                )
    elsewhere = [edit for edit in step.edits if isinstance(edit, SetElsewhere)]
    if not elsewhere:
        return _run(step, "edited", changed=tuple(changed))
    return _run(step, "edited", changed=tuple(changed), held=Every(), free=tuple(free), base=_base(step, elsewhere))


def _base(step: Evaluate, elsewhere: list[SetElsewhere]) -> str | None:
    """What an evaluation with `SetElsewhere` shares with others: the same prompts with the same values everywhere.
    With two of them, or with edits of inputs or attention beside it, nothing."""
    if len(elsewhere) > 1 or any(isinstance(edit, SetInputs | BlockAttention) for edit in step.edits):
        return None
    return f"base {address([step.model, step.batch, elsewhere[0].source])}"


def _hop(step: PathPatch | Attribute, layers: Sequence[int], **many: int) -> Iterator[ForwardPass]:
    """The passes of a hop whose senders stand in these layers."""
    senders, receivers = _at(step, layers, step.at), _at(step, _receiving(step, layers[0]), step.at)
    yield _run(step, "clean", read=_at(step, range(step.model.facts.layers), step.at))
    yield _run(step, "sent", changed=senders, held=From(step.at), read=receivers, logits=not step.receivers, **many)
    if step.receivers:
        yield _run(step, "received", changed=receivers, **many)


def _receiving(step: PathPatch | Attribute, lowest: int) -> tuple[int, ...]:
    """The layers of the receivers; all above the lowest sender while they are not known."""
    heads = [receivers.heads for receivers in step.receivers]
    if any(isinstance(one, Chosen) for one in heads):
        facts = step.model.facts
        return tuple(layer for layer in range(facts.layers) if facts.sends(lowest, layer)) or (lowest,)
    return tuple(sorted({layer for one in heads for layer in _layers(step, one)}))


def _trained(step: TrainMask) -> Iterator[ForwardPass]:
    checks = -(-step.epochs * len(step.train) // step.check_every)
    for batch in step.train:
        yield _run_on(step, batch, "trained", times=step.epochs, backward=1)
        yield _alternates(step, batch)
    for batch in step.validate:
        yield _run_on(step, batch, "checked", times=checks)
        yield _alternates(step, batch)


def _run_on(step: TrainMask, batch: MaskBatch, name: str, **more: Any) -> ForwardPass:
    return ForwardPass(
        name,
        batch.original,
        step.model.facts,
        step.model.dtype,
        changed=_at(step, _layers(step, step.heads), batch.at),
        **_whole(step.model),
        **more,
    )


def _alternates(step: TrainMask, batch: MaskBatch) -> ForwardPass:
    read = _at(step, _layers(step, step.heads), batch.alternate_at)
    return ForwardPass(
        "alternates", batch.alternate, step.model.facts, step.model.dtype, read=read, logits=False, **_whole(step.model)
    )


def _run(
    step: Capture | CaptureInputs | SumOutputs | Evaluate | PathPatch | Attribute, name: str, **more: Any
) -> ForwardPass:
    base = f"clean {step.model.digest} {step.batch.digest}" if name == "clean" else None
    return ForwardPass(
        name, step.batch, step.model.facts, step.model.dtype, **{"base": base, **_whole(step.model), **more}
    )


def _whole(model: ModelKey) -> Mapping[str, Any]:
    layers = model.facts.layers
    return {"end": layers, "attention": tuple(range(layers))}


def _layers(step: Step, heads: Heads) -> tuple[int, ...]:
    """The layers of heads, all of them while they are not known."""
    if isinstance(heads, Chosen):
        return tuple(range(step.model.facts.layers))
    return tuple(sorted({head.layer for head in heads}))


def _read(step: Capture | CaptureInputs) -> tuple[int, ...]:
    return tuple(range(step.model.facts.layers)) if step.heads is None else _layers(step, step.heads)


def _at(step: Step, layers: Iterable[int], at: Indices) -> tuple[Place, ...]:
    tokens = _only(at)
    return tuple(Place(layer, tokens) for layer in layers)


def _only(at: Indices) -> Only:
    return Only(tuple((token,) for token in at))
