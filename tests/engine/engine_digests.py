"""What the numbers of a kind of step are made by: the modules of the engine and the families of models that its kernels
reach by imports, and a digest of each.

A digest is of what a module does: comments, docstrings and layout do not count. It is the same for every version of
Python that parses the module to the same tree.
"""

from __future__ import annotations

import ast
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import frozen

from entrack.engine.engine import EXECUTORS
from entrack.plan.steps import STEPS

ROOT = Path(__file__).parents[2]
MAKERS = ("entrack.engine.", "entrack.families")
LOADING = ("entrack.engine.load", "entrack.families")
RECORD = Path(__file__).with_name("versions.json")
DIGITS = 16


@frozen
class Made:
    """A kind of step: its version, with that of half precision, and the digests of the modules that compute it."""

    version: int
    modules: Mapping[str, str]


def now() -> dict[str, Made]:
    """Every kind of step as it is."""
    return {
        kind.step.__name__: Made(
            kind.version + kind.half_version,
            {name: digest(source(name)) for name in sorted(reached(kernels(kind.step)))},
        )
        for kind in STEPS
    }


def kernels(kind: type) -> set[str]:
    """The modules in which the kernels of a kind of step stand, of every executor; and those that make a model of its
    files."""
    return {*LOADING, *(kernel.__module__ for table in EXECUTORS.values() if (kernel := table.get(kind)) is not None)}


def reached(first: set[str]) -> set[str]:
    """These modules, and all of the engine and the families that they import, wherever the import stands."""
    found, open_ = set[str](), set(first)
    while open_:
        name = open_.pop()
        found.add(name)
        open_ |= set(imported(source(name))) - found
    return found


def imported(text: str) -> Iterator[str]:
    """The modules of the engine and the families that a text imports."""
    for node in ast.walk(ast.parse(text)):
        names = (
            [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        yield from (str(name) for name in names if str(name).startswith(MAKERS) and path(str(name)).exists())


def source(name: str) -> str:
    return path(name).read_text(encoding="utf-8")


def path(name: str) -> Path:
    place = ROOT.joinpath(*name.split("."))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def digest(text: str) -> str:
    """Of the tree without docstrings, and without fields that are empty: their number differs between versions of
    Python."""
    return hashlib.sha256(repr(_bare(ast.parse(text))).encode()).hexdigest()[:DIGITS]


def _bare(node: object) -> object:
    if isinstance(node, list):
        return [_bare(part) for part in node]
    if not isinstance(node, ast.AST):
        return (type(node).__name__, repr(node))
    fields = {name: value for name, value in ast.iter_fields(node) if value is not None and value != []}
    if isinstance(fields.get("body"), list):
        fields["body"] = [part for part in fields["body"] if not _is_text(part)]
    return (type(node).__name__, [(name, _bare(value)) for name, value in sorted(fields.items())])


def _is_text(node: ast.AST) -> bool:
    """A docstring, or a text below an assignment that says what it is."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def trouble(kind: str, made: Made, recorded: Made | None, said: str | None) -> str | None:
    """What is wrong with a kind of step, in words; `said` is ENTRACK_DIGESTS. None when its record holds, or may be
    written anew."""
    if made == recorded:
        return None
    raised = recorded is None or made.version > recorded.version
    if said == ("raised" if raised else "same-numbers"):
        return None
    if raised:
        return (
            f"{kind} has version {made.version} now: ENTRACK_DIGESTS=raised pytest "
            "tests/engine/test_engine_versions.py records it"
        )
    assert recorded is not None
    if made.version < recorded.version:
        return (
            f"{kind} had version {recorded.version} and has {made.version}: values of that version may be "
            "stored already, take a higher one"
        )
    names = sorted(
        name for name in {*made.modules, *recorded.modules} if made.modules.get(name) != recorded.modules.get(name)
    )
    return (
        f"what computes {kind} has changed ({', '.join(names)}), and its version in entrack/plan/steps/ "
        f"is still {made.version}. Either it gives other numbers: "
        "raise the version by one, or stored values of the old kernel are taken for those of the new "
        "one; then ENTRACK_DIGESTS=raised. Or "
        "it gives the same numbers, bit for bit: ENTRACK_DIGESTS=same-numbers pytest "
        "tests/engine/test_engine_versions.py"
    )


def asked() -> str | None:
    return os.environ.get("ENTRACK_DIGESTS")
