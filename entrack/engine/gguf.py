"""GGUF files: what one says of itself, written beside it as config.json and tokenizer.json.

A GGUF file is a header (values by name, then the tensors' names, shapes and places) and the tensors. `check` walks the
header and holds every number in it against the file's size; only then does transformers read it, from a folder that
holds nothing else.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from entrack import files
from entrack.engine.errors import EngineError, ModelUnreadable
from entrack.engine.quiet import quiet
from entrack.error_text import reason
from entrack.families import FAMILIES
from entrack.families.base import Family
from entrack.model_config import BadConfig, ModelFacts, read_facts

VERSIONS = (2, 3)
SCALARS: Mapping[int, str] = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
TEXT, ARRAY, NUMBER = 8, 9, 4
MOST_NESTED, MOST_DIMENSIONS, MOST_TEXT = 4, 4, 1 << 22
MOST_ELEMENTS, MOST_PIECE = 2_000_000, 2_049
"""Elements in all lists of a header, and bytes in a text of a list: the reader makes an object of each, and merges
are found by cutting each piece everywhere. The largest known vocabulary has 262,144 pieces and 514,906 merges."""
WANTED = ("config.json", "tokenizer.json")
ALONE = "model.gguf"


def unpack(path: Path) -> tuple[Path, ...]:
    """Write config.json and tokenizer.json beside a GGUF file, each whole or not at all; gives their paths.

    Reads local files only, and runs no code that comes with them. Raises ModelUnreadable.
    """
    header = _walked(path)
    with alone(path) as folder:
        config = _config(folder, path, header)
        texts = (json.dumps(config, indent=2, sort_keys=True) + "\n", _tokenizer(folder, path))
    written = tuple(path.parent / name for name in WANTED)
    for place, text in zip(written, texts, strict=True):
        _put(place, text)
    return written


def check(path: Path) -> int:
    """That a file is GGUF, of a family that is known, and that nothing in its header points outside it. Raises
    ModelUnreadable.

    Gives how many numbers its tensors have.
    """
    return _walked(path).elements


def _walked(path: Path) -> _Header:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if file.read(4) != b"GGUF":
                raise ModelUnreadable(f"{path} is no GGUF file: it does not begin with GGUF")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                header = _Header(path, data, size)
                header.walk()
                return header
    except OSError as error:
        raise ModelUnreadable(f"{path} cannot be read: {error.strerror}") from None


class _Header:
    """A walk through the header, from its first byte to its last: its values by name, of which lists are None, the
    names of its tensors, and how many numbers these have."""

    def __init__(self, path: Path, data: mmap.mmap, size: int) -> None:
        self._path, self._data, self._size, self._at, self._listed = path, data, size, 4, 0
        self.values: dict[str, object] = {}
        self.tensors: list[str] = []
        self.elements = 0

    def walk(self) -> None:
        version = self._number("I")
        if version not in VERSIONS:
            swapped = int.from_bytes(version.to_bytes(4, "little"), "big") in VERSIONS
            raise self._bad(
                "its bytes are in big-endian order"
                if swapped
                else f"its version is {version}; known are {VERSIONS[0]} and {VERSIONS[1]}"
            )
        tensors, values = self._many("tensors", 24), self._many("values", 12)
        for _ in range(values):
            name = self._text("the name of a value")
            self.values[name] = self._value(name, self._number("I"), 0)
        self._family(self.values.get("general.architecture"))
        alignment = self.values.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 1 <= alignment <= 1 << 20:
            raise self._bad(f"it aligns its tensors to {alignment!r} bytes")
        self._tensors(tensors, alignment)

    def of_family(self, name: str) -> object:
        """A value that is called after the family. None where there is none."""
        return self.values.get(f"{self.values['general.architecture']}.{name}")

    def _family(self, family: object) -> None:
        known = sorted(one.gguf for one in FAMILIES.values() if one.gguf)
        if family in FAMILIES and family not in known:
            raise self._bad(f"models of the family {family!r} are read from safetensors only")
        if family not in known:
            raise self._bad(f"the model family {family!r} is not known; known are {', '.join(known)}")

    def _tensors(self, count: int, alignment: int) -> None:
        sizes = _quantised_sizes()
        ends: list[tuple[str, int]] = []
        for _ in range(count):
            name = self._text("the name of a tensor")
            dimensions = self._number("I")
            if not 1 <= dimensions <= MOST_DIMENSIONS:
                raise self._bad(f"the tensor {name!r} has {dimensions} dimensions")
            elements = 1
            for _ in range(dimensions):
                elements *= self._number("Q")
            kind, offset = self._number("I"), self._number("Q")
            if kind not in sizes:
                raise self._bad(f"the tensor {name!r} is of the unknown type {kind}")
            block, width = sizes[kind]
            if elements == 0 or elements % block:
                raise self._bad(
                    f"the tensor {name!r} has {elements} elements, which is no whole number of blocks of {block}"
                )
            self.elements += elements
            self.tensors.append(name)
            ends.append((name, offset + elements // block * width))
        start = -(-self._at // alignment) * alignment
        for name, end in ends:
            if start + end > self._size:
                raise self._bad(f"the tensor {name!r} ends at byte {start + end}, and the file has {self._size}")

    def _value(self, name: str, kind: int, depth: int) -> object:
        """The value that stands here; of an array only that it is one."""
        if kind == TEXT:
            return self._text(f"the value {name!r}", MOST_PIECE if depth else MOST_TEXT)
        if kind in SCALARS:
            return self._number(SCALARS[kind])
        if kind != ARRAY:
            raise self._bad(f"the value {name!r} is of the unknown type {kind}")
        if depth == MOST_NESTED:
            raise self._bad(f"the value {name!r} is a list of lists of lists")
        inner = self._number("I")
        width = struct.calcsize(SCALARS[inner]) if inner in SCALARS else 8 if inner == TEXT else 12
        count = self._many(f"elements in {name!r}", width)
        self._listed += count
        if self._listed > MOST_ELEMENTS:
            raise self._bad(f"its lists have over {MOST_ELEMENTS:,} elements, with those in {name!r}")
        if inner in SCALARS:
            self._at += count * width
        else:
            for _ in range(count):
                self._value(name, inner, depth + 1)
        return None

    def _many(self, what: str, least: int) -> int:
        """A count of things that take at least `least` bytes each."""
        count = int(self._number("Q"))
        if count > (self._size - self._at) // least:
            raise self._bad(f"it says that it has {count} {what}, and {self._size - self._at} bytes are left")
        return count

    def _text(self, what: str, most: int = MOST_TEXT) -> str:
        length = int(self._number("Q"))
        if length > min(self._size - self._at, most):
            raise self._bad(f"{what} is {length} bytes long; {self._size - self._at} are left, and {most} are allowed")
        raw = self._data[self._at : self._at + length]
        self._at += length
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise self._bad(f"{what} is not UTF-8 text") from None

    def _number(self, kind: str) -> int:
        width = struct.calcsize(kind)
        if self._at + width > self._size:
            raise self._bad("it ends in the middle of its header")
        (value,) = struct.unpack_from(f"<{kind}", self._data, self._at)
        self._at += width
        return value  # type: ignore[no-any-return]  # struct is untyped

    def _bad(self, why: str) -> ModelUnreadable:
        return ModelUnreadable(f"{self._path} is no GGUF file that can be read: {why}")


def _quantised_sizes() -> Mapping[int, tuple[int, int]]:
    """Elements and bytes of a block, by the number of a tensor's type."""
    try:
        from gguf.constants import GGML_QUANT_SIZES
    except ImportError:
        raise ModelUnreadable(
            "GGUF files are read with the package gguf, which is not installed: pip install 'entrack[gguf]'"
        ) from None
    return {int(kind): (int(block), int(width)) for kind, (block, width) in GGML_QUANT_SIZES.items()}


@contextmanager
def alone(path: Path) -> Iterator[Path]:
    """A folder with this file in it, called `ALONE`, and nothing else that transformers could find and read."""
    with tempfile.TemporaryDirectory(prefix="entrack-") as folder:
        os.symlink(path.resolve(), Path(folder) / ALONE)
        yield Path(folder)


def _config(folder: Path, path: Path, header: _Header) -> dict[str, Any]:
    """What the file says, without what every configuration has by default and without where it lay."""
    from transformers import AutoConfig, PreTrainedConfig

    full: dict[str, Any] = _read(AutoConfig, folder, path, "configuration").to_dict()
    usual: dict[str, Any] = PreTrainedConfig().to_dict()
    unsaid = ("_name_or_path", "_model_name_or_path", "transformers_version", "dtype", "torch_dtype")
    config = {
        name: value
        for name, value in full.items()
        if name not in unsaid and (name not in usual or value != usual[name])
    }
    try:
        config |= _left_out(header, FAMILIES.get(str(config.get("model_type"))))
        _is_turned_plainly(header, read_facts(config))
    except BadConfig as bad:
        raise ModelUnreadable(f"{path}: {bad}") from None
    return config


def _left_out(header: _Header, family: Family | None) -> dict[str, object]:
    """Words of the configuration that the file says and transformers does not read."""
    words = {} if family is None else family.gguf_words
    said = {word: header.of_family(name) for name, word in words.items()}
    return {word: value for word, value in said.items() if value is not None}


def _is_turned_plainly(header: _Header, facts: ModelFacts) -> None:
    """Raises BadConfig where the rotary embedding is one that transformers would not read from the file."""
    scaled = header.of_family("rope.scaling.type") not in (None, "none")
    if scaled or any(name.startswith("rope_") for name in header.tensors):
        raise BadConfig("its rotary embedding is scaled, which is not read from a GGUF file: take the safetensors")
    if header.of_family("rope.dimension_count") not in (None, facts.d_head):
        raise BadConfig("only a part of each head is turned, which is not read from a GGUF file: take the safetensors")


def _tokenizer(folder: Path, path: Path) -> str:
    from transformers import AutoTokenizer

    library = getattr(_read(AutoTokenizer, folder, path, "tokenizer"), "backend_tokenizer", None)
    if library is None:
        raise ModelUnreadable(f"{path}: its tokenizer is of a kind that has no tokenizer.json")
    return str(library.to_str(pretty=False)) + "\n"


def _read(reader: Any, folder: Path, path: Path, what: str) -> Any:
    try:
        with quiet(bars=True):
            return reader.from_pretrained(str(folder), gguf_file=ALONE, trust_remote_code=False, local_files_only=True)
    except (EngineError, KeyboardInterrupt, SystemExit):
        raise
    except (
        BaseException
    ) as error:  # whatever transformers, tokenizers or gguf make of damaged files; tokenizers panics with no Exception
        raise ModelUnreadable(f"{path}: its {what} cannot be read: {reason(error)}") from error


def _put(place: Path, text: str) -> None:
    try:
        files.put(place, text.encode())
    except OSError as error:
        raise ModelUnreadable(f"{place} cannot be written: {error.strerror}") from None
