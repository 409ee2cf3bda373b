"""Rules for tasks: what each name in a task is, and that prompts can be drawn and positions found.

Alternates are checked as the task with their changes made (`check/alternates.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from entrack import budget
from entrack.check.columns import Read
from entrack.check.drawing_types import binding_types
from entrack.check.positions import check_positions
from entrack.check.resolved import Task
from entrack.check.row_columns import column_of, is_column
from entrack.check.row_positions import marked_column
from entrack.check.scope import Scope
from entrack.check.tables import markers_of
from entrack.check.texts import holes_of
from entrack.check.types import NUMBER, TEXT, WORD, Names, Type
from entrack.diagnostics.suggest import Suggestion
from entrack.syntax import ast
from entrack.syntax.unparse import written

MOST_LINES = budget.LINES.most


def check_tasks(scope: Scope, items: list[ast.Item]) -> None:
    """Resolve every task into `scope.tasks`."""
    for item in items:
        if isinstance(item, ast.Task) and scope.names.get(item.name) is item:
            before = len(scope.problems)
            budget.work_on(item.name_span)
            scope.tasks[item.name] = _task(scope, item)
            if any(problem.is_error for problem in scope.problems[before:]):
                scope.broken.add(item.name)


def _task(scope: Scope, item: ast.Task) -> Task:
    parameters = {}
    for parameter in item.parameters:
        value = scope.whole(parameter.value, f"`{parameter.name}`", 0)
        parameters[parameter.name] = value if value is not None else 1
    if len(item.items) > MOST_LINES:
        scope.report(
            "E706",
            f"a task has at most {MOST_LINES} lines; this one has {len(item.items)}",
            item.name_span,
            "",
            "draw lists instead of single variables",
        )
    read = Read()
    names = binding_types(scope, item.items, parameters, read)
    scope.typed[item.name] = dict(names.types)
    before = len(scope.problems)
    _required(scope, item, names)
    check_positions(scope, item.items, names)
    _markers_left(scope, item, names)
    if len(scope.problems) == before and not scope.unread and not _names_end(item):
        scope.report(
            "W401",
            f"the task `{item.name}` does not name the end of its prompt",
            item.name_span,
            "",
            "add `at last = end of prompt`",
        )
    return Task(item, parameters, read.columns, read.tables)


def types_of(scope: Scope, task: Task) -> Mapping[str, Type]:
    """The types of the variables of a task that has been checked: nothing is reported again."""
    return cast(Mapping[str, Type], scope.typed[task.name])


def _required(scope: Scope, item: ast.Task, names: Names) -> None:
    for name, wanted, example in (
        ("prompt", (TEXT,), 'prompt = "The {object} is"'),
        ("answer", (WORD, TEXT), "answer = object[asked]"),
    ):
        kind = names.types.get(name)
        if kind is None and name in scope.unread:
            continue
        if kind is None:
            scope.report(
                "E409",
                f"the task `{item.name}` has no `{name}`",
                item.name_span,
                "",
                Suggestion.of(f"add a line such as `{example}`", name, ()),
            )
        elif kind.base != "unknown" and kind not in wanted and not _also(item, name, kind, names):
            parts = (*item.items, *item.parameters)
            span = next(part.span for part in parts if isinstance(part, ast.Binding | ast.Named) and part.name == name)
            scope.report(
                "E410",
                f"`{name}` is {'one text' if name == 'prompt' else 'one word'}",
                span,
                f"this is {kind}",
                f"write, for example, `{example}`",
            )


def _markers_left(scope: Scope, item: ast.Task, names: Names) -> None:
    """Warn of texts whose markers are read by nobody, so that the model would read them."""
    for binding in item.items:
        if isinstance(binding, ast.Binding) and marked_column(binding.drawing) is None:
            for hole in holes_of(binding.drawing):
                found = column_of(hole, names)
                if found is not None and markers_of(*found):
                    scope.report(
                        "W402",
                        f"the column `{found[1]}` of `{found[0].name}` has markers, and the model would read them",
                        hole.span,
                        "taken as it stands",
                        f"write `marked({written(hole)})`",
                    )


def _also(item: ast.Task, name: str, kind: Type, names: Names) -> bool:
    """Whether an answer is a number, or a prompt stands whole in a column."""
    return (name == "answer" and kind == NUMBER) or (
        name == "prompt" and kind == WORD and _from_a_row(item, name, names)
    )


def _from_a_row(item: ast.Task, name: str, names: Names) -> bool:
    """Whether a variable is a column of a row, or another variable that is one."""
    seen: set[str] = set()
    drawings = {binding.name: binding.drawing for binding in item.items if isinstance(binding, ast.Binding)}
    while name not in seen:
        seen.add(name)
        drawing = drawings.get(name)
        if not isinstance(drawing, ast.Reference):
            return False
        if is_column(drawing, names):
            return True
        name = drawing.name
    return False


def _names_end(item: ast.Task) -> bool:
    return any(isinstance(part, ast.Position) and isinstance(part.place, ast.EndOf) for part in item.items)
