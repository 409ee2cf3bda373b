"""The files of a model one by one, with their sizes and digests, and the licence that its card states."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from entrack.address import file_digest
from entrack.frozen import frozen
from entrack.models.key import ModelSource
from entrack.models.locate import adapter_files, tokenizer_file
from entrack.models.weight_files import weights_of

Role = Literal["file", "weights", "adapter"]
MOST_CARD = 1 << 16
"""Bytes of a model card that are looked at for its licence."""
_LICENCE = re.compile(r"^license:[ \t]*[\"']?([A-Za-z0-9][\w .+-]{0,63}?)[\"']?[ \t]*$", re.MULTILINE | re.ASCII)


@frozen
class ModelFile:
    """`role` is what a file is to the model's key: part of its weights or adapter, or read by itself."""

    role: Role
    name: str
    size: int
    sha256: str


def files_of(source: ModelSource) -> tuple[ModelFile, ...]:
    """The files that a run reads of a model, in the order in which their digests make its address. Raises
    ModelMissing, OSError."""
    adapter = () if source.adapter is None else adapter_files(source.adapter)
    return (
        _listed("file", source.folder / "config.json"),
        _listed("file", tokenizer_file(source)),
        *(_listed("weights", path) for path in weights_of(source.folder, source.gguf)),
        *(_listed("adapter", path) for path in adapter),
    )


def licence_of(source: ModelSource) -> str | None:
    """The licence in the head of a model card (README.md) beside the model; None where none is stated."""
    return next(_licences(source.folder / "README.md"), None)


def _licences(card: Path) -> Iterator[str]:
    try:
        with card.open("rb") as stream:
            text = stream.read(MOST_CARD).decode("utf-8", errors="replace").replace("\r\n", "\n")
    except OSError:
        return
    _, opening, rest = text.partition("---\n")
    head, closing, _ = rest.partition("\n---")
    if opening and closing:
        yield from (found.group(1) for found in _LICENCE.finditer(head))


def _listed(role: Role, path: Path) -> ModelFile:
    return ModelFile(role, path.name, path.stat().st_size, file_digest(path))
