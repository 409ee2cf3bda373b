"""Vectors of Python as a safetensors file, and the lines with which a spec takes them."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from sys import float_info
from typing import Any

from entrack.arguments import number, shown
from entrack.check.tensors import MOST_NUMBERS
from entrack.errors import ArgumentError, ArgumentTypeError
from entrack.from_python.made import Made, file_named, listed, name_of, named, provenance, written

ENDING = ".safetensors"
METADATA = "__metadata__"
"""The entry of a file's header that is no tensor."""
LARGEST = int(float_info.max)


def vector(
    numbers: Any,
    path: str | os.PathLike[str],
    *,
    model: str = "base",
    name: str | None = None,
    made_by: str = "",
) -> Made:
    """Write a direction of the residual stream for specs: `vector NAME in MODEL = file("PATH")`.

    `numbers` is an array of one axis (torch, numpy or a list), as many as the residual stream of the model is wide, or
    a mapping from names to several of these. Numbers stay what they are: float32 where that holds them all, else
    float64. `model` and `name` are how the spec calls the model and the vector (default: as the file is called);
    `made_by` says what made it, in one line. Raises ArgumentError, OSError.
    """
    where, told = file_named(path, ENDING), provenance(made_by)
    several = (
        {named(each, "a vector's name"): _row(row) for each, row in numbers.items()}
        if isinstance(numbers, Mapping)
        else {name_of(name, where): _row(numbers)}
    )
    if not several or (name is not None and isinstance(numbers, Mapping)):
        raise ArgumentError("several vectors are a mapping that has one at least; its keys are their names")
    if METADATA in several:
        raise ArgumentError(f"no vector of a safetensors file is called {METADATA}: say another, name=")
    within = named(model, "model")
    calls = {each: f'"{where.name}", "{each}"' if len(several) > 1 else f'"{where.name}"' for each in several}
    lines = "\n".join(f"vector {each} in {within} = file({call})" for each, call in calls.items())
    many = " and ".join(sorted({f"{len(row):,} numbers" for row in several.values()}))
    return written(where, _safetensors(several, told), many, told, lines)


def _row(given: Any) -> tuple[float, ...]:
    """The numbers of an array of one axis. Raises ArgumentError."""
    row = listed(given)
    if not isinstance(row, list | tuple) or any(isinstance(one, list | tuple) for one in row):
        raise ArgumentTypeError(f"a vector is an array of one axis; this is {shown(given)}")
    if not 0 < len(row) <= MOST_NUMBERS:
        raise ArgumentError(f"a vector has from 1 to {MOST_NUMBERS:,} numbers; this one has {len(row):,}")
    return tuple(float(number(one, "a number of a vector", LARGEST)) for one in row)


def _safetensors(several: Mapping[str, tuple[float, ...]], told: Mapping[str, str]) -> bytes:
    """The bytes of a file: the length of its header, the header, and the tensors one after the other."""
    header: dict[str, Any] = {METADATA: {"format": "pt", **told}}
    blobs: list[bytes] = []
    at = 0
    for name, row in sorted(several.items()):
        dtype, blob = _packed(row)
        header[name] = {"dtype": dtype, "shape": [len(row)], "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    said = json.dumps(header, separators=(",", ":")).encode()
    said += b" " * (-len(said) % 8)
    return b"".join((struct.pack("<Q", len(said)), said, *blobs))


def _packed(row: tuple[float, ...]) -> tuple[str, bytes]:
    """Numbers as float32, if these are the same, else as float64."""
    try:
        narrow = struct.pack(f"<{len(row)}f", *row)
    except OverflowError:
        narrow = b""
    if narrow and struct.unpack(f"<{len(row)}f", narrow) == row:
        return "F32", narrow
    return "F64", struct.pack(f"<{len(row)}d", *row)
