"""Rules for alternates and desiderata: the task with their changes made must still have its prompt and its
positions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import assert_never

from attrs import evolve

from entrack import budget
from entrack.check.columns import Read
from entrack.check.drawing_types import drawing_type
from entrack.check.expression_types import expression_type, reference_type
from entrack.check.positions import check_positions
from entrack.check.resolved import Alternate, Task
from entrack.check.scope import Scope
from entrack.check.tasks import MOST_LINES, types_of
from entrack.check.texts import holes_of, mentioned
from entrack.check.types import Names, Type
from entrack.diagnostics import Diagnostic, Label
from entrack.diagnostics.suggest import did_you_mean
from entrack.source import Span
from entrack.syntax import ast

DRAWN = ast.Distinct | ast.Several | ast.One | ast.Row | ast.Index
"""The drawings in which there is chance."""


def check_alternates(scope: Scope, items: list[ast.Item]) -> dict[str, Alternate]:
    """Every alternate and desideratum that makes sense, by name."""
    found: dict[str, Alternate] = {}
    for item in items:
        if not isinstance(item, ast.Alternate | ast.Desideratum) or scope.names.get(item.name) is not item:
            continue
        before = len(scope.problems)
        budget.work_on(item.name_span)
        alternate = _alternate(scope, item)
        if alternate is None or any(problem.is_error for problem in scope.problems[before:]):
            scope.broken.add(item.name)
        else:
            found[item.name] = alternate
    return found


def changed_items(task: ast.Task, changes: tuple[ast.Change, ...]) -> tuple[ast.Binding | ast.Position, ...]:
    """The items of a task with an alternate's bindings and positions in place of its own. Holes filled otherwise
    stay holes."""
    bindings = {c.target.name: c.drawing for c in changes if isinstance(c, ast.Override) and not c.target.rest}
    places = {c.name: c.place for c in changes if isinstance(c, ast.Position)}
    changed: list[ast.Binding | ast.Position] = []
    for item in task.items:
        if isinstance(item, ast.Binding):
            changed.append(evolve(item, drawing=bindings[item.name]) if item.name in bindings else item)
        else:
            changed.append(evolve(item, place=places[item.name]) if item.name in places else item)
    own = {binding.name for binding in task.items if isinstance(binding, ast.Binding)}
    added = [
        ast.Binding(name, drawing, span=drawing.span, name_span=drawing.span)
        for name, drawing in bindings.items()
        if name not in own
    ]
    for binding in reversed(added):
        changed.insert(_first_use(binding.name, changed), binding)
    return tuple(changed)


def _first_use(name: str, items: list[ast.Binding | ast.Position]) -> int:
    """The place before the first binding that mentions a name; the end where none does."""
    return next(
        (
            place
            for place, item in enumerate(items)
            if isinstance(item, ast.Binding) and name in set(mentioned(item.drawing))
        ),
        len(items),
    )


def _alternate(scope: Scope, item: ast.Alternate | ast.Desideratum) -> Alternate | None:
    if scope.find(item.task.text, item.task.span, "task") is None or item.task.text not in scope.tasks:
        return None
    task = scope.tasks[item.task.text]
    if item.task.text in scope.broken:
        return None
    many = len(item.changes or ())
    if many > MOST_LINES:
        scope.report(
            "E706",
            f"an alternate has at most {MOST_LINES} lines; this one has {many}",
            item.name_span,
            "",
            "change lists instead of single variables",
        )
        return None
    if isinstance(item, ast.Alternate):
        _, read = _changes(scope, task, item.changes, item.name_span)
        return Alternate(item.name, read, item.changes, None, item.name_span)
    return _desideratum(scope, item, task)


def _desideratum(scope: Scope, item: ast.Desideratum, task: Task) -> Alternate | None:
    if item.changes is None or item.target is None:
        missing = "alternate { fresh ... }" if item.changes is None else "target alternate.answer"
        scope.report(
            "E414",
            f"the desideratum `{item.name}` has no `{missing.split()[0]}`",
            item.name_span,
            "",
            f"add, for example, `{missing}`",
        )
        return None
    names, read = _changes(scope, task, item.changes, item.name_span)
    own = dict(names.types)
    kind = expression_type(
        scope, item.target, Names({}, {"original": names.others["original"], "alternate": own}, bare=False)
    )
    if kind is not None and kind.many:
        scope.report("E415", "a target is one word", item.target.span, f"this is {kind}", "take one element of it")
    return Alternate(item.name, read, item.changes, item.target, item.name_span)


def _changes(scope: Scope, task: Task, changes: tuple[ast.Change, ...], place: Span) -> tuple[Names, Task]:
    """Check the changes; gives the names as the alternate has them, and the task with the columns that they read."""
    own = types_of(scope, task)
    names = Names(dict(own), {"original": own})
    uses = _uses(changes)
    read = Read(dict(task.columns), dict(task.tables))
    drawn = {binding.name for binding in task.bindings if isinstance(binding.drawing, DRAWN)}
    for change in changes:
        match change:
            case ast.Fresh(given) | ast.Redraw(given) | ast.Shuffle(given):
                for name in given:
                    _drawn(scope, name.text, name.span, drawn, names)
                    if isinstance(change, ast.Shuffle) and name.text in drawn and not names.types[name.text].many:
                        scope.report(
                            "E416",
                            "only a list can be shuffled",
                            name.span,
                            f"`{name.text}` is one value",
                            "write `redraw` or a constraint",
                        )
            case ast.Constraint(left, _, right):
                _drawn(
                    scope,
                    left.name,
                    Span(left.span.file, left.span.start, left.span.start + len(left.name)),
                    drawn,
                    names,
                )
                reference_type(scope, left, names)
                expression_type(scope, right, names)
            case ast.Override(target, drawing):
                _override(scope, task, target, drawing, uses)
                kind = drawing_type(scope, drawing, names, read)
                _row_stays(scope, target, kind, own)
                if not target.rest and target.name not in names.types:
                    names.types[target.name] = kind or Type("unknown")
            case ast.Position(name):
                if name not in task.positions:
                    scope.report(
                        "E417",
                        f"the task `{task.name}` has no position `{name}`",
                        change.name_span,
                        "",
                        did_you_mean(name, task.positions),
                    )
    before = len(scope.problems)
    if _moves(changes):
        added = sum(isinstance(change, ast.Override) and change.target.name not in own for change in changes)
        budget.spend(budget.LOOKED_AT, (1 + added) * len(task.syntax.items))
        check_positions(scope, changed_items(task.syntax, changes), names)
        scope.problems[before:] = _lost(task, changes, scope.problems[before:], place)
    return names, evolve(task, columns=read.columns, tables=read.tables)


def _moves(changes: tuple[ast.Change, ...]) -> bool:
    """Whether positions may be elsewhere than in the task, where they have been checked."""
    return any(
        isinstance(change, ast.Position) or (isinstance(change, ast.Override) and not change.target.rest)
        for change in changes
    )


def _uses(changes: tuple[ast.Change, ...]) -> Counter[str]:
    """How many of the bindings of an alternate mention each name."""
    return Counter(
        name for change in changes if isinstance(change, ast.Override) for name in set(mentioned(change.drawing))
    )


def _lost(task: Task, changes: tuple[ast.Change, ...], problems: list[Diagnostic], place: Span) -> list[Diagnostic]:
    """A position of the task that an alternate takes the hole from: the alternate is the cause, so it is what is
    pointed at."""
    own = {change.name for change in changes if isinstance(change, ast.Position)}
    positions = [item for item in task.syntax.items if isinstance(item, ast.Position) and item.name not in own]
    found: list[Diagnostic] = []
    for problem in problems:
        position = next(
            (
                p
                for p in positions
                if p.span.file == problem.span.file and p.span.start <= problem.span.start < p.span.end
            ),
            None,
        )
        if position is None:
            found.append(problem)
            continue
        text = _text_of(position.place)
        cause = next((c for c in changes if isinstance(c, ast.Override) and c.target.name == text), None)
        found.append(
            Diagnostic(
                "E418",
                f"the position `{position.name}` is nowhere in this alternate",
                cause.span if cause else place,
                problem.message,
                f"keep the hole in it, or say where it is now: `at {position.name} = ...`",
                (Label(position.span, "the position"),),
            )
        )
    return found


def _row_stays(scope: Scope, target: ast.Reference, kind: Type | None, own: Mapping[str, Type]) -> None:
    """That no row becomes anything else, nor anything else a row: what is made of it names its columns."""
    now = own.get(target.name)
    was, becomes = now is not None and now.base == "row", kind is not None and kind.base == "row"
    if becomes and (now is not None or target.rest):
        help = f"write `fresh {target.name}` or `redraw {target.name}`" if was else "draw it as a variable of its own"
        scope.report("E416", f"`{target.plain or target.name}` cannot become a row", target.span, "", help)
    elif was and kind is not None:
        help = f"change what is made of it, such as `prompt = {target.name}.corrupted`"
        scope.report("E416", f"`{target.name}` is a row, and stays one", target.span, "", help)


def _text_of(place: ast.Place) -> str:
    """The text that a position stands in."""
    match place:
        case ast.EndOf(text) | ast.TextIn(_, text):
            return text.name
        case ast.AnyOf(hole) | ast.HolePlace(hole) | ast.SpanOf(hole):
            return hole.name
        case _:
            assert_never(place)


def _drawn(scope: Scope, name: str, span: Span, drawn: set[str], names: Names) -> None:
    if name in drawn:
        return
    if name in names.types:
        scope.report(
            "E416", f"`{name}` follows from other variables, it is not drawn", span, "", did_you_mean(name, drawn)
        )
    else:
        scope.report("E406", f"this task has no variable `{name}`", span, "used here", did_you_mean(name, drawn))


def _override(scope: Scope, task: Task, target: ast.Reference, drawing: ast.Drawing, uses: Counter[str]) -> None:
    """Another binding, another filling of a hole, or a new binding, which something must then use."""
    bindings = {b.name: b.drawing for b in task.bindings}
    if target.name not in bindings and not target.rest and uses[target.name] > (target.name in set(mentioned(drawing))):
        return
    if target.name not in bindings:
        scope.report(
            "E406",
            f"this task has no variable `{target.name}`",
            target.span,
            "used here",
            did_you_mean(target.name, bindings),
        )
        return
    if not target.rest:
        return
    variable = target.rest[0]
    holes = [hole.name for hole in holes_of(bindings[target.name])]
    if len(target.rest) != 1 or not isinstance(variable, ast.Dotted) or variable.name not in holes:
        scope.report(
            "E412",
            f"the text `{target.name}` has no such hole",
            target.span,
            "",
            did_you_mean(target.plain or target.name, [f"{target.name}.{hole}" for hole in holes]),
        )
