"""Messages between a run and its workers, as bytes: what is asked for and what comes back. They hold data alone - JSON
and safetensors - and are read by a closed table of classes, so no message can name code.

A message is the length of its head (8 bytes), the head (JSON), and the blobs whose sizes the head gives.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, NoReturn

from attrs import asdict, field

from entrack.address import fields_by_tag, of_fields, tag_of
from entrack.engine import errors as engine
from entrack.error_text import reason
from entrack.events import Event, ModelLoading
from entrack.execution.value_cache import ValueCache
from entrack.execution.value_check import Tensors
from entrack.frozen import frozen
from entrack.model_config import BadConfig, ModelFacts
from entrack.models.key import ModelKey, ModelSource
from entrack.models.weight_files import ModelMissing, ModelRefused
from entrack.numbers import Numbers
from entrack.plan import steps
from entrack.plan.placement import DoesNotFit
from entrack.plan.steps import Step
from entrack.sites import Part, Site
from entrack.store.tensors import decode, encode
from entrack.workers.errors import InputsForgotten, WorkerMistake, WorkerRefused

CLASSES: Mapping[str, type] = {
    tag_of(cls): cls
    for cls in (
        *(kind.step for kind in steps.STEPS),
        *(steps.Set, steps.Add, steps.ProjectOut, steps.Scale, steps.BlockAttention, steps.At, steps.Elsewhere),
        *(steps.FromCapture, steps.FromMean, steps.FromZero, steps.FromVector, steps.FromNoise, steps.Term),
        *(steps.Given, Numbers),
        *(steps.Batch, steps.Spans, steps.MaskBatch, steps.Receivers, steps.Ref, steps.Statistic),
        *(ModelKey, ModelFacts, Site, Part),
    )
}
"""Everything that a bound step is made of, by tag."""
ERRORS: Mapping[str, type[Exception]] = {
    error.__name__: error
    for error in (
        *(engine.EngineError, engine.ModelUnreadable, engine.ModelMismatch, engine.AdapterRefused),
        *(engine.DeviceMissing, engine.PrecisionMissing, engine.OutOfMemory, engine.NothingToAttend, engine.NotFinite),
        *(WorkerRefused, InputsForgotten, ModelMissing, ModelRefused, BadConfig, DoesNotFit),
        *(MemoryError, OSError, ImportError),
    )
}
"""The errors that keep their names on the way back."""
LENGTH = 8
"""Bytes that say how long something is."""


@frozen
class Request:
    """A bound step to compute, the values that it reads, by digest, and where its model's files are."""

    step: Step
    inputs: Mapping[str, Tensors] = field(repr=False)
    source: ModelSource | None


def request(
    step: Step, inputs: Mapping[str, Tensors], source: ModelSource | None, kept: Collection[str] | None = None
) -> bytes:
    """What a worker is asked. `kept` are the digests of inputs that it keeps since an earlier request, and need not be
    sent; None where it is not to keep any."""
    sent = [digest for digest in inputs if digest not in (kept or ())]
    head = {
        "step": step,
        "sent": sent,
        "kept": None if kept is None else [digest for digest in inputs if digest in kept],
        "source": None if source is None else _of_source(source),
    }
    return _packed(head, [encode(inputs[digest]) for digest in sent])


def requested(message: bytes, keeping: ValueCache | None = None) -> Request:
    """What a worker was asked, with what it was `keeping`. Raises InputsForgotten where it does not keep them any
    more."""
    head, blobs = _unpacked(message)
    keeping = keeping or ValueCache()
    inputs: dict[str, Tensors] = {digest: decode(blob) for digest, blob in zip(head["sent"], blobs, strict=True)}
    for digest in head["kept"] or ():
        if (value := keeping.get(digest)) is None:
            raise InputsForgotten("a worker does not keep an input any more")
        inputs[digest] = value
    if head["kept"] is not None:
        for digest in head["sent"]:
            keeping.keep(digest, inputs[digest])
    return Request(_value(head["step"]), inputs, None if head["source"] is None else _source(head["source"]))


def reply(tensors: Tensors, how: Mapping[str, Any]) -> bytes:
    """What a worker has computed."""
    return _packed({"how": dict(how)}, [encode(tensors)])


def failure(error: BaseException) -> bytes:
    """Why it has not."""
    facts = {name: value for name, value in vars(error).items() if isinstance(value, str | int | float | None)}
    trace = "".join(traceback.format_exception(error))
    name = next((kind.__name__ for kind in type(error).__mro__ if kind.__name__ in ERRORS), "")
    said = str(error) if name else f"{type(error).__name__}: {reason(error)}{_place(error)}"
    return _packed({"error": name, "message": said, "facts": facts, "trace": trace}, [])


def event(happened: Event) -> bytes:
    """What a worker tells of: that it loads a model."""
    assert isinstance(happened, ModelLoading), "an engine tells of nothing else"
    return _packed(asdict(happened), [])


def happened(message: bytes) -> ModelLoading:
    """What a worker has told of."""
    head, _ = _unpacked(message)
    return ModelLoading(str(head["name"]), done=bool(head["done"]))


def replied(message: bytes) -> tuple[Tensors, Mapping[str, Any]]:
    """What came back. Raises the error that it tells of."""
    head, blobs = _unpacked(message)
    if "error" in head:
        _raise(head)
    return decode(blobs[0]), head["how"]


def _raise(head: Mapping[str, Any]) -> NoReturn:
    """An error of a worker, with its own name, words and facts; its path only as a note, which nobody shows unasked."""
    kind = ERRORS.get(head["error"], WorkerMistake)
    error = kind.__new__(kind, head["message"])  # some say their words themselves
    Exception.__init__(error, head["message"])
    vars(error).update(head["facts"])
    error.add_note(f"in a worker:\n{head['trace']}")
    raise error


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


# --- values as JSON ----------------------------------------------------------------------------------------------


def _told(value: object) -> dict[str, Any]:
    """A value with a tag: its fields, or, of an enumeration, the member's value."""
    return {tag_of(type(value)): value.value if isinstance(value, Enum) else fields_by_tag(value)}


def _value(told: Any) -> Any:
    match told:
        case [int(), *_]:
            return tuple(told)
        case list():
            return tuple(map(_value, told))
        case dict():
            ((tag, inside),) = told.items()
            cls = CLASSES[tag]
            if issubclass(cls, Enum):
                return cls(inside)
            return of_fields(cls, {name: _value(part) for name, part in inside.items()})
    return told


def _of_source(source: ModelSource) -> dict[str, Any]:
    adapter = None if source.adapter is None else str(source.adapter)
    return {
        "description": source.description,
        "folder": str(source.folder),
        "gguf": source.gguf,
        "adapter": adapter,
        "revision": source.revision,
        "digests": source.digests,
    }


def _source(told: Mapping[str, Any]) -> ModelSource:
    adapter, digests = told["adapter"], told["digests"]
    return ModelSource(
        told["description"],
        Path(told["folder"]),
        told["gguf"],
        None if adapter is None else Path(adapter),
        told["revision"],
        None if digests is None else (digests[0], digests[1]),
    )


# --- heads and blobs ---------------------------------------------------------------------------------------------


def _packed(head: Mapping[str, Any], blobs: Sequence[bytes]) -> bytes:
    written = json.dumps({**head, "sizes": list(map(len, blobs))}, default=_told, separators=(",", ":")).encode()
    return b"".join([len(written).to_bytes(LENGTH), written, *blobs])


def _unpacked(message: bytes) -> tuple[dict[str, Any], list[bytes]]:
    at = LENGTH + int.from_bytes(message[:LENGTH])
    head, blobs = json.loads(message[LENGTH:at]), []
    for size in head["sizes"]:
        blobs.append(message[at : at + size])
        at += size
    return head, blobs
