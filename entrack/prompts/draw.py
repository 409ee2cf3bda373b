"""Drawing: what a variable of a task is drawn from, compiled once to a function of a random stream and of the values of
the variables before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from entrack import budget
from entrack.check.columns import column_key
from entrack.check.drawing_types import MOST_POOL
from entrack.check.resolved import Task
from entrack.prompts.evaluate import Count, Evaluate, Within, compiled, compiled_reference
from entrack.prompts.rng import Streams
from entrack.prompts.values import CannotDraw, Names, Scalar, Value, one_of, plain, some_of
from entrack.source import Span
from entrack.syntax import ast

A_STREAM = 4
"""Values that are drawn as quickly as a stream is begun."""
FEW = 16
"""Values that are sooner taken out of a pool, one by one, than the pool is gone through."""
Draw = Callable[[Names, Streams, tuple[Scalar, ...]], Value]
"""The value of a variable, none of some values. Raises CannotDraw."""
Pool = Callable[[Names], Sequence[Scalar]]


def compiled_drawing(task: Task, binding: ast.Binding, filled: frozenset[str] = frozenset()) -> Draw:
    """How a variable gets its value: drawn, or as it follows from other variables. `filled` are the holes of its text
    that are filled otherwise than it says."""
    match binding.drawing:
        case ast.Distinct() as drawing:
            return _distinct(binding.name, drawing, _pool(task, drawing.pool))
        case ast.Several() as drawing:
            return _several(binding.name, drawing, _pool(task, drawing.pool))
        case ast.One() as drawing:
            return _one(binding.name, drawing, _pool(task, drawing.pool))
        case ast.Index(column):
            return _index(binding.name, compiled_reference(column))
        case ast.Row():
            raise TypeError("rows are dealt")  # by whoever makes the prompt
    return _following(compiled(binding.drawing, Within(binding.name, filled)))


def _following(value: Evaluate) -> Draw:
    def draw(names: Names, streams: Streams, without: tuple[Scalar, ...]) -> Value:
        budget.spend(budget.MADE, A_STREAM)
        return value(names)

    return draw


def _distinct(name: str, drawing: ast.Distinct, pool: Pool) -> Draw:
    count, span, once = _count(drawing.count), drawing.span, _Once()

    def draw(names: Names, streams: Streams, without: tuple[Scalar, ...]) -> Value:
        budget.spend(budget.MADE, A_STREAM)
        many = count(names)
        values = once.left(pool(names), without)
        _enough(values, many, span, without)
        budget.spend(budget.MADE, many)
        return some_of(values, streams.of(name).distinct(values, many))

    return draw


def _several(name: str, drawing: ast.Several, pool: Pool) -> Draw:
    count, span = _count(drawing.count), drawing.span

    def draw(names: Names, streams: Streams, without: tuple[Scalar, ...]) -> Value:
        budget.spend(budget.MADE, A_STREAM)
        values = _left(pool(names), without)
        _enough(values, 1, span, without)
        many, stream = count(names), streams.of(name)
        budget.spend(budget.MADE, many)
        return some_of(values, [stream.one(values) for _ in range(many)])

    return draw


def _one(name: str, drawing: ast.One, pool: Pool) -> Draw:
    span = drawing.span

    def draw(names: Names, streams: Streams, without: tuple[Scalar, ...]) -> Value:
        budget.spend(budget.MADE, A_STREAM)
        values = _left(pool(names), without)
        _enough(values, 1, span, without)
        return one_of(values, streams.of(name).one(values))

    return draw


def _index(name: str, column: Evaluate) -> Draw:
    def draw(names: Names, streams: Streams, without: tuple[Scalar, ...]) -> Value:
        budget.spend(budget.MADE, A_STREAM)
        values = column(names)
        return streams.of(name).below(len(values)) if isinstance(values, list) and values else 0

    return draw


class _Once:
    """Each value of a pool once. Most pools are the same for every prompt: what became of the last is kept."""

    def __init__(self) -> None:
        self._pool: Sequence[Scalar] = ()
        self._values: list[Scalar] = []
        self._places: dict[Scalar, int] = {}

    def left(self, pool: Sequence[Scalar], without: tuple[Scalar, ...]) -> Sequence[Scalar]:
        if isinstance(pool, range):
            return _left(pool, without)
        budget.spend(budget.POOLED, len(pool))
        if pool is not self._pool:
            self._pool, self._values = pool, some_of(pool, list(dict.fromkeys(pool)))
            self._places = {value: place for place, value in enumerate(self._values)}
        if len(without) > FEW:
            return _others(self._values, without)
        return self._all_but(without) if without else self._values

    def _all_but(self, without: tuple[Scalar, ...]) -> Sequence[Scalar]:
        """The values without a few: the others are not looked at."""
        left = self._values.copy()
        for place in sorted({self._places[value] for value in without if value in self._places}, reverse=True):
            del left[place]
        return some_of(self._values, left)


def _left(pool: Sequence[Scalar], without: tuple[Scalar, ...]) -> Sequence[Scalar]:
    """The pool without some values. Where nothing is to be left out it is left as it is: it may be long."""
    if not without:
        return pool
    budget.spend(budget.POOLED, len(pool))
    return _others(pool, without)


def _others(pool: Sequence[Scalar], without: tuple[Scalar, ...]) -> Sequence[Scalar]:
    gone = set(without)
    return some_of(pool, [value for value in pool if value not in gone])


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


def _count(count: ast.Integer | ast.Name) -> Count:
    def many(names: Names) -> int:
        value = count.value if isinstance(count, ast.Integer) else names.values[count.text]
        if not isinstance(value, int) or not 1 <= value <= 1000:
            raise CannotDraw("E423", f"{value} values cannot be drawn", count.span, "", "draw from 1 to 1000")
        return value

    return many


# --- pools -------------------------------------------------------------------------------------------------------


def _pool(task: Task, pool: ast.Pool) -> Pool:
    match pool:
        case ast.Except(inner, without):
            parts = without.items if isinstance(without, ast.ListOf) else (without,)
            return _except(_pool(task, inner), [compiled(part) for part in parts])
        case ast.Letters(first, last):
            letters = [chr(code) for code in range(ord(first), ord(last) + 1)]
            return lambda names: letters
        case ast.Range():
            return _range(pool)
        case ast.Call("column", (ast.String() as path, ast.String(name))):
            column = task.columns[column_key(path, name)]
            return lambda names: column
    value = compiled(pool)
    return lambda names: _values(value(names))


def _except(pool: Pool, without: Sequence[Evaluate]) -> Pool:
    def values(names: Names) -> Sequence[Scalar]:
        gone = {value for part in without for value in values_of(part(names))}
        whole = pool(names)
        budget.spend(budget.POOLED, len(whole))
        return some_of(whole, [value for value in whole if value not in gone])

    return values


def _range(pool: ast.Range) -> Pool:
    first, last = compiled(pool.first), compiled(pool.last)

    def values(names: Names) -> Sequence[Scalar]:
        low, high = first(names), last(names)
        if not isinstance(low, int) or not isinstance(high, int) or not 0 <= high - low < MOST_POOL:
            raise CannotDraw(
                "E423",
                f"nothing can be drawn from {low} to {high}",
                pool.span,
                "",
                f"let the first be the smaller, and the values at most {MOST_POOL:,}",
            )
        return range(low, high + 1)

    return values


def _values(value: Value) -> Sequence[Scalar]:
    return value if isinstance(value, list) else (plain(value),)


def values_of(value: Value) -> tuple[Scalar, ...]:
    return tuple(value) if isinstance(value, list) else (plain(value),)
