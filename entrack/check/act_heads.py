"""Rules for the heads of an act: a circuit or group by name, its arguments, random circuits, and what a mask found."""

from __future__ import annotations

from attrs import evolve

from entrack import budget
from entrack.check.changes import Changes
from entrack.check.resolved import (
    Circuit,
    Masked,
    RandomLike,
)
from entrack.check.scope import OTHER_PARTS
from entrack.diagnostics.suggest import Suggestion, did_you_mean
from entrack.sites import RECEIVING
from entrack.syntax import ast
from entrack.syntax.unparse import written


def heads_of(changes: Changes, node: ast.Expression) -> Circuit | None:
    """The groups that an expression names: a circuit, a discovery, a group, or one group of these."""
    scope = changes.scope
    if isinstance(node, ast.Random):
        return _random(changes, node)
    if isinstance(node, ast.Reference) and node.name in changes.masks:
        return _masked(changes, node)
    if isinstance(node, ast.Reference) and isinstance(scope.names.get(node.name), ast.Mask):
        return None  # a mask with errors of its own
    if not isinstance(node, ast.Reference) or node.plain is None:
        scope.report("E607", "heads are named by a circuit, a group or a discovery", node.span, "", named_heads(node))
        return None
    if node.name in changes.given and not node.rest:
        argument = changes.given[node.name]
        return (
            Circuit("?", ())
            if isinstance(argument, ast.Reference) and argument.name == "?"
            else heads_of(evolve(changes, given={}), argument)
        )
    if node.name in changes.given:
        node = inside_argument(changes, node)
        if node.name == "?":
            return Circuit("?", ())
    if scope.find(node.name, node.span, "circuit", "group", "discovery") is None or node.name not in changes.circuits:
        return None
    circuit = changes.circuits[node.name]
    if not node.rest:
        return circuit
    part = node.rest[0].name if isinstance(node.rest[0], ast.Dotted) else ""
    group = circuit.by_name.get(part)
    if group is None or len(node.rest) > 1:
        scope.report(
            "E608",
            f"`{node.name}` has no group `{'.'.join((node.plain or '').split('.')[1:])}`",
            node.span,
            "",
            _no_group(node, circuit, part),
        )
        return None
    return Circuit(node.plain or node.name, (group,))


def _no_group(node: ast.Reference, circuit: Circuit, part: str) -> Suggestion:
    last, read = node.rest[-1], [each.value for each in RECEIVING]
    said = did_you_mean(part, [group.name for group in circuit.groups])
    if part in circuit.by_name and isinstance(last, ast.Dotted):
        return Suggestion.of(said, last.name, read)
    return said.also(*read)


def named_heads(node: ast.Expression) -> str:
    match node:
        case ast.Number(text):
            return f"declare `group NAME in MODEL at POSITION = {text}`, and write the name here"
        case ast.ListOf():
            return "write one act for each, with commas between: `zero cir.a, zero cir.b`"
        case ast.Call(name, (ast.Integer(layer), *_)) | ast.Reference(
            name, (ast.Subscript((ast.Integer(layer), *_)), *_)
        ) if OTHER_PARTS.match(name):
            return f"sites are written `{layer}.0`, `mlp.{layer}`, `attention.{layer}`, `residual.{layer}`, ..."
        case ast.Call(name) | ast.Reference(name, (ast.Subscript(), *_)) if OTHER_PARTS.match(name):
            return (
                "sites of a loop are written `heads[k, h]`, `mlp[k]`, `attention[k]`, `residual[k]`, `neurons[k, 102]`"
            )
    return "write, for example, `cir` or `cir.value_fetcher`"


def inside_argument(changes: Changes, node: ast.Reference) -> ast.Reference:
    argument = changes.given[node.name]
    if not isinstance(argument, ast.Reference):
        return ast.Reference("?")
    return ast.Reference(argument.name, (*argument.rest, *node.rest), span=node.span)


def _random(changes: Changes, node: ast.Random) -> Circuit | None:
    circuit = heads_of(changes, node.circuit)
    if circuit is None:
        return None
    budget.spend(budget.HEADS, len(circuit.groups))
    groups = tuple(
        evolve(group, heads=RandomLike(group.heads, group.name))
        for group in circuit.groups
        if not isinstance(group.heads, RandomLike | Masked)
    )
    if len(groups) != len(circuit.groups):
        changes.scope.report(
            "E607",
            "a random circuit is like a written or a discovered one",
            node.span,
            "",
            "write `random like C` for a circuit `C`",
        )
        return None
    return Circuit(f"random like {circuit.label}", groups)


def _masked(changes: Changes, node: ast.Reference) -> Circuit | None:
    mask = changes.masks[node.name]
    budget.spend(budget.EXPANDED, len(mask.circuit.groups) + len(mask.desiderata))
    groups, desiderata = [group.name for group in mask.circuit.groups], list(mask.desiderata)
    labels = [written(item) for part in node.rest if isinstance(part, ast.Subscript) for item in part.items]
    unknown = next((label for label in labels if label not in (*groups, *desiderata)), None)
    last = node.rest[-1] if node.rest else None
    chosen = [name for name in groups if name in labels], [name for name in desiderata if name in labels]
    if (
        unknown is None
        and isinstance(last, ast.Dotted)
        and last.name == "heads"
        and len(chosen[0]) == 1
        and len(chosen[1]) == 1
    ):
        group = next(group for group in mask.circuit.groups if group.name == chosen[0][0])
        kept = evolve(group, heads=Masked(mask.name, group.name, chosen[1][0]), model=mask.model)
        return Circuit(written(node), (kept,))
    if unknown is not None:
        changes.scope.report(
            "E608",
            f"the mask `{mask.name}` has no group or desideratum `{unknown}`",
            node.span,
            "",
            did_you_mean(unknown, [*groups, *desiderata]),
        )
    else:
        of = f"{next(iter(groups), 'GROUP')}, {next(iter(desiderata), 'DESIDERATUM')}"
        changes.scope.report(
            "E607",
            "this names no heads of a mask",
            node.span,
            "",
            Suggestion.of(
                f"write `{mask.name}[{of}].heads`, or `{mask.name}.heads` for all",
                last.name if isinstance(last, ast.Dotted) else "",
                ("heads",),
            ),
        )
    return None
