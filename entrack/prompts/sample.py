"""Sampling: draw one prompt of a task, or an alternate given its original, from a random stream."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from entrack import budget
from entrack.check.alternates import DRAWN, changed_items
from entrack.check.columns import column_key
from entrack.check.drawing_types import MOST_POOL
from entrack.check.resolved import Alternate, Task
from entrack.check.tables import Row, Table, table_key
from entrack.check.texts import mentioned
from entrack.prompts.rng import Stream
from entrack.prompts.rows import Dealt
from entrack.prompts.values import (
    COMPARE,
    CannotDraw,
    Names,
    Rendered,
    Scalar,
    Value,
    evaluate,
    look_up,
    one_of,
    plain,
    some_of,
)
from entrack.source import Span
from entrack.syntax import ast

MOST_TRIES = budget.TRIES.most
A_STREAM = 4
"""Values that are drawn as quickly as a stream is begun."""
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
    for binding in task.bindings:
        if isinstance(binding.drawing, ast.Row):
            budget.spend(budget.MADE, A_STREAM)
            values[binding.name] = dealt.row(binding.name, int(name[-1]))
        else:
            values[binding.name] = _bound(task, binding, Names(values), Stream(*name, binding.name), ())
    return Drawn(Names(values), task.syntax.items)


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
            without = _values_of(first.values[binding.name]) if binding.name in changed.fresh else ()
            values[binding.name] = _bound(given.task, binding, names, stream, without)
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
                fillings[binding.name, hole.name] = _bound(
                    given.task, stand_in, names, Stream(*name, stand_in.name), ()
                )


def _bound(task: Task, binding: ast.Binding, names: Names, stream: Stream, without: tuple[Scalar, ...]) -> Value:
    budget.spend(budget.MADE, A_STREAM)
    match binding.drawing:
        case ast.Distinct(count, pool):
            many = _count(count, names)
            values = _left(_pool(task, pool, names), without, once=True)
            _enough(values, many, binding.drawing.span, without)
            budget.spend(budget.MADE, many)
            return some_of(values, stream.distinct(values, many))
        case ast.Several(count, pool):
            values = _left(_pool(task, pool, names), without)
            _enough(values, 1, binding.drawing.span, without)
            many = _count(count, names)
            budget.spend(budget.MADE, many)
            return some_of(values, [stream.one(values) for _ in range(many)])
        case ast.One(pool):
            values = _left(_pool(task, pool, names), without)
            _enough(values, 1, binding.drawing.span, without)
            return one_of(values, stream.one(values))
        case ast.Index(column):
            column_value = look_up(column, names)
            return stream.below(len(column_value)) if isinstance(column_value, list) and column_value else 0
        case ast.Row():
            raise TypeError("rows are dealt")  # by whoever makes the prompt
    return evaluate(binding.drawing, names, binding.name)


def _left(pool: Sequence[Scalar], without: tuple[Scalar, ...], *, once: bool = False) -> Sequence[Scalar]:
    """The pool without some values; with each value once where that is wanted. Where nothing is to be left out it is
    left as it is: it may be long."""
    gone = set(without)
    if not gone and (isinstance(pool, range) or not once):
        return pool
    budget.spend(budget.POOLED, len(pool))
    return some_of(pool, [value for value in (dict.fromkeys(pool) if once else pool) if value not in gone])


def _enough(values: Sequence[Scalar], wanted: int, span: Span, without: tuple[Scalar, ...]) -> None:
    if len(values) < wanted:
        left_out = f"those of the original are left out: {len(without)}" if without else ""
        raise CannotDraw(
            "E423",
            f"{wanted} value{'s' * (wanted != 1)} cannot be drawn from {len(values)}",
            span,
            left_out,
            "draw fewer, or from more",
        )


def _count(count: ast.Integer | ast.Name, names: Names) -> int:
    value = count.value if isinstance(count, ast.Integer) else names.values[count.text]
    if not isinstance(value, int) or not 1 <= value <= 1000:
        raise CannotDraw("E423", f"{value} values cannot be drawn", count.span, "", "draw from 1 to 1000")
    return value


def _pool(task: Task, pool: ast.Pool, names: Names) -> Sequence[Scalar]:
    match pool:
        case ast.Except(inner, without):
            parts = without.items if isinstance(without, ast.ListOf) else (without,)
            gone = {value for part in parts for value in _values_of(evaluate(part, names))}
            whole = _pool(task, inner, names)
            budget.spend(budget.POOLED, len(whole))
            return some_of(whole, [value for value in whole if value not in gone])
        case ast.Letters(first, last):
            return [chr(code) for code in range(ord(first), ord(last) + 1)]
        case ast.Range(first, last):
            low, high = evaluate(first, names), evaluate(last, names)
            if not isinstance(low, int) or not isinstance(high, int) or not 0 <= high - low < MOST_POOL:
                raise CannotDraw(
                    "E423",
                    f"nothing can be drawn from {low} to {high}",
                    pool.span,
                    "",
                    f"let the first be the smaller, and the values at most {MOST_POOL:,}",
                )
            return range(low, high + 1)
        case ast.Call("column", (ast.String() as path, ast.String(name))):
            return task.columns[column_key(path, name)]
    value = evaluate(pool, names)
    return value if isinstance(value, list) else (plain(value),)


def _values_of(value: Value) -> tuple[Scalar, ...]:
    return tuple(value) if isinstance(value, list) else (plain(value),)


def _shuffled(value: Value, stream: Stream) -> Value:
    budget.spend(budget.MADE, len(value) if isinstance(value, list) else 1)
    return some_of(value, stream.distinct(value, len(value))) if isinstance(value, list) else value


def _holds(constraint: ast.Constraint, names: Names) -> bool:
    left, right = look_up(constraint.left, names), evaluate(constraint.right, names)
    return COMPARE[constraint.relation](_comparable(left), _comparable(right))


def _comparable(value: Value) -> Scalar | tuple[Scalar, ...]:
    return tuple(value) if isinstance(value, list) else plain(value)
