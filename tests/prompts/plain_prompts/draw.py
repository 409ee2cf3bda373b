"""Drawing: the value of one variable of a task, from a random stream and the values of those before it."""

from __future__ import annotations

from collections.abc import Sequence

from entrack import budget
from entrack.check.columns import column_key
from entrack.check.drawing_types import MOST_POOL
from entrack.check.resolved import Task
from entrack.prompts.values import CannotDraw, Names, Scalar, Value, one_of, plain, some_of
from entrack.source import Span
from entrack.syntax import ast
from plain_prompts.evaluate import evaluate, look_up
from plain_prompts.rng import Stream

A_STREAM = 4
"""Values that are drawn as quickly as a stream is begun."""


def draw(task: Task, binding: ast.Binding, names: Names, stream: Stream, without: tuple[Scalar, ...]) -> Value:
    """The value of a variable: drawn, none of those in `without`, or what follows from other variables. Raises
    CannotDraw."""
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
            gone = {value for part in parts for value in values_of(evaluate(part, names))}
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


def values_of(value: Value) -> tuple[Scalar, ...]:
    return tuple(value) if isinstance(value, list) else (plain(value),)
