"""The page `docs/reference.md`, made from the docstrings and signatures of the public interface. `make docs` writes it.

What is public: the names of `entrack.__all__`, the methods of `Spec` that have no place in the inside, the model in
hand, every type of `entrack.results`, and every error that `entrack.errors` defines.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from enum import Enum
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import attrs

import entrack
from entrack import errors, results
from entrack.by_hand.model import ModelInHand
from entrack.by_hand.prompts import PromptsInHand
from entrack.from_python.made import Made

PAGE = Path(__file__).with_name("reference.md")
HEAD = """# Reference: the Python interface

Every public call and type, with its docstring. This page is made from the code by `make docs`.
[From Python](python.md) shows how the calls go together, [Results](results.md) has the fields of the JSON document,
[Semantics](semantics.md) what the numbers mean.
"""
CALLS = ("load", "loads")
MAKERS = ("vector", "scores", "circuit")
METHODS = (
    "run",
    "run_async",
    "plan",
    "survey",
    "looked",
    "addresses",
    "verify",
    "prompts",
    "forecast",
    "keeping",
    "model",
)
"""Of `Spec`, in the order of docs/python.md."""
SPECIAL = ("__getitem__", "__iter__")
WIDTH = 110


class Undocumented(ValueError):
    """Something public has no docstring; the message names it."""


def page() -> str:
    """The whole page."""
    calls = [described(f"entrack.{name}", getattr(entrack, name)) for name in CALLS]
    spec = [described(f"Spec.{name}", getattr(entrack.Spec, name)) for name in METHODS]
    made = [described(f"entrack.{name}", getattr(entrack, name)) for name in MAKERS]
    kinds = [typed(kind) for kind in defined(results, order=("Results", "Measure", "Cell", "Discovery", "Group"))]
    sections = (
        ("Loading a spec", calls),
        ("A spec", [f"### `entrack.Spec`\n\n{words(entrack.Spec, 'Spec')}\n", *spec]),
        ("The model in hand", [used(kind) for kind in (ModelInHand, PromptsInHand)]),
        ("Values from Python", [*made, used(Made)]),
        ("Results", kinds),
        ("Errors", [*raised()]),
    )
    return HEAD + "".join(f"\n## {title}\n\n" + "\n".join(parts) for title, parts in sections)


def described(name: str, call: object) -> str:
    """A call: its signature and its docstring."""
    return f"### `{name}`\n\n```python\n{signature(name, call)}\n```\n\n{words(call, name)}\n"


def used(kind: type) -> str:
    """A type that is used by its methods: its docstring, and these."""
    return "\n".join([f"### `{kind.__name__}`\n\n{words(kind, kind.__name__)}\n", *methods(kind)])


def chosen(kind: type[Enum]) -> str:
    """A choice: its docstring, and its members."""
    members = "".join(f"| `{kind.__name__}.{member.name}` | `{member.value!r}` |\n" for member in kind)
    return f"### `{kind.__name__}`\n\n{words(kind, kind.__name__)}\n\n| member | value |\n| --- | --- |\n{members}"


def typed(kind: type) -> str:
    """A frozen type: its docstring, its fields, and its public methods."""
    if issubclass(kind, Enum):
        return chosen(kind)
    if not attrs.has(kind):  # a tuple of such values
        return "\n".join([f"### `{kind.__name__}`\n\n{words(kind, kind.__name__)}\n", *methods(kind)])
    said = comments(kind)
    rows = [(f"`{field.name}`", f"`{escaped(field.type)}`", said.get(field.name)) for field in attrs.fields(kind)]
    width = 3 if said else 2
    lines = [("field", "type", "what it is")[:width], ("---",) * width, *(row[:width] for row in rows)]
    table = ["".join(f"| {' | '.join(cell or ' ' for cell in line)} |\n" for line in lines)] if rows else []
    return "\n".join([f"### `{kind.__name__}`\n\n{words(kind, kind.__name__)}\n", *table, *methods(kind)])


def methods(kind: type) -> Iterator[str]:
    """The public methods and properties of a type, in the order of the source."""
    for name, value in vars(kind).items():
        if name.startswith("_") and name not in SPECIAL:
            continue
        title = f"{kind.__name__}.{name}"
        if isinstance(value, property | cached_property):
            yield f"#### `{title}`\n\n{words(value, title)}\n"
        elif inspect.isfunction(value):
            yield f"#### `{title}`\n\n```python\n{signature(title, value)}\n```\n\n{words(value, title)}\n"


def raised() -> Iterator[str]:
    """The errors: those of `entrack.errors`, and the others that the package exports."""
    exported = [getattr(entrack, name) for name in entrack.__all__]
    kinds = [kind for kind in exported if inspect.isclass(kind) and issubclass(kind, Exception)]
    kinds += [kind for kind in defined(errors) if kind not in kinds]
    for kind in sorted(kinds, key=lambda each: (len(each.__mro__), each.__name__)):
        parents = ", ".join(f"`{parent.__name__}`" for parent in kind.__bases__)
        yield f"### `{kind.__name__}`\n\nA {parents}, from `{kind.__module__}`. {words(kind, kind.__name__)}\n"


def defined(module: ModuleType, order: tuple[str, ...] = ()) -> list[type]:
    """The public classes of a module or package: those named first, then the others in the order of its names."""
    kinds = [
        kind for kind in vars(module).values() if inspect.isclass(kind) and kind.__module__.startswith(module.__name__)
    ]
    kinds = [kind for kind in kinds if not kind.__name__.startswith("_")]
    return sorted(kinds, key=lambda kind: order.index(kind.__name__) if kind.__name__ in order else len(order))


def words(thing: object, name: str) -> str:
    """A docstring as a paragraph of the page. Raises Undocumented."""
    said = getattr(thing, "__doc__", None)
    if not said or said.startswith("Method generated by attrs"):
        raise Undocumented(f"{name} has no docstring")
    return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", textwrap.dedent(said).strip()))


def signature(name: str, call: object) -> str:
    """How a call is written, a line for each argument where one line is too short."""
    assert callable(call)
    found = inspect.signature(call)
    parts = list(arguments([each for each in found.parameters.values() if each.name != "self"]))
    line = f"{name}({', '.join(parts)}) -> {found.return_annotation}"
    if len(line) <= WIDTH:
        return line
    return f"{name}(\n    " + ",\n    ".join(parts) + f",\n) -> {found.return_annotation}"


def arguments(given: list[inspect.Parameter]) -> Iterator[str]:
    """Each argument as it is declared, with the marks of what is given by place or by name alone."""
    before: inspect.Parameter | None = None
    for each in given:
        if before and before.kind is each.POSITIONAL_ONLY and each.kind is not each.POSITIONAL_ONLY:
            yield "/"
        if each.kind is each.KEYWORD_ONLY and (
            before is None or before.kind not in (each.KEYWORD_ONLY, each.VAR_POSITIONAL)
        ):
            yield "*"
        star = {each.VAR_POSITIONAL: "*", each.VAR_KEYWORD: "**"}.get(each.kind, "")
        default = "" if each.default is each.empty else f" = {written(each.default)}"
        yield f"{star}{each.name}: {each.annotation}{default}"
        before = each


def written(default: object) -> str:
    """A default as a reader would write it: functions by name."""
    name = getattr(default, "__name__", "")
    return "..." if name == "<lambda>" else name or repr(default)


def comments(kind: type) -> dict[str, str]:
    """What stands below a field of a type, by its name."""
    (body,) = (node.body for node in ast.parse(inspect.getsource(kind)).body if isinstance(node, ast.ClassDef))
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def escaped(text: object) -> str:
    """A type inside a table: a bar would begin another cell."""
    return str(text).replace("|", "\\|")
