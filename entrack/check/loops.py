"""Rules for loops: what a measure's variables go through, and the turns that follow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import isfinite, prod

from entrack import budget
from entrack.check.changes import Changes
from entrack.check.metrics import axes_read
from entrack.check.populations import all_different, first_twice, values_of
from entrack.check.resolved import Axes, Population
from entrack.check.scope import Scope
from entrack.check.texts import mentioned
from entrack.diagnostics import Label
from entrack.diagnostics.suggest import did_you_mean
from entrack.syntax import ast
from entrack.syntax.substitute import Value, substitute
from entrack.tree import parts

MOST_TURNS = budget.CELLS.most
AXES = ("model", "intervention", "prompts")
"""Axes that every measure has."""
Turn = tuple[Value, ...]
"""A value for each loop."""


def turns_of(
    changes: Changes, item: ast.Measure, models: Sequence[str], populations: Sequence[Population] | None
) -> list[Turn] | None:
    """The turns of a measure's loops, the last loop fastest; one empty turn where there is none. `populations` None:
    what is wrong with them has been said."""
    if not _names_fit(changes.scope, item):
        return None
    each = [_values(changes, item, loop, models, populations) for loop in item.loops]
    known = [values for values in each if values is not None]
    if len(known) != len(each):
        return None
    if prod(map(len, known)) > MOST_TURNS:
        changes.scope.report(
            "E705", f"a measure has at most {MOST_TURNS:,} cells", item.loops[-1].span, "", "loop over fewer values"
        )
        return None
    return list(product(*known))


def at_turn(item: ast.Measure, turn: Turn) -> tuple[ast.Expression | ast.Act, ...]:
    """The interventions of a measure in one turn of its loops."""
    given = item.interventions
    for loop, value in zip(item.loops, turn, strict=True):
        given = substitute(given, loop.name, value)
    return given


def all_used(scope: Scope, item: ast.Measure) -> bool:
    """Whether each variable stands in an act: otherwise all turns would be the same."""
    for loop in item.loops:
        if substitute(item.interventions, loop.name, 0) == item.interventions:
            help = f"write `{loop.name}` where it is meant, such as `mlp[{loop.name}]` or `at {loop.name}`"
            scope.report("E664", f"no act of this measure has a `{loop.name}`", loop.span, "", help)
            return False
    return True


def goes_through(scope: Scope, item: ast.Measure, axes: Axes) -> tuple[tuple[str, str], ...]:
    """What each loop goes through: `layers`, `heads`, `neurons`, `tokens` or `positions`."""
    labels = dict(axes)
    found = ((loop.name, _goes_through(scope, item, loop, labels[loop.name])) for loop in item.loops)
    return tuple((name, what) for name, what in found if what)


def _goes_through(scope: Scope, item: ast.Measure, loop: ast.Loop, labels: Sequence[str]) -> str:
    """Of numbers or names that are listed, what they are where the variable stands; nothing where that is not said."""
    if isinstance(loop.values, ast.All):
        return loop.values.what
    uses = _uses(scope, item.interventions)
    what = next((what for what, part in uses if loop.name in set(mentioned(part))), "")
    return "tokens" if what == "positions" and all(label.isdigit() for label in labels) else what


def _uses(scope: Scope, node: object) -> Iterator[tuple[str, object]]:
    """Where acts say positions, layers, heads and neurons, and what an intervention is given for these."""
    match node:
        case ast.Call(name, arguments) if isinstance(item := scope.names.get(name), ast.Intervention):
            for what, part in _uses(scope, item.acts):
                names = set(mentioned(part))
                given = zip(item.parameters, arguments, strict=False)
                yield from ((what, argument) for parameter, argument in given if parameter.text in names)
        case ast.At(_, where):
            yield "positions", where
        case ast.Computed(kind, layers, index):
            yield from (("layers", layers), (kind, index))
        case ast.Block(reader, read, layers):
            yield from (("positions", (reader, *read)), ("layers", layers))
    for part in node if isinstance(node, tuple) else parts(node, ("span", "name_span")):
        yield from _uses(scope, part)


def _names_fit(scope: Scope, item: ast.Measure) -> bool:
    twice = first_twice([loop.name for loop in item.loops])
    if twice is not None:
        scope.report(
            "E616",
            f"two loops are called `{item.loops[twice].name}`",
            item.loops[twice].span,
            "again here",
            "choose another name",
        )
        return False
    read = dict(axes_read(item.metric))
    for loop in item.loops:
        if loop.name in AXES or loop.name in read:
            of = "every measure" if loop.name in AXES else "what is read site by site"
            message = f"{of} has an axis `{loop.name}`"
            scope.report("E616", message, loop.span, "a second one", "call the variable otherwise")
            return False
    return True


def _values(
    changes: Changes, item: ast.Measure, loop: ast.Loop, models: Sequence[str], populations: Sequence[Population] | None
) -> Sequence[Value] | None:
    scope = changes.scope
    if isinstance(loop.values, ast.ListOf):
        if _are_names(scope, loop.values):
            return _positions_named(scope, loop.values, populations, item)
        return _numbers(scope, loop, loop.values)
    match loop.values.what:
        case "positions":
            return _positions(scope, loop, populations)
        case "tokens":
            many = _tokens(scope, loop, models, populations)
        case what:
            many = _counted(changes, loop, what)
    return None if many is None else list(range(many))


def _numbers(scope: Scope, loop: ast.Loop, listed: ast.ListOf) -> list[Value] | None:
    """Numbers of any kind, factors too, and whole ones in ranges."""
    values: list[Value] = []
    for item in listed.items:
        many = _listed(scope, loop, item)
        if many is None:
            return None
        values.extend(many)
    return values if all_different(scope, loop.name, loop.span, values) else None


def _listed(scope: Scope, loop: ast.Loop, item: ast.Expression | ast.Range) -> Sequence[Value] | None:
    if isinstance(item, ast.Range):
        return values_of(scope, ast.Named(loop.name, ast.ListOf((item,), span=item.span), span=loop.span))
    value = scope.number(item)
    if value is None or not isfinite(value):
        return None
    return [int(value)] if value == int(value) else [value]


def _counted(changes: Changes, loop: ast.Loop, what: str) -> int | None:
    """How many layers, or heads in a layer, the measured models have."""
    known = {facts.layers if what == "layers" else facts.heads for facts in changes.shapes}
    if len(known) != 1:
        changes.scope.report(
            "E613",
            f"it is not known here how many {what} there are",
            loop.span,
            "the model is not on this machine, or the models differ",
            f"list the {what}, `for {loop.name} in [0..31]`, or give a config.json with `--stand-in FOLDER`",
        )
        return None
    return known.pop()


def _tokens(
    scope: Scope, loop: ast.Loop, models: Sequence[str], populations: Sequence[Population] | None
) -> int | None:
    """How many tokens the prompts have: as many as the first of each population."""
    if populations is None:
        return None
    here = [model for name in models if (model := scope.models.get(name)) is not None]
    known = {scope.count_tokens(population, model) for model in here for population in populations}
    problems = [problem for found in known if isinstance(found, tuple) for problem in found]
    for problem in problems:
        scope.add(problem)
    counts = sorted(found for found in known if isinstance(found, int))
    if len(counts) == len(known) == 1:
        return counts[0]
    if len(counts) > 1:
        label, help = f"some have {counts[0]} tokens, others {counts[-1]}", "measure prompts of one length at a time"
        scope.report("E665", "a loop over tokens is of prompts of one length", loop.span, label, help)
    elif not problems and not any(name in scope.broken for name in models):
        scope.report(
            "E613",
            "it is not known here how many tokens there are",
            loop.span,
            "the tokenizer is not on this machine",
            f"list the tokens: `for {loop.name} in [0..15]`",
        )
    return None


def _positions(scope: Scope, loop: ast.Loop, populations: Sequence[Population] | None) -> list[str] | None:
    """The positions that the tasks name, which must be the same in all."""
    if populations is None:
        return None
    first, *others = populations
    other = next((one for one in others if set(one.task.positions) != set(first.task.positions)), None)
    if other is None and first.task.positions:
        return list(first.task.positions)
    names = f"`{first.task.name}`" + ("" if other is None else f" and `{other.task.name}`")
    message = f"the task {names} names no position" if other is None else f"{names} have different positions"
    scope.report("E665", message, loop.span, "", f"list them: `for {loop.name} in [last, query]`")
    return None


def _are_names(scope: Scope, values: ast.ListOf) -> bool:
    return any(
        isinstance(item, ast.Reference) and not item.rest and item.name not in scope.params for item in values.items
    )


def _positions_named(
    scope: Scope, values: ast.ListOf, populations: Sequence[Population] | None, item: ast.Measure
) -> list[str] | None:
    names: list[str] = []
    for one in values.items:
        if not isinstance(one, ast.Reference) or one.rest:
            message = "a loop goes through numbers, or through positions"
            scope.report("E665", message, one.span, "", "write two measures")
            return None
        for population in populations or ():
            if one.name not in population.task.positions:
                message = f"the task `{population.task.name}` has no position `{one.name}`"
                known = did_you_mean(one.name, population.task.positions)
                scope.report("E618", message, one.span, "", known, (Label(item.prompts.span, "measured on these"),))
                return None
        if one.name in names:
            scope.report("E616", f"`{one.name}` stands twice in this list", one.span, "again here", "delete it")
            return None
        names.append(one.name)
    return names if populations is not None else None
