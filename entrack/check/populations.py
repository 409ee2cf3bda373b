"""Rules for prompts: `300 boxes`, `boxes(n = 5, seed = 3)`, a list of such as a sweep, with the axes that follow."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import product
from math import prod

from attrs import evolve

from entrack import budget
from entrack.check.resolved import Alternate, Population, Task
from entrack.check.scope import Scope
from entrack.diagnostics.suggest import Suggestion, did_you_mean
from entrack.frozen import frozen
from entrack.source import Span
from entrack.syntax import ast
from entrack.syntax.substitute import Value, label_of
from entrack.syntax.unparse import written

MOST_PROMPTS = budget.PROMPTS.most
MOST_CROSSED = budget.SWEEP.most
NONE: tuple[ast.Named, ...] = ()
POPULATION_KINDS = ("task", "alternate", "desideratum")


@frozen
class Swept:
    """Populations with, for each, its labels on the axes named."""

    axes: tuple[tuple[str, tuple[str, ...]], ...]
    populations: tuple[tuple[tuple[str, ...], Population], ...]


def population(
    scope: Scope, alternates: Mapping[str, Alternate], node: ast.Prompts, seed: int, purpose: str
) -> Population | None:
    """One population. Reports a sweep as an error."""
    swept = sweep(scope, alternates, node, seed, purpose)
    if swept is None:
        return None
    if len(swept.populations) != 1:
        scope.report("E601", "one set of prompts is wanted here", node.span, "this is a sweep", "name one")
        return None
    return swept.populations[0][1]


def sweep(
    scope: Scope, alternates: Mapping[str, Alternate], node: ast.Prompts, seed: int, purpose: str
) -> Swept | None:
    """All populations that `node` stands for: a list of them, or lists among their parameters."""
    count = None
    every = isinstance(node.count, ast.Name) and node.count.text == "all" and "all" not in scope.params
    if node.count is not None and not every:
        count = scope.whole(node.count, "the number of prompts", 1, MOST_PROMPTS)
        if count is None:
            return None
    of_mask = _desiderata(scope, node.of)
    if of_mask and isinstance(node.of, ast.Reference) and node.of.name in scope.broken:
        return None
    parts = of_mask or (node.of.items if isinstance(node.of, ast.ListOf) else (node.of,))
    each = [_one(scope, alternates, part, seed, purpose, count) for part in parts]
    if any(item is None for item in each):
        return None
    known = [_all_rows(scope, item) if every else item for item in each if item is not None]
    if len(known) == 1 and known[0].axes:
        return known[0]
    members = tuple(((population.label,), population) for item in known for _, population in item.populations)
    twice = first_twice([labels[0] for labels, _ in members])
    if twice is not None:
        again = members[twice][1]
        scope.report("E616", f"`{again.label}` stands twice in this list", again.span, "again here", "delete it")
        return None
    return Swept((("desideratum" if of_mask else "prompts", tuple(labels[0] for labels, _ in members)),), members)


def _all_rows(scope: Scope, swept: Swept) -> Swept:
    """With as many prompts of each population as its file has rows for. Reports populations without rows."""
    return evolve(swept, populations=tuple((labels, _all(scope, given)) for labels, given in swept.populations))


def _all(scope: Scope, given: Population) -> Population:
    tables = list(given.task.rows.values())
    if not tables:
        scope.report(
            "E626",
            f"there is no last prompt of `{given.label}`: it is drawn, and has no rows",
            given.span,
            "",
            f"say how many: `100 {given.label}`, or draw `one row of` a file",
        )
        return evolve(given, count=1)
    return evolve(given, count=max(1, min(len(table) // tables.count(table) for table in tables)))


def _desiderata(scope: Scope, node: ast.Expression) -> tuple[ast.Reference, ...]:
    """`role.desideratum`: the desiderata of a mask, in its order."""
    match node:
        case ast.Reference(name, (ast.Dotted("desideratum"),)):
            item = scope.names.get(name)
            if isinstance(item, ast.Mask):
                return tuple(ast.Reference(desideratum.text, span=node.span) for desideratum in item.desiderata)
    return ()


def _one(
    scope: Scope, alternates: Mapping[str, Alternate], node: ast.Expression, seed: int, purpose: str, count: int | None
) -> Swept | None:
    if isinstance(node, ast.Reference) and not node.rest:
        name, given = node.name, NONE
    elif isinstance(node, ast.Call) and not node.positional:
        name, given = node.name, node.named
    else:
        if isinstance(node, ast.Reference) and isinstance(scope.names.get(node.name), ast.Mask):
            scope.report(
                "E602",
                "this names no prompts",
                node.span,
                "",
                Suggestion.of(
                    f"write `{node.name}.desideratum` for the desiderata of the mask",
                    node.rest[-1].name if node.rest and isinstance(node.rest[-1], ast.Dotted) else "",
                    ("desideratum",),
                ),
            )
            return None
        scope.report(
            "E602",
            "this names no prompts",
            node.span,
            "",
            "name a task, an alternate or a desideratum, such as `boxes` or `boxes(n = 5)`",
        )
        return None
    span = node.name_span if isinstance(node, ast.Call) else node.span
    if scope.find(name, span, *POPULATION_KINDS) is None or name in scope.broken:
        return None
    alternate = alternates.get(name)
    task = alternate.task if alternate else scope.tasks.get(name)
    if task is None:
        return None
    return _parameters(scope, task, alternate, node, given, (seed, purpose, count))


def _parameters(
    scope: Scope,
    task: Task,
    alternate: Alternate | None,
    node: ast.Expression,
    given: tuple[ast.Named, ...],
    rest: tuple[int, str, int | None],
) -> Swept | None:
    values: dict[str, list[int]] = {}
    for argument in given:
        if argument.name == "seed" and task.rows:
            scope.report(
                "E603",
                "rows of a file are taken in the order of the spec's seed",
                argument.span,
                "with another they would be taken twice",
                "write `seed 3` in the spec, or ask for several draws: `, 3 draws`",
            )
            return None
        if argument.name != "seed" and argument.name not in task.parameters:
            scope.report(
                "E603",
                f"`{task.name}` has no parameter `{argument.name}`",
                argument.span,
                "",
                did_you_mean(argument.name, (*task.parameters, "seed")),
            )
            return None
        found = values_of(scope, argument)
        if found is None:
            return None
        values[argument.name] = found
    if prod(len(many) for many in values.values()) > MOST_CROSSED:
        scope.report(
            "E705",
            f"a sweep has at most {MOST_CROSSED:,} values",
            node.span,
            "crossed with each other these are more",
            "sweep over fewer",
        )
        return None
    axes = tuple((name, tuple(str(value) for value in many)) for name, many in values.items() if len(many) > 1)
    members = []
    budget.spend(budget.ALL_CELLS, prod(len(many) for many in values.values()))
    for combination in product(*values.values()):
        chosen = dict(zip(values, combination, strict=True))
        labels = tuple(str(chosen[name]) for name, _ in axes)
        members.append((labels, _population(task, alternate, chosen, node, rest)))
    return Swept(axes, tuple(members))


def values_of(scope: Scope, argument: ast.Named) -> list[int] | None:
    """The whole numbers that a parameter takes: one, a list, or ranges in a list."""
    parts = argument.value.items if isinstance(argument.value, ast.ListOf) else (argument.value,)
    values: list[int] = []
    for part in parts:
        if isinstance(part, ast.Range):
            first, last = (
                scope.whole(part.first, f"`{argument.name}`", 0),
                scope.whole(part.last, f"`{argument.name}`", 0),
            )
            if first is None or last is None:
                return None
            if last < first:
                scope.report(
                    "E705", f"there is nothing from {first} to {last}", part.span, "", f"write `{last}..{first}`"
                )
                return None
            if last - first >= MOST_CROSSED:
                scope.report("E705", f"a sweep has at most {MOST_CROSSED:,} values", part.span, "", "sweep over fewer")
                return None
            values.extend(range(first, last + 1))
        else:
            value = scope.whole(part, f"`{argument.name}`", 0)
            if value is None:
                return None
            values.append(value)
    return values if all_different(scope, argument.name, argument.span, values) else None


def first_twice(values: Sequence[Hashable]) -> int | None:
    """The first place whose value stands at an earlier one too."""
    seen: set[Hashable] = set()
    for place, value in enumerate(values):
        if value in seen:
            return place
        seen.add(value)
    return None


def all_different(scope: Scope, name: str, span: Span, values: Sequence[Value]) -> bool:
    """Whether no value of a sweep stands twice. Reports otherwise."""
    twice = first_twice(values)
    if twice is not None:
        message = f"`{name}` takes the value {label_of(values[twice])} twice"
        scope.report("E616", message, span, "", "leave one of them out")
    return twice is None


def _population(
    task: Task,
    alternate: Alternate | None,
    chosen: dict[str, int],
    node: ast.Expression,
    rest: tuple[int, str, int | None],
) -> Population:
    seed, purpose, count = rest
    parameters = {**task.parameters, **{name: value for name, value in chosen.items() if name != "seed"}}
    return Population(
        task, alternate, parameters, chosen.get("seed", seed), count, purpose, _label(node, chosen), node.span
    )


def _label(node: ast.Expression, chosen: Mapping[str, int]) -> str:
    """How a spec writes one member of a sweep: `boxes(n = 2)` of `boxes(n = [2, 3])`."""
    if not isinstance(node, ast.Call):
        return written(node)
    each = (
        evolve(given, value=ast.Integer(chosen[given.name])) if isinstance(given.value, ast.ListOf) else given
        for given in node.named
    )
    return written(evolve(node, arguments=tuple(each)))
