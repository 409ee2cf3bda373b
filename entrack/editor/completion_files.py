"""The files that a text may name: those of the spec's folder, by what stands before the text."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from entrack.editor.document import Document
from entrack.source import Span

TABLES = (".csv", ".jsonl", ".parquet")
ENDINGS: Mapping[str, tuple[str, ...]] = {
    "include": (".et",),
    "of": TABLES,
    "column": TABLES,
    "json": (".json",),
    "scores": TABLES,
    "file": (".safetensors",),
    "gguf": (".gguf",),
    "local": ("/config.json",),
    "lora": ("/adapter_config.json",),
}
"""How files end that a word before a text asks for; a folder is known by a file in it."""
BEFORE = re.compile(r"([A-Za-z]+)\s*\(?\s*\Z")
MOST_LOOKED_AT = 2000
MOST_DEEP = 3


def files_named(document: Document, before: str, text: Span) -> Iterator[str]:
    """The paths that may be written in a text, seen from the file it stands in, the nearest first."""
    word = BEFORE.search(before)
    endings = ENDINGS.get(word.group(1), ()) if word is not None else ()
    folder = Path(text.file).parent
    if not endings:
        return
    for path in sorted(islice(_below(folder, MOST_DEEP), MOST_LOOKED_AT), key=lambda path: path.count("/")):
        for ending in endings:
            if f"/{path}".endswith(ending):
                yield path.removesuffix(ending) if ending.startswith("/") else path


def _below(folder: Path, deep: int) -> Iterator[str]:
    """The files below a folder, in order, as paths from there; hidden ones and links are left out."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.is_symlink():
            continue
        if entry.is_file():
            yield entry.name
        elif deep and entry.is_dir():
            yield from (f"{entry.name}/{path}" for path in _below(Path(entry.path), deep - 1))
