"""What was written: a file, its digest, and the lines with which a spec takes it. Nothing in a file says when it was
made, so the same values give the same bytes."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from attrs import field

from entrack import api, arguments, files
from entrack.by_hand.words import site_from
from entrack.circuit_files.circuit import NAME
from entrack.errors import ArgumentError
from entrack.frozen import frozen
from entrack.sites import RECEIVING, Part, Site
from entrack.source import Source

TOOLS = ("eap", "nnsight", "numpy", "pyvene", "sae_lens", "torch", "transformer_lens", "transformers")
"""Modules whose versions are told where they are loaded."""
MOST_WORDS = 4000
"""Characters of what made a value."""


@frozen
class Made:
    """A file that was written: its `path`, the SHA-256 of its bytes, and the `text` with which a spec takes it, which
    begins with comments that say what made it. Printed, it is that text."""

    path: Path
    digest: str
    text: str = field(repr=False)

    def __str__(self) -> str:
        return self.text


def written(path: Path, content: bytes, what: str, told: Mapping[str, str], lines: str) -> Made:
    """A file put in its place, and the lines of a spec, after comments on `what` it holds. Raises ArgumentError where
    no spec can say these, OSError."""
    digest = hashlib.sha256(content).hexdigest()
    comments = "".join(f"# {line}\n" for line in (f"{path.name}: {what}, SHA-256 {digest[:16]}", *commented(told)))
    text = formatted(f"{comments}{lines}\n")
    return Made(files.put(path, content), digest, text)


def formatted(text: str) -> str:
    """The lines of a spec as `entrack fmt` writes them. Raises ArgumentError where they are none."""
    found, problems = api.formatted(Source("made.et", f"entrack 1\n\n{text}"))
    if found is None:
        raise ArgumentError(f"no spec can say this: {problems[0].message}")
    return found.removeprefix("entrack 1\n").lstrip("\n")


def provenance(made_by: object) -> dict[str, str]:
    """What made a value: the words given, and the versions of the tools that are loaded."""
    words = arguments.text(made_by, "made_by")
    if len(words) > MOST_WORDS or not words.isprintable():
        raise ArgumentError(f"made_by is one line of at most {MOST_WORDS:,} characters")
    tools = [f"{each} {number}" for each in TOOLS if each in sys.modules and (number := _version(each))]
    return {name: said for name, said in (("made by", words), ("with", ", ".join(tools))) if said}


def commented(told: Mapping[str, str]) -> list[str]:
    return [f"{name}: {said}" for name, said in told.items()]


def file_named(given: object, ending: str) -> Path:
    """A path that ends as its kind of file does. Raises ArgumentError."""
    path = Path(os.fspath(arguments.folder(given, "path")))
    if path.suffix != ending or path.is_dir():
        raise ArgumentError(f"path is a file that ends with {ending}; this is {arguments.shown(str(given))}")
    return path


def name_of(given: object, path: Path) -> str:
    """How a spec calls a value: as is said, or as its file is called. Raises ArgumentError."""
    if given is None and not NAME.fullmatch(path.stem):
        raise ArgumentError(f"{path.stem[:60]!r} is no name that a spec may have: say one, name=")
    return path.stem if given is None else named(given, "name")


def named(given: object, what: str) -> str:
    """A name that a spec may have. Raises ArgumentError."""
    if not NAME.fullmatch(arguments.text(given, what)):
        raise ArgumentError(f"{what} is letters, digits and _; this is {arguments.shown(given)}")
    return str(given)


def member(given: object) -> Site:
    """A site that a group of a spec may have: a single one, and not what a head reads. Raises ArgumentError."""
    site = site_from(given)
    if site.part in RECEIVING or (site.part in (Part.OUTPUT, Part.NEURON) and site.index is None):
        raise ArgumentError(f"a group has single sites, such as 14.13 or mlp.3, not what heads read; this is {site}")
    return site


def listed(given: Any) -> Any:
    """The values of an array as lists, whatever library it is of."""
    return given.tolist() if callable(getattr(given, "tolist", None)) and not isinstance(given, type) else given


def _version(module: str) -> str:
    try:
        return version(module.replace("_", "-"))
    except PackageNotFoundError:
        return ""
