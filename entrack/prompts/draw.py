"""Drawing: one prompt of a task, or of an alternate given its original, from a stream of chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from entrack.check.alternates import changed_items
from entrack.check.resolved import Alternate, Task
from entrack.check.tasks import MOST_POOL, column_key, mentioned
from entrack.prompts.chance import Stream
from entrack.prompts.values import CannotDraw, Names, Rendered, Scalar, Value, evaluate, look_up, plain
from entrack.source import Span
from entrack.syntax import ast

MOST_TRIES = 1000
DRAWN = ast.Distinct | ast.Several | ast.One | ast.Index
RELATIONS = {"==": "__eq__", "!=": "__ne__", "<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}


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


def original(task: Task, parameters: Mapping[str, int], params: Mapping[str, float], name: tuple[str | int, ...]) -> Drawn:
    """A prompt of a task. Raises CannotDraw."""
    values: dict[str, Value] = {**_whole(params), **parameters}
    for binding in task.bindings:
        values[binding.name] = _bound(task, binding, Names(values), Stream(*name, binding.name), ())
    return Drawn(Names(values), task.syntax.items)


def alternate(given: Alternate, first: Drawn, parameters: Mapping[str, int], params: Mapping[str, float], name: tuple[str | int, ...]) -> Drawn:
    """The alternate of an original: drawn again until its constraints hold. Raises CannotDraw when they never do."""
    constraints = [change for change in given.changes if isinstance(change, ast.Constraint)]
    for attempt in range(MOST_TRIES):
        drawn = _changed(given, first, {**_whole(params), **parameters}, (*name, "alternate", attempt))
        failed = next((c for c in constraints if not _holds(c, drawn.names)), None)
        if failed is None:
            return drawn
    raise CannotDraw("E422", "this can never be", failed.span if failed else given.span, f"tried {MOST_TRIES} times for one prompt",
                     "loosen the constraint, or draw more variables anew")  # fmt: skip


def place_stream(name: tuple[str | int, ...], position: str) -> Stream:
    """The stream that chooses among several places of a position."""
    return Stream(*name, "position", position)


def _whole(params: Mapping[str, float]) -> dict[str, Value]:
    return {name: int(value) for name, value in params.items() if value == int(value)}


def _changed(given: Alternate, first: Drawn, constants: dict[str, Value], name: tuple[str | int, ...]) -> Drawn:
    changes = given.changes
    fresh, redrawn, shuffled = (_named(changes, kind) for kind in (ast.Fresh, ast.Redraw, ast.Shuffle))
    constrained = {c.left.name for c in changes if isinstance(c, ast.Constraint)} - shuffled
    items = changed_items(given.task.syntax, changes)
    overridden = {c.target.name for c in changes if isinstance(c, ast.Override) and not c.target.rest}
    anew = fresh | redrawn | constrained | overridden
    values: dict[str, Value] = dict(constants)
    fillings: dict[tuple[str, str], Value] = {}
    names = Names(values, {"original": first.values}, fillings)
    for binding in (item for item in items if isinstance(item, ast.Binding)):
        _fill_holes(given, binding, names, fillings, name)
        stream = Stream(*name, binding.name)
        if binding.name in shuffled:
            values[binding.name] = _shuffled(first.values[binding.name], stream)
        elif isinstance(binding.drawing, DRAWN) and not (binding.name in anew or set(mentioned(binding.drawing)) & anew):
            values[binding.name] = first.values[binding.name]
        else:
            without = _values_of(first.values[binding.name]) if binding.name in fresh else ()
            values[binding.name] = _bound(given.task, binding, names, stream, without)
    return Drawn(names, items)


def _named(changes: tuple[ast.Change, ...], kind: type[ast.Fresh] | type[ast.Redraw] | type[ast.Shuffle]) -> set[str]:
    return {name.text for change in changes if isinstance(change, kind) for name in change.names}


def _fill_holes(given: Alternate, binding: ast.Binding, names: Names, fillings: dict[tuple[str, str], Value], name: tuple[str | int, ...]) -> None:
    """Holes of this text that the alternate fills otherwise, drawn just before the text is made."""
    for change in given.changes:
        if isinstance(change, ast.Override) and change.target.rest and change.target.name == binding.name:
            hole = change.target.rest[0]
            if isinstance(hole, ast.Dotted):
                stand_in = ast.Binding(f"{binding.name}.{hole.name}", change.drawing, span=change.span)
                fillings[binding.name, hole.name] = _bound(given.task, stand_in, names, Stream(*name, stand_in.name), ())


def _bound(task: Task, binding: ast.Binding, names: Names, stream: Stream, without: tuple[Scalar, ...]) -> Value:
    match binding.drawing:
        case ast.Distinct(count, pool):
            many = _count(count, names)
            values = _left(_pool(task, pool, names), without, once=True)
            _enough(values, many, binding.drawing.span, without)
            return stream.distinct(values, many)  # type: ignore[return-value]  # one kind: checked
        case ast.Several(count, pool):
            values = _left(_pool(task, pool, names), without)
            _enough(values, 1, binding.drawing.span, without)
            return [stream.one(values) for _ in range(_count(count, names))]  # type: ignore[return-value]  # one kind: checked
        case ast.One(pool):
            values = _left(_pool(task, pool, names), without)
            _enough(values, 1, binding.drawing.span, without)
            return stream.one(values)
        case ast.Index(column):
            column_value = look_up(column, names)
            return stream.below(len(column_value)) if isinstance(column_value, list) and column_value else 0
    return evaluate(binding.drawing, names, binding.name)


def _left(pool: Sequence[Scalar], without: tuple[Scalar, ...], once: bool = False) -> Sequence[Scalar]:
    """The pool without some values; with each value once where that is wanted. A range is left as it is: it may be long."""
    gone = set(without)
    if isinstance(pool, range) and not gone:
        return pool
    return [value for value in (dict.fromkeys(pool) if once else pool) if value not in gone]


def _enough(values: Sequence[Scalar], wanted: int, span: Span, without: tuple[Scalar, ...]) -> None:
    if len(values) < wanted:
        left_out = f"those of the original are left out: {len(without)}" if without else ""
        raise CannotDraw("E423", f"{wanted} value{'s' * (wanted != 1)} cannot be drawn from {len(values)}", span, left_out, "draw fewer, or from more")


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
            return [value for value in _pool(task, inner, names) if value not in gone]
        case ast.Letters(first, last):
            return [chr(code) for code in range(ord(first), ord(last) + 1)]
        case ast.Range(first, last):
            low, high = evaluate(first, names), evaluate(last, names)
            if not isinstance(low, int) or not isinstance(high, int) or not 0 <= high - low < MOST_POOL:
                raise CannotDraw("E423", f"nothing can be drawn from {low} to {high}", pool.span, "", f"let the first be the smaller, and the values at most {MOST_POOL:,}")
            return range(low, high + 1)
        case ast.Call("column", (ast.String() as path, ast.String(name))):
            return task.columns[column_key(path, name)]
    return _values_of(evaluate(pool, names))


def _values_of(value: Value) -> tuple[Scalar, ...]:
    return tuple(value) if isinstance(value, list) else (plain(value),)


def _shuffled(value: Value, stream: Stream) -> Value:
    return stream.distinct(value, len(value)) if isinstance(value, list) else value  # type: ignore[return-value]  # one kind


def _holds(constraint: ast.Constraint, names: Names) -> bool:
    left, right = look_up(constraint.left, names), evaluate(constraint.right, names)
    compare = getattr(_comparable(left), RELATIONS[constraint.relation])
    return compare(_comparable(right)) is True


def _comparable(value: Value) -> Scalar | tuple[Scalar, ...]:
    return tuple(value) if isinstance(value, list) else plain(value)
