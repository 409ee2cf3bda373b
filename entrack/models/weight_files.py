"""Weights: which files of a folder hold a model's weights, and what their headers say, before anything else reads them.

A safetensors file is eight bytes that give the length of a JSON header, the header (names, types, shapes, places), and
the tensors. What such a header says is checked against the file here: a reader that believes it need not look again.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from entrack.error_text import reason
from entrack.errors import EntrackError
from entrack.frozen import frozen
from entrack.models.key import ModelKey, ModelSource
from entrack.models.strict_json import strict

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
SHARD = re.compile(r"[\w.-]+\.safetensors", re.ASCII)
WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
SPARE = 1.25
"""What loading and running take beside the weights themselves."""
MOST_HEADER, MOST_INDEX, MOST_DIMENSIONS = 1 << 22, 1 << 24, 4
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


class ModelMissing(EntrackError):
    """A model's files are not on this machine, or cannot be read. The message says what to do."""


class ModelRefused(ModelMissing):
    """A model's files are here and are not used: they are not what they say, or ask for what is never done."""


@frozen
class TensorFacts:
    """What a header says of one tensor."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


def weights_of(folder: Path, gguf: str | None = None) -> tuple[Path, ...]:
    """The files that hold a model's weights, all of them and no others. Raises ModelMissing."""
    if gguf is not None:
        return (_there(folder / gguf),)
    if (folder / WHOLE).is_file():
        return (folder / WHOLE,)
    if (folder / INDEX).is_file():
        return tuple(_there(folder / name) for name in _shards(folder / INDEX))
    pickled = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
    why = (
        f"; {pickled[0]} is a pickle, which can run code when it is read: save the model again as safetensors"
        if pickled
        else ""
    )
    raise ModelMissing(f"there are no weights (*.safetensors) in {folder}{why}")


def weights_bytes(source: ModelSource, key: ModelKey) -> int:
    """What a model takes in memory, in the number type asked for: at most so many bytes, as files hold two bytes a
    weight at the least, and GGUF files half a byte."""
    files = weights_of(source.folder, source.gguf)
    grown = {"float32": 4, "float16": 2, "bfloat16": 2}[key.dtype] * (2 if source.gguf else 0.5)
    return int(sum(path.stat().st_size for path in files) * max(1, grown))


def tensors_in(paths: Iterable[Path]) -> Mapping[str, TensorFacts]:
    """The tensors of safetensors files by name, as their headers say, checked against the files' sizes. Raises
    ModelRefused."""
    found: dict[str, TensorFacts] = {}
    for path in paths:
        for name, facts in _header(path).items():
            if name in found:
                raise ModelRefused(f"{path}: the tensor {name!r} is in another file of the model too")
            found[name] = facts
    return found


def tensors_of(content: bytes, name: str) -> Mapping[str, tuple[TensorFacts, bytes]]:
    """The tensors of a safetensors file by name, from its bytes: what its header says of each, held against them, and
    its own bytes. Raises ModelRefused."""
    places, first = _places(BytesIO(content), len(content), name)
    return {name: (facts, content[first + start : first + end]) for name, (facts, start, end) in places.items()}


def _there(path: Path) -> Path:
    if not path.is_file():
        raise ModelMissing(f"there are no weights: {path} is missing; download or copy the model again")
    return path


def _shards(index: Path) -> tuple[str, ...]:
    """The files that an index names, each beside it."""
    try:
        if index.stat().st_size > MOST_INDEX:
            raise ModelRefused(f"{index} is larger than any such file should be")
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise ModelRefused(f"{index} is no index of weights: {reason(error)}") from None
    for name in names:
        if not isinstance(name, str) or not SHARD.fullmatch(name):
            raise ModelRefused(f"{index} names {str(name)[:100]!r}, which is no safetensors file beside it")
    if not names:
        raise ModelRefused(f"{index} names no files")
    return tuple(sorted(names))


Places = Mapping[str, tuple[TensorFacts, int, int]]
"""A tensor's facts, and where it begins and ends after the header."""


def _header(path: Path) -> dict[str, TensorFacts]:
    try:
        with path.open("rb") as stream:
            places, _ = _places(stream, path.stat().st_size, path)
    except OSError as error:
        raise ModelRefused(f"{path} cannot be read: {error.strerror}") from None
    return {name: facts for name, (facts, _, _) in places.items()}


def _places(stream: BinaryIO, size: int, path: Path | str) -> tuple[Places, int]:
    """The tensors of a file of so many bytes, and where the header ends. Raises ModelRefused, OSError."""
    first = stream.read(8)
    length = struct.unpack("<Q", first)[0] if len(first) == 8 else 0
    if not 2 <= length <= min(MOST_HEADER, size - 8):
        raise _bad(path, f"its header should have {length} bytes" if length else "it is too short")
    try:
        said = strict(stream.read(length))
    except (ValueError, RecursionError) as error:
        raise _bad(path, f"its header cannot be read: {str(error)[:100]}") from None
    if not isinstance(said, dict):
        raise _bad(path, "its header is no object")
    places = {name: _place(path, name, entry) for name, entry in said.items() if name != "__metadata__"}
    _gapless(path, places, size - 8 - length)
    return places, 8 + length


def _place(path: Path | str, name: str, entry: object) -> tuple[TensorFacts, int, int]:
    """A tensor's facts, and where it begins and ends after the header."""
    match entry:
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [start, end]} if _counts([*shape, start, end]):
            if dtype not in WIDTHS:
                raise _bad(path, f"the tensor {name!r} is of type {dtype[:20]!r}; weights are {', '.join(WIDTHS)}")
            facts = TensorFacts(dtype, tuple(shape))
            if len(shape) > MOST_DIMENSIONS or facts.elements * WIDTHS[dtype] != end - start:
                raise _bad(path, f"the tensor {name!r} of shape {shape[:8]} has {end - start} bytes")
            return facts, start, end
    raise _bad(path, f"what it says of the tensor {name!r} makes no sense")


def _counts(values: list[object]) -> bool:
    return all(type(value) is int and 0 <= value < 1 << 62 for value in values)


def _gapless(path: Path | str, places: Places, size: int) -> None:
    """Tensors lie one after the other, from the first byte to the last."""
    at = 0
    for name, (_, start, end) in sorted(places.items(), key=lambda item: item[1][1:]):
        if start != at:
            raise _bad(path, f"the tensor {name!r} begins at byte {start}, where byte {at} comes next")
        at = end
    if at != size:
        raise _bad(path, f"its tensors have {at} bytes, and the file has {size} after its header")


def _bad(path: Path | str, why: str) -> ModelRefused:
    return ModelRefused(f"{path} is no safetensors file that can be read: {why}; download or save it again")
