"""Tensors of files beside a spec: a safetensors file in, the numbers of one of its tensors out. It may come from a
stranger: what its header says is held against the file, and no library reads it."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

from entrack.check.files import Files
from entrack.check.unreadable import Unreadable, few
from entrack.diagnostics import Diagnostic, nearest
from entrack.diagnostics.suggest import Suggestion
from entrack.models.weight_files import ModelRefused, TensorFacts, tensors_of
from entrack.numbers import Numbers
from entrack.source import Span

MOST_NUMBERS = 1 << 20
"""Of a vector."""
SAVE = 'write it with `entrack.vector(numbers, "truth.safetensors")`, or with `safetensors.torch.save_file`'


def vector_of(files: Files, written: str, name: str | None, span: Span) -> Numbers:
    """The numbers of a tensor with one axis: of that `name`, or of the only one there is. Raises Unreadable."""
    path, content = files.content(written, span)
    tensors = files.once(("tensors", str(path)), span, lambda: _tensors(content, written, span))
    if name is None and len(tensors) != 1:
        label, help = f"there is {few(sorted(tensors))}", f'say which, `file("{written}", "NAME")`'
        raise _unreadable(f"`{written}` has {len(tensors)} tensors", span, label, help)
    if name is not None and name not in tensors:
        near = nearest(name, tensors)
        help = Suggestion.of(f"did you mean `{near}`?" if near else "", name, sorted(tensors))
        raise _unreadable(f"`{written}` has no tensor `{name}`", span, f"there is {few(sorted(tensors))}", help)
    facts, raw = tensors[next(iter(tensors)) if name is None else name]
    return files.once(("vector", str(path), name or ""), span, lambda: _numbers(facts, raw, written, span))


def _tensors(content: bytes, written: str, span: Span) -> Mapping[str, tuple[TensorFacts, bytes]]:
    try:
        return tensors_of(content, Path(written).name)
    except ModelRefused as refused:
        raise _unreadable(str(refused), span, "", SAVE) from None


def _numbers(facts: TensorFacts, raw: bytes, written: str, span: Span) -> Numbers:
    if len(facts.shape) != 1 or not facts.elements:
        shape = ", ".join(map(str, facts.shape))
        raise _unreadable(f"a vector has one axis, and this tensor of `{written}` has the shape ({shape})", span)
    if facts.elements > MOST_NUMBERS:
        message = f"a vector has at most {MOST_NUMBERS:,} numbers, and this tensor has {facts.elements:,}"
        raise _unreadable(message, span)
    values = READ[facts.dtype](raw)
    if not all(map(math.isfinite, values)):
        help = "save a tensor of finite numbers"
        raise _unreadable(f"a number of this tensor of `{written}` is not finite", span, help=help)
    return Numbers(values)


def _unreadable(message: str, span: Span, label: str = "", help: str = "save a tensor with one axis") -> Unreadable:
    return Unreadable(Diagnostic("E217", message, span, label, help))


def _unpacked(letter: str) -> Callable[[bytes], tuple[float, ...]]:
    width = struct.calcsize(letter)
    return lambda raw: struct.unpack(f"<{len(raw) // width}{letter}", raw)


def _of_bfloat16(raw: bytes) -> tuple[float, ...]:
    """The upper halves of numbers in float32."""
    halves = (b"\0\0" + raw[at : at + 2] for at in range(0, len(raw), 2))
    return _unpacked("f")(b"".join(halves))


READ: Mapping[str, Callable[[bytes], tuple[float, ...]]] = {
    "F64": _unpacked("d"),
    "F32": _unpacked("f"),
    "F16": _unpacked("e"),
    "BF16": _of_bfloat16,
}
"""The numbers of a tensor, by what a header calls its type."""
