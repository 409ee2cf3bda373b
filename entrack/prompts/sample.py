"""Sampling: one prompt of a task, or an alternate given its original, from random streams."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from entrack import budget
from entrack.check.alternates import DRAWN, changed_items
from entrack.check.resolved import Alternate, Task
from entrack.check.tables import Row, Table, table_key
from entrack.check.texts import mentioned
from entrack.frozen import frozen
from entrack.prompts.draw import A_STREAM, draw, values_of
from entrack.prompts.evaluate import evaluate, look_up
from entrack.prompts.rng import Stream
from entrack.prompts.rows import Dealt
from entrack.prompts.values import COMPARE, CannotDraw, Names, Rendered, Scalar, Value, plain, some_of
from entrack.source import Span
from entrack.syntax import ast

MOST_TRIES = budget.TRIES.most
AT_A_GLANCE = 16
"""Values that are passed by as quickly as one is drawn."""


class Drawn:
    """One prompt's variables and texts. Positions are looked for in `prompt` with these names."""

    def __init__(self, names: Names, items: tuple[ast.Binding | ast.Position, ...]) -> None:
        self.names = names
        self.items = items

    @property
    def values(self) -> Mapping[str, Value]:
        return self.names.values

    @property
    def prompt(self) -> Rendered:
        value = self.names.values["prompt"]
        return value if isinstance(value, Rendered) else Rendered(str(value))


@frozen
class Constants:
    """What is the same in every prompt of a set: params that are whole numbers, and the task's parameters."""

    values: Mapping[str, Value]

    @classmethod
    def of(cls, parameters: Mapping[str, int], params: Mapping[str, float]) -> Constants:
        return cls({**{name: int(value) for name, value in params.items() if value == int(value)}, **parameters})

    def copied(self) -> dict[str, Value]:
        budget.spend(budget.MADE, A_STREAM + len(self.values) // AT_A_GLANCE)
        return dict(self.values)


def original(task: Task, constants: Constants, name: tuple[str | int, ...], dealt: Dealt) -> Drawn:
    """A prompt of a task. `name` ends in its number. Raises CannotDraw."""
    values = constants.copied()
    names = Names(values)
    for binding in task.bindings:
        if isinstance(binding.drawing, ast.Row):
            budget.spend(budget.MADE, A_STREAM)
            values[binding.name] = dealt.row(binding.name, int(name[-1]))
        else:
            values[binding.name] = draw(task, binding, names, Stream(*name, binding.name), ())
    return Drawn(names, task.syntax.items)


@frozen
class Changed:
    """An alternate, looked through once for all its prompts. `tests` holds, for each binding, the constraints that
    can be tested when it is bound."""

    given: Alternate
    items: tuple[ast.Binding | ast.Position, ...]
    fresh: frozenset[str]
    shuffled: frozenset[str]
    anew: frozenset[str]
    """Bindings that are drawn again, and those that follow from them."""
    tests: tuple[tuple[ast.Constraint, ...], ...]

    @classmethod
    def of(cls, given: Alternate) -> Changed:
        changes, items = given.changes, changed_items(given.task.syntax, given.changes)
        fresh, redrawn, shuffled = (_named(changes, kind) for kind in (ast.Fresh, ast.Redraw, ast.Shuffle))
        constrained = {c.left.name for c in changes if isinstance(c, ast.Constraint)} - shuffled
        overridden = {c.target.name for c in changes if isinstance(c, ast.Override) and not c.target.rest}
        anew = fresh | redrawn | constrained | overridden
        bindings = tuple(item for item in items if isinstance(item, ast.Binding))
        again = {
            b.name
            for b in bindings
            if b.name in anew or not isinstance(b.drawing, DRAWN) or set(mentioned(b.drawing)) & anew
        }
        return cls(given, items, frozenset(fresh), frozenset(shuffled), frozenset(again), _tests(changes, bindings))


def _tests(
    changes: tuple[ast.Change, ...], bindings: tuple[ast.Binding, ...]
) -> tuple[tuple[ast.Constraint, ...], ...]:
    """Each constraint with the last binding that it, or one before it, needs: they are tested in order, and no later
    than they can be."""
    places = {binding.name: place for place, binding in enumerate(bindings)}
    tests: list[list[ast.Constraint]] = [[] for _ in bindings]
    place = 0
    for constraint in changes:
        if isinstance(constraint, ast.Constraint):
            place = max(
                place,
                *(places.get(name, 0) for side in (constraint.left, constraint.right) for name in mentioned(side)),
                0,
            )
            tests[place].append(constraint)
    return tuple(tuple(some) for some in tests)


class _Failed(Exception):
    """A try whose constraint does not hold."""

    def __init__(self, constraint: ast.Constraint) -> None:
        super().__init__()
        self.span = constraint.span


def alternate(given: Changed, first: Drawn, constants: Constants, name: tuple[str | int, ...], dealt: Dealt) -> Drawn:
    """The alternate of an original: drawn again until its constraints hold. Raises CannotDraw when they never do.

    A try ends at the first constraint that does not hold, before what is bound later is made: texts are long, and the
    streams of all bindings are their own, so nothing else changes by it.
    """
    span = given.given.span
    for attempt in range(MOST_TRIES):
        try:
            return _changed(given, first, constants, (*name, "alternate", attempt), dealt)
        except _Failed as failed:
            span = failed.span
    raise CannotDraw(
        "E422",
        "this can never be",
        span,
        f"tried {MOST_TRIES} times for one prompt",
        "loosen the constraint, or draw more variables anew",
    )


def place_stream(name: tuple[str | int, ...], position: str) -> Stream:
    """The stream that chooses among several places of a position."""
    return Stream(*name, "position", position)


def _changed(changed: Changed, first: Drawn, constants: Constants, name: tuple[str | int, ...], dealt: Dealt) -> Drawn:
    """One try. Raises _Failed."""
    values, given = constants.copied(), changed.given
    fillings: dict[tuple[str, str], Value] = {}
    names = Names(values, {"original": first.values}, fillings)
    for binding, tests in zip(
        (item for item in changed.items if isinstance(item, ast.Binding)), changed.tests, strict=True
    ):
        _fill_holes(given, binding, names, fillings, name)
        stream = Stream(*name, binding.name)
        if binding.name in changed.shuffled:
            values[binding.name] = _shuffled(first.values[binding.name], stream)
        elif binding.name not in changed.anew:
            values[binding.name] = first.values[binding.name]
        elif isinstance(binding.drawing, ast.Row):
            table = given.task.tables[table_key(binding.drawing.table)]
            gone = first.values.values() if binding.name in changed.fresh else ()
            values[binding.name] = _other_row(table, gone, dealt, stream, binding.span)
        else:
            without = values_of(first.values[binding.name]) if binding.name in changed.fresh else ()
            values[binding.name] = draw(given.task, binding, names, stream, without)
        for constraint in tests:
            if not _holds(constraint, names):
                raise _Failed(constraint)
    return Drawn(names, changed.items)


def _other_row(table: Table, without: Iterable[Value], dealt: Dealt, stream: Stream, span: Span) -> Row:
    """A row for an alternate, none of those in `without`."""
    gone = {value.number for value in without if isinstance(value, Row) and value.table is table}
    rows = [row for row in dealt.others(table) if row not in gone]
    if not rows:
        message = f"no other row of `{table.name}` is left for an alternate"
        raise CannotDraw("E423", message, span, "", "ask for more prompts, so that there are more rows to take")
    return Row(table, stream.one(rows))


def _named(changes: tuple[ast.Change, ...], kind: type[ast.Fresh] | type[ast.Redraw] | type[ast.Shuffle]) -> set[str]:
    return {name.text for change in changes if isinstance(change, kind) for name in change.names}


def _fill_holes(
    given: Alternate,
    binding: ast.Binding,
    names: Names,
    fillings: dict[tuple[str, str], Value],
    name: tuple[str | int, ...],
) -> None:
    """Holes of this text that the alternate fills otherwise, drawn just before the text is made."""
    for change in given.changes:
        if isinstance(change, ast.Override) and change.target.rest and change.target.name == binding.name:
            hole = change.target.rest[0]
            if isinstance(hole, ast.Dotted):
                stand_in = ast.Binding(f"{binding.name}.{hole.name}", change.drawing, span=change.span)
                fillings[binding.name, hole.name] = draw(given.task, stand_in, names, Stream(*name, stand_in.name), ())


def _shuffled(value: Value, stream: Stream) -> Value:
    budget.spend(budget.MADE, len(value) if isinstance(value, list) else 1)
    return some_of(value, stream.distinct(value, len(value))) if isinstance(value, list) else value


def _holds(constraint: ast.Constraint, names: Names) -> bool:
    left, right = look_up(constraint.left, names), evaluate(constraint.right, names)
    return COMPARE[constraint.relation](_comparable(left), _comparable(right))


def _comparable(value: Value) -> Scalar | tuple[Scalar, ...]:
    return tuple(value) if isinstance(value, list) else plain(value)
