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
from entrack.check.layers import window_of
from entrack.check.populations import MOST_CROSSED
from entrack.check.resolved import (
    Act,
    AddAct,
    BlockAct,
    ChangeAct,
    Elsewhere,
    Group,
    HeadsOf,
    Intervention,
    KeepAct,
    NoiseAct,
    ProjectAct,
    ScaleAct,
    SetAct,
    Where,
)
from entrack.check.scope import Scope
from entrack.check.sources import FromClean, FromModel, source_of
from entrack.check.targets import is_open, place_words, target_of
from entrack.check.vectors import is_wide, terms_of
from entrack.diagnostics import Label
from entrack.sites import PER_HEAD, Part, Site
from entrack.syntax import ast
from entrack.syntax.substitute import filled
from entrack.syntax.unparse import written

NOTHING = Intervention("nothing", ())


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
        acts = [_act(evolve(changes, given=arguments), filled(act, arguments)) for act in item.acts]
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
        case ast.Freeze():
            return _freeze(changes, node)
        case ast.Block():
            return _block(changes, node)
        case ast.Add() | ast.Noise() | ast.Project() | ast.Scale():
            return _change(changes, node)
        case _:
            assert_never(node)


def _set(changes: Changes, node: ast.Set) -> SetAct | None:
    target = target_of(changes, node.target, node.word)
    source = source_of(changes, node.source)
    if target is None or source is None:
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


def _freeze(changes: Changes, node: ast.Freeze) -> SetAct | None:
    target = target_of(changes, node.target, "freeze")
    return None if target is None else SetAct(target, FromClean(), node.span)


def _change(changes: Changes, node: ast.Add | ast.Noise | ast.Project | ast.Scale) -> ChangeAct | None:
    """An act that changes what the model computed."""
    target = target_of(changes, node.target, "")
    if isinstance(target, Elsewhere):
        changes.scope.report(
            "E663",
            "`elsewhere` is set, not changed",
            node.target.span,
            "",
            "name sites, such as `residual.14 at every token`",
        )
        return None
    match node:
        case ast.Add(vector):
            found = terms_of(changes, vector)
            if found is None or target is None or not is_wide(changes, target, node.target, "added to it"):
                return None
            return AddAct(target, found[1], found[0], node.span)
        case ast.Project(vector):
            found = terms_of(changes, vector)
            if found is None or target is None or not is_wide(changes, target, node.target, "projected out of it"):
                return None
            return ProjectAct(target, found[1], node.span)
        case ast.Noise(sd):
            spread = _number(changes, sd)
            if spread is not None and spread < 0:
                changes.scope.report(
                    "E304", "a standard deviation is not below 0", sd.span, f"this is {spread:g}", "change the number"
                )
                return None
            return None if spread is None or target is None else NoiseAct(target, spread, node.span)
        case ast.Scale(_, factor):
            number = _number(changes, factor)
            return None if number is None or target is None else ScaleAct(target, number, node.span)
        case _:
            assert_never(node)


def _number(changes: Changes, node: ast.Expression) -> float | None:
    return None if is_open(changes, node) else changes.scope.number(node)


def _block(changes: Changes, node: ast.Block) -> BlockAct | None:
    if is_open(changes, node.layers):
        return None
    depths = {facts.layers for facts in changes.shapes}
    window = window_of(changes.scope, node.layers, depths.pop() if len(depths) == 1 else None)
    if window is None:
        return None
    return BlockAct(_place(node.reader), tuple(map(_place, node.read)), *window, node.span)


def _place(node: ast.Name | ast.Integer) -> str | int:
    return node.text if isinstance(node, ast.Name) else node.value


def _shape(scope: Scope, item: ast.Intervention) -> None:
    kept = [act for act in item.acts if isinstance(act, ast.Keep)]
    elsewhere = [
        act for act in item.acts if isinstance(act, ast.Set | ast.Freeze) and isinstance(act.target, ast.Elsewhere)
    ]
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
    """Refuses acts that set one group to two things."""
    for intervention in found:
        said: dict[tuple[Where, object], Act] = {}
        for act in intervention.acts:
            for group in () if isinstance(act, ChangeAct) else act.groups:
                budget.spend(budget.HEADS, 1 + (len(group.heads) if isinstance(group.heads, tuple) else 0))
                for key in _said_of(group):
                    if said.get(key) is act:
                        changes.scope.report(
                            "E611",
                            f"{_named(key[1])} stands in two groups at {place_words(group.position)}",
                            node.span,
                            f"once more in `{group.name}`",
                            "name one group, or take the head out of one",
                        )
                        return None
                    if key in said:
                        changes.scope.report(
                            "E611",
                            f"two acts say what becomes of `{group.name}` at {place_words(group.position)}",
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


def _said_of(group: Group) -> list[tuple[Where, object]]:
    if not isinstance(group.heads, tuple):
        return [(group.position, group.heads)]
    return [(group.position, head) for head in group.heads]


def _named(site: object) -> str:
    return f"the head {site}" if not isinstance(site, Site) or site.part in PER_HEAD else f"`{site}`"
