"""Sampling: one prompt of a task, or an alternate given its original, from random streams.

A task and an alternate are compiled once (`Recipe`, `Changed`); each variable when it is first drawn."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import cached_property
from pathlib import PurePath
from typing import Literal, NamedTuple, assert_never

from entrack import budget
from entrack.address import address
from entrack.check.alternates import DRAWN, changed_items
from entrack.check.resolved import Alternate, Task
from entrack.check.tables import Row, Table, table_key
from entrack.check.texts import mentioned
from entrack.frozen import frozen
from entrack.prompts.draw import A_STREAM, Draw, compiled_drawing, values_of
from entrack.prompts.evaluate import compiled, compiled_reference
from entrack.prompts.rng import Stream, Streams
from entrack.prompts.rows import Dealt
from entrack.prompts.stems import Beginning, Stems
from entrack.prompts.values import COMPARE, CannotDraw, Names, Rendered, Scalar, Value, plain, some_of
from entrack.source import Span
from entrack.syntax import ast
from entrack.syntax.content import content

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


class Variable:
    """A binding of a task, compiled when it is first drawn. `filled` are the holes of its text that are filled
    otherwise than it says."""

    def __init__(self, task: Task, binding: ast.Binding, filled: frozenset[str] = frozenset()) -> None:
        self.name, self.binding, self._task, self._filled = binding.name, binding, task, filled

    @cached_property
    def draw(self) -> Draw:
        return compiled_drawing(self._task, self.binding, self._filled)


class Recipe:
    """A task, compiled once for all its prompts."""

    def __init__(self, task: Task) -> None:
        self.items = task.syntax.items
        self.variables = tuple(Variable(task, binding) for binding in task.bindings)


def original(recipe: Recipe, constants: Constants, name: tuple[str | int, ...], dealt: Dealt) -> Drawn:
    """A prompt of a task. `name` ends in its number. Raises CannotDraw."""
    values = constants.copied()
    names, streams = Names(values), Streams(*name)
    for variable in recipe.variables:
        if isinstance(variable.binding.drawing, ast.Row):
            budget.spend(budget.MADE, A_STREAM)
            values[variable.name] = dealt.row(variable.name, int(name[-1]))
        else:
            values[variable.name] = variable.draw(names, streams, ())
    return Drawn(names, recipe.items)


Test = Callable[[Names], bool]
Choose = Callable[[Drawn, Names, Streams, Dealt], Value]
"""The value of a variable in an alternate, given the original."""


How = Literal["kept", "shuffled", "again", "fresh"]
"""What becomes of a variable: `again` it is drawn or follows, `fresh` so that it is another."""


class Step(NamedTuple):
    """How an alternate gets the value of one variable, and what is to hold then."""

    binding: ast.Binding
    how: How
    holes: tuple[tuple[str, Variable], ...]
    """Holes of a text that are filled otherwise, and what with."""
    choose: Choose
    tests: tuple[tuple[ast.Constraint, Test], ...]
    """The constraints that can be tested when it is bound."""


@frozen
class Changed:
    """An alternate, looked through once for all its prompts."""

    given: Alternate
    items: tuple[ast.Binding | ast.Position, ...]
    leading: tuple[Step, ...]
    """The first of its steps, as long as they are drawn, or kept of what is drawn."""
    following: tuple[Step, ...]

    @property
    def stem(self) -> Hashable:
        """What tells one way to begin from another: the leading steps, the columns that they may draw from, and the
        folder from which an alternate names these."""
        columns, named_from = self.given.task.columns, PurePath(self.given.span.file).parent
        steps = [
            [step.how, content(step.binding), [content(constraint) for constraint, _ in step.tests]]
            for step in self.leading
        ]
        return address(steps), named_from, *((key, tuple(columns[key])) for key in sorted(columns))

    @classmethod
    def of(cls, given: Alternate) -> Changed:
        changes, items = given.changes, changed_items(given.task.syntax, given.changes)
        fresh, redrawn, shuffled = (_named(changes, kind) for kind in (ast.Fresh, ast.Redraw, ast.Shuffle))
        constrained = {c.left.name for c in changes if isinstance(c, ast.Constraint)} - shuffled
        overridden = {c.target.name for c in changes if isinstance(c, ast.Override) and not c.target.rest}
        anew = fresh | redrawn | constrained | overridden
        bindings = tuple(item for item in items if isinstance(item, ast.Binding))
        holes, steps = _holes(given), []
        for binding, tests in zip(bindings, _tests(changes, bindings), strict=True):
            name, filled = binding.name, holes.get(binding.name, ())
            again = name in anew or not isinstance(binding.drawing, DRAWN) or set(mentioned(binding.drawing)) & anew
            how: How = "again" if again else "kept"
            how = "shuffled" if name in shuffled else "fresh" if name in fresh else how
            variable = Variable(given.task, binding, frozenset(hole for hole, _ in filled))
            steps.append(Step(binding, how, filled, _choose(given.task, variable, how), tests))
        begun = next((place for place, step in enumerate(steps) if not _leads(step)), len(steps))
        return cls(given, items, tuple(steps[:begun]), tuple(steps[begun:]))


def _leads(step: Step) -> bool:
    """Whether a step may be one of those that alternates have in common."""
    return isinstance(step.binding.drawing, DRAWN) and not isinstance(step.binding.drawing, ast.Row) and not step.holes


def _choose(task: Task, variable: Variable, how: How) -> Choose:
    name, drawing = variable.name, variable.binding.drawing
    match how:
        case "kept":
            return lambda first, names, streams, dealt: first.names.values[name]
        case "shuffled":
            return lambda first, names, streams, dealt: _shuffled(first.values[name], streams.of(name))
        case "again" | "fresh" if isinstance(drawing, ast.Row):
            return _another_row(task.tables[table_key(drawing.table)], variable, fresh=how == "fresh")
        case "again":
            return lambda first, names, streams, dealt: variable.draw(names, streams, ())
        case "fresh":
            return lambda first, names, streams, dealt: variable.draw(
                names, streams, values_of(first.names.values[name])
            )
        case _:
            assert_never(how)


def _another_row(table: Table, variable: Variable, *, fresh: bool) -> Choose:
    def choose(first: Drawn, names: Names, streams: Streams, dealt: Dealt) -> Value:
        gone = first.values.values() if fresh else ()
        return _other_row(table, gone, dealt, streams.of(variable.name), variable.binding.span)

    return choose


def _holes(given: Alternate) -> Mapping[str, tuple[tuple[str, Variable], ...]]:
    """The holes of each text that an alternate fills otherwise, each with a variable of its own."""
    found: dict[str, tuple[tuple[str, Variable], ...]] = {}
    for change in given.changes:
        if isinstance(change, ast.Override) and change.target.rest and isinstance(change.target.rest[0], ast.Dotted):
            text, hole = change.target.name, change.target.rest[0].name
            stand_in = Variable(given.task, ast.Binding(f"{text}.{hole}", change.drawing, span=change.span))
            found[text] = (*found.get(text, ()), (hole, stand_in))
    return found


def _tests(
    changes: tuple[ast.Change, ...], bindings: tuple[ast.Binding, ...]
) -> tuple[tuple[tuple[ast.Constraint, Test], ...], ...]:
    """Each constraint with the last binding that it, or one before it, needs: they are tested in order, and no later
    than they can be."""
    places = {binding.name: place for place, binding in enumerate(bindings)}
    tests: list[list[tuple[ast.Constraint, Test]]] = [[] for _ in bindings]
    place = 0
    for constraint in changes:
        if isinstance(constraint, ast.Constraint):
            place = max(
                place,
                *(places.get(name, 0) for side in (constraint.left, constraint.right) for name in mentioned(side)),
                0,
            )
            tests[place].append((constraint, _test(constraint)))
    return tuple(tuple(some) for some in tests)


class _Failed(Exception):
    """A try whose constraint does not hold."""

    def __init__(self, constraint: ast.Constraint) -> None:
        super().__init__()
        self.span = constraint.span


def alternate(
    given: Changed,
    first: Drawn,
    constants: Constants,
    name: tuple[str | int, ...],
    dealt: Dealt,
    stems: Stems | None = None,
    beginning: Beginning | None = None,
) -> Drawn:
    """The alternate of an original: drawn again until its constraints hold. Raises CannotDraw when they never do.

    A try ends at the first constraint that does not hold, before what is bound later is made: texts are long, and the
    streams of all bindings are their own, so nothing else changes by it. With a `beginning`, its stem is taken from
    `stems`, or held there.
    """
    span, before = given.given.span, budget.so_far() if beginning else {}
    stem = stems.counted(beginning) if stems and beginning else None
    for attempt in range(stem.attempt if stem else 0, MOST_TRIES):
        streams = Streams(*name, "alternate", attempt)
        begun = stem is not None and attempt == stem.attempt
        values = dict(stem.values) if stem and begun else constants.copied()
        names = Names(values, {"original": first.values}, {})
        try:
            if not begun:
                _take(given.leading, values, first, names, streams, dealt)
                if stems and beginning and stem is None:  # later tries are no beginning: others may stay with the first
                    stems.hold(beginning, attempt, values, before)
                    beginning = None
            _take(given.following, values, first, names, streams, dealt)
        except _Failed as failed:
            span = failed.span
        else:
            return Drawn(names, given.items)
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


def _take(
    steps: tuple[Step, ...], values: dict[str, Value], first: Drawn, names: Names, streams: Streams, dealt: Dealt
) -> None:
    """Steps of one try, which put their values into those of `names`. Raises _Failed."""
    for binding, _, holes, choose, tests in steps:
        for hole, stand_in in holes:
            names.fillings[binding.name, hole] = stand_in.draw(names, streams, ())
        values[binding.name] = choose(first, names, streams, dealt)
        for constraint, holds in tests:
            if not holds(names):
                raise _Failed(constraint)


def _other_row(table: Table, without: Iterable[Value], dealt: Dealt, stream: Stream, span: Span) -> Row:
    """A row for an alternate, none of those in `without`."""
    gone = {value.number for value in without if isinstance(value, Row) and value.table is table}
    rows = [row for row in dealt.others(table) if row not in gone]
    if not rows:
        message = f"no other row of `{table.name}` is left for an alternate"
        raise CannotDraw("E423", message, span, "", "ask for more prompts, so that there are more rows to take")
    return Row(table, stream.one(rows))


def _shuffled(value: Value, stream: Stream) -> Value:
    budget.spend(budget.MADE, len(value) if isinstance(value, list) else 1)
    return some_of(value, stream.distinct(value, len(value))) if isinstance(value, list) else value


def _named(changes: tuple[ast.Change, ...], kind: type[ast.Fresh] | type[ast.Redraw] | type[ast.Shuffle]) -> set[str]:
    return {name.text for change in changes if isinstance(change, kind) for name in change.names}


def _test(constraint: ast.Constraint) -> Test:
    """Whether a constraint holds."""
    left, right = compiled_reference(constraint.left), compiled(constraint.right)
    compare = COMPARE[constraint.relation]
    return lambda names: compare(_comparable(left(names)), _comparable(right(names)))


def _comparable(value: Value) -> Scalar | tuple[Scalar, ...]:
    return tuple(value) if isinstance(value, list) else plain(value)
