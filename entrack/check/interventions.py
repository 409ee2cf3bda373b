"""Rules for interventions: acts on heads, written where they are used or declared with parameters, expanded into
their sweeps."""

from __future__ import annotations

from itertools import product
from math import prod

from attrs import evolve

from entrack import budget
from entrack.check.act_heads import heads_of
from entrack.check.changes import ACTS, AN_ACT, Changes
from entrack.check.populations import MOST_CROSSED, population
from entrack.check.resolved import (
    Act,
    BlockAct,
    Circuit,
    Group,
    Intervention,
    KeepAct,
    MeanAct,
    PatchAct,
    Population,
    ZeroAct,
)
from entrack.check.scope import Scope
from entrack.diagnostics import Label
from entrack.diagnostics.suggest import did_you_mean
from entrack.sites import RECEIVING, Part
from entrack.syntax import ast
from entrack.syntax.unparse import written

LAST_LAYER = 1023


NOTHING = Intervention("nothing", ())


COMPONENTS = {component.value: component for component in RECEIVING}


def check_interventions(changes: Changes, items: list[ast.Item]) -> None:
    """That each declared intervention makes sense by itself; what its parameters stand for is checked where it is
    used."""
    for item in items:
        if isinstance(item, ast.Intervention):
            _shape(changes.scope, item)
            inner = evolve(changes, given={name.text: ast.Reference("?") for name in item.parameters})
            for act in item.acts:
                _act(inner, act)


def interventions(changes: Changes, node: ast.Expression | ACTS) -> list[Intervention] | None:
    """All interventions that an item after `with` stands for."""
    if isinstance(node, ACTS):
        act = _act(changes, node)
        return None if act is None else _checked(changes, [Intervention(written(node), (act,))], node)
    match node:
        case ast.Reference("nothing", ()):
            return [NOTHING]
        case ast.Reference(name, ()):
            return _declared(changes, ast.Call(name, (), span=node.span, name_span=node.span))
        case ast.Call():
            return _declared(changes, node)
    changes.scope.report(
        "E605",
        "this is no intervention",
        node.span,
        "",
        "write `nothing`, the name of an intervention, or an act such as `zero cir.movers`",
    )
    return None


def _declared(changes: Changes, call: ast.Call) -> list[Intervention] | None:
    item = changes.scope.find(call.name, call.name_span, "intervention")
    if not isinstance(item, ast.Intervention):
        return None
    wanted, given = len(item.parameters), call.arguments
    if call.named:
        changes.scope.report(
            "E606",
            "the arguments of an intervention have no names",
            call.named[0].span,
            "",
            f"write `{item.name}({', '.join(written(named.value) for named in call.named)})`",
        )
        return None
    if len(given) != wanted:
        changes.scope.report(
            "E606",
            f"`{item.name}` takes {wanted} argument{'s' * (wanted != 1)}, not {len(given)}",
            call.span,
            "",
            f"write `{item.name}({', '.join(name.text for name in item.parameters)})`",
            (Label(item.name_span, "declared here"),),
        )
        return None
    each = [part.items if isinstance(part, ast.ListOf) else (part,) for part in call.positional]
    if prod(len(several) for several in each) > MOST_CROSSED:
        changes.scope.report(
            "E705",
            f"a sweep has at most {MOST_CROSSED:,} values",
            call.span,
            "crossed with each other these are more",
            "sweep over fewer",
        )
        return None
    budget.spend(budget.EXPANDED, prod(len(several) for several in each) * (len(each) + AN_ACT))
    found: list[Intervention] = []
    for combination in product(*each):
        arguments = {name.text: value for name, value in zip(item.parameters, combination, strict=True)}
        acts = [_act(evolve(changes, given=arguments), act) for act in item.acts]
        if any(act is None for act in acts):
            return None
        label = written(ast.Call(item.name, tuple(combination))) if combination else item.name
        found.append(Intervention(label, tuple(act for act in acts if act is not None)))
    return _checked(changes, found, call)


def _act(changes: Changes, node: ACTS) -> Act | None:
    budget.spend(budget.EXPANDED, AN_ACT)
    match node:
        case ast.Keep(heads):
            circuit = heads_of(changes, heads)
            return None if circuit is None else KeepAct(circuit, node.span)
        case ast.Mean(heads, over):
            circuit = None if heads is None else heads_of(changes, heads)
            prompts = _over(changes, over)
            return (
                None
                if prompts is None or (heads is not None and circuit is None)
                else MeanAct(circuit, prompts, node.span)
            )
        case ast.Zero(heads):
            circuit = None if heads is None else heads_of(changes, heads)
            return None if heads is not None and circuit is None else ZeroAct(circuit, node.span)
        case ast.Patch(heads, source):
            component, named = _component(heads)
            return _patch(changes, node, heads_of(changes, named), source, component)
        case ast.Block():
            return _block(changes, node)


def _over(changes: Changes, over: ast.Prompts) -> Population | None:
    if isinstance(over.of, ast.Reference) and over.of.name in changes.given and not over.of.rest:
        argument = changes.given[over.of.name]
        if isinstance(argument, ast.Reference) and argument.name == "?":
            return None
        over = ast.Prompts(over.count, argument, span=over.span)
    return population(changes.scope, changes.alternates, over, changes.seed, "mean")


def _patch(
    changes: Changes, node: ast.Patch, circuit: Circuit | None, source: ast.Expression, component: Part
) -> PatchAct | None:
    if circuit is None:
        return None
    if isinstance(source, ast.Reference) and source.name in changes.given and not source.rest:
        argument = changes.given[source.name]
        unknown = isinstance(argument, ast.Reference) and argument.name == "?"
        return (
            PatchAct(circuit, None, node.span)
            if unknown
            else _patch(evolve(changes, given={}), node, circuit, argument, component)
        )
    name = source.plain if isinstance(source, ast.Reference) else None
    if name is not None and isinstance(changes.scope.names.get(name), ast.Model):
        return PatchAct(circuit, None, node.span, name, component)
    if component is not Part.OUTPUT:
        changes.scope.report(
            "E609",
            f"a {component.value} is patched from another model",
            source.span,
            "",
            "name a model, or patch the heads themselves: leave out the component",
        )
        return None
    if name == "alternate":
        return PatchAct(circuit, None, node.span)
    if name is not None and name in changes.alternates:
        return PatchAct(circuit, changes.alternates[name], node.span)
    changes.scope.report(
        "E609",
        "heads are patched from `alternate`, from a named alternate or from a model",
        source.span,
        "",
        did_you_mean(name or "", ["alternate", *changes.alternates, *changes.scope.called("model")]),
    )
    return None


def _component(heads: ast.Expression) -> tuple[Part, ast.Expression]:
    """`cir.movers.query` is the queries of `cir.movers`; without such an end, the outputs."""
    if (
        isinstance(heads, ast.Reference)
        and heads.rest
        and isinstance(heads.rest[-1], ast.Dotted)
        and heads.rest[-1].name in COMPONENTS
    ):
        return COMPONENTS[heads.rest[-1].name], evolve(heads, rest=heads.rest[:-1])
    return Part.OUTPUT, heads


def _block(changes: Changes, node: ast.Block) -> BlockAct | None:
    scope = changes.scope
    first = scope.whole(node.layers.first, "a layer", 0, LAST_LAYER)
    if first is None:
        return None
    last = first
    if node.layers.open_end:
        last = LAST_LAYER
    elif node.layers.last is not None:
        given = scope.whole(node.layers.last, "a layer", 0, LAST_LAYER)
        if given is None:
            return None
        last = given
    if last < first:
        scope.report(
            "E612", f"there are no layers from {first} to {last}", node.layers.span, "", "write the lower layer first"
        )
        return None
    return BlockAct(node.reader.text, tuple(name.text for name in node.read), first, last, node.span)


def _shape(scope: Scope, item: ast.Intervention) -> None:
    kept = [act for act in item.acts if isinstance(act, ast.Keep)]
    elsewhere = [act for act in item.acts if isinstance(act, ast.Mean | ast.Zero) and act.heads is None]
    if kept and not elsewhere:
        scope.report(
            "E610",
            "`keep` says nothing about the other heads",
            kept[0].span,
            "",
            "add `mean elsewhere over ALTERNATE` or `zero elsewhere`",
        )
    if len(elsewhere) > 1:
        scope.report(
            "E611",
            "`elsewhere` can be said once",
            elsewhere[1].span,
            "again here",
            "delete one of them",
            (Label(elsewhere[0].span, "first here"),),
        )


def _checked(changes: Changes, found: list[Intervention], node: ast.Expression | ACTS) -> list[Intervention] | None:
    """Refuses acts that say two things of one group."""
    for intervention in found:
        said: dict[tuple[str, object], Act] = {}
        for act in intervention.acts:
            for group in act.circuit.groups if act.circuit else ():
                budget.spend(budget.HEADS, 1 + (len(group.heads) if isinstance(group.heads, tuple) else 0))
                for key in _said_of(group):
                    if said.get(key) is act:
                        changes.scope.report(
                            "E611",
                            f"the head {key[1]} stands in two groups at `{group.position}`",
                            node.span,
                            f"once more in `{group.name}`",
                            "name one group, or take the head out of one",
                        )
                        return None
                    if key in said:
                        changes.scope.report(
                            "E611",
                            f"two acts say what becomes of `{group.name}` at `{group.position}`",
                            node.span,
                            "",
                            "take it out of one of them",
                            (Label(said[key].span, "the first"), Label(act.span, "the second")),
                        )
                        return None
                    said[key] = act
        if isinstance(node, ast.Keep):
            changes.scope.report(
                "E610",
                "`keep` says nothing about the other heads",
                node.span,
                "",
                "declare `intervention only(c) = keep c, mean elsewhere over ALTERNATE`",
            )
            return None
    return found


def _said_of(group: Group) -> list[tuple[str, object]]:
    if not isinstance(group.heads, tuple):
        return [(group.position, group.heads)]
    return [(group.position, head) for head in group.heads]
