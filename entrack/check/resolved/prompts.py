"""Models, tasks and prompts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from attrs import field

from entrack.check.tables import Table, table_key
from entrack.frozen import frozen
from entrack.model_config import ModelFacts
from entrack.models.key import ModelSource
from entrack.models.locate import Named
from entrack.source import Span
from entrack.syntax import ast


@frozen
class Model:
    """`source` and `facts` are None while the model is not on this machine."""

    name: str
    named: Named
    source: ModelSource | None
    facts: ModelFacts | None
    span: Span = field(eq=False, repr=False)


BATCH = 50
"""Prompts that run together. Part of the language: which prompts share a batch is part of a step's address."""
TOLD = ("answer", "target", "wrong")
"""The words that are told by their first token, so that they must have one."""


@frozen(slots=False)
class Task:
    """A task with its files read: `columns` by file and column, `tables` by file."""

    syntax: ast.Task
    parameters: Mapping[str, int]
    columns: Mapping[tuple[str, str], tuple[str, ...]] = field(repr=False)
    tables: Mapping[str, Table] = field(factory=dict, repr=False)

    @property
    def name(self) -> str:
        return self.syntax.name

    @cached_property
    def positions(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.syntax.items if isinstance(item, ast.Position))

    @cached_property
    def spans(self) -> frozenset[str]:
        """The positions that are spans of tokens."""
        items = (item for item in self.syntax.items if isinstance(item, ast.Position))
        return frozenset(item.name for item in items if isinstance(item.place, ast.SpanOf))

    @cached_property
    def rows(self) -> Mapping[str, Table]:
        """The variables that are rows of a file, with their tables."""
        rows = {b.name: b.drawing for b in self.bindings if isinstance(b.drawing, ast.Row)}
        return {name: self.tables[table_key(row.table)] for name, row in rows.items()}

    @cached_property
    def bindings(self) -> tuple[ast.Binding, ...]:
        return tuple(item for item in self.syntax.items if isinstance(item, ast.Binding))


@frozen
class Alternate:
    """Another distribution over a task's variables, given an original. `target` makes it a desideratum."""

    name: str
    task: Task
    changes: tuple[ast.Change, ...]
    target: ast.Expression | None = None
    span: Span = field(default=Span("", 0, 0), eq=False, repr=False)


@frozen
class Population:
    """So many prompts of a task, or of an alternate (each with its original). `purpose` keeps what a circuit is
    found on apart from what it is measured on. `count` None: as many as it is used beside. `whole`: nothing is told of
    its words by their first tokens, so these may be alike. `window`: of as many, only those from one place to before
    another."""

    task: Task
    alternate: Alternate | None
    parameters: Mapping[str, int]
    seed: int
    count: int | None
    purpose: str
    label: str
    span: Span = field(eq=False, repr=False)
    whole: bool = False
    window: tuple[int, int] | None = None

    def places(self, count: int) -> range:
        """Which prompts are meant of so many."""
        return range(count) if self.window is None else range(*self.window)
