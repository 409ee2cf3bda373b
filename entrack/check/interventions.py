"""Rules for interventions: acts on heads, written where they are used or declared with parameters, expanded into
their sweeps."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import assert_never

from attrs import evolve

from entrack import budget
from entrack.check.act_heads import heads_of
from entrack.check.changes import AN_ACT, Changes
from entrack.check.populations import MOST_CROSSED
from entrack.check.resolved import Act, BlockAct, Elsewhere, Group, HeadsOf, Intervention, KeepAct, SetAct
from entrack.check.scope import Scope, name_span
from entrack.check.sources import FromModel, source_of
from entrack.diagnostics import Label
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


def interventions(changes: Changes, node: ast.Expression | ast.Act) -> list[Intervention] | None:
    """All interventions that an item after `with` stands for."""
    if isinstance(node, ast.Act):
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


def _act(changes: Changes, node: ast.Act) -> Act | None:
    budget.spend(budget.EXPANDED, AN_ACT)
    match node:
        case ast.Keep(heads):
            circuit = heads_of(changes, heads)
            return None if circuit is None else KeepAct(circuit, node.span)
        case ast.Set():
            return _set(changes, node)
        case ast.Block():
            return _block(changes, node)
        case _:
            assert_never(node)


def _set(changes: Changes, node: ast.Set) -> SetAct | None:
    target = Elsewhere() if isinstance(node.target, ast.Elsewhere) else _heads(changes, node.target, node.word)
    source = source_of(changes, node.source)
    if target is None or source is None or _two_meanings(changes, node):
        return None
    if isinstance(target, HeadsOf) and target.component is not Part.OUTPUT and not isinstance(source, FromModel):
        changes.scope.report(
            "E609",
            f"a {target.component.value} is patched from another model",
            node.source.span,
            "",
            "name a model, or patch the heads themselves: leave out the component",
        )
        return None
    return SetAct(target, source, node.span)


def _two_meanings(changes: Changes, node: ast.Set) -> bool:
    """Whether `patch elsewhere` could also be about a group, which it was before the word stood there."""
    declared = changes.scope.names.get("elsewhere")
    if node.word != "patch" or not isinstance(node.target, ast.Elsewhere):
        return False
    if "elsewhere" not in changes.given and declared is None:
        return False
    changes.scope.report(
        "E203",
        "`elsewhere` is a word of the language here, and a name of this spec",
        node.target.span,
        "all other heads, or the ones that are called so",
        "write `(elsewhere)` for the name, or choose another name for all others to be meant",
        () if declared is None else (Label(name_span(declared), "declared here"),),
    )
    return True


def _heads(changes: Changes, node: ast.Expression, word: str) -> HeadsOf | None:
    """The heads that an act is about; only `patch` is about what heads read, too."""
    component, named = _component(node) if word == "patch" else (Part.OUTPUT, node)
    circuit = heads_of(changes, named)
    return None if circuit is None else HeadsOf(circuit, component)


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
    elsewhere = [act for act in item.acts if isinstance(act, ast.Set) and isinstance(act.target, ast.Elsewhere)]
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


def _checked(changes: Changes, found: list[Intervention], node: ast.Expression | ast.Act) -> list[Intervention] | None:
    """Refuses acts that say two things of one group."""
    for intervention in found:
        said: dict[tuple[str, object], Act] = {}
        for act in intervention.acts:
            for group in act.groups:
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
