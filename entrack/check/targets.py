"""Rules for what acts are about: circuits and groups by name, sites, and at which tokens. What is written comes in,
groups of sites come out."""

from __future__ import annotations

from attrs import evolve

from entrack.check.act_heads import heads_of
from entrack.check.changes import Changes
from entrack.check.resolved import Circuit, Elsewhere, Group, HeadsOf, Where, may_have_heads
from entrack.check.scope import name_span
from entrack.check.sites import EXAMPLES, KINDS, sites_of
from entrack.diagnostics import Label
from entrack.sites import RECEIVING, Part, Site
from entrack.source import Span
from entrack.syntax import ast
from entrack.syntax.unparse import written
from entrack.tree import parts

COMPONENTS = {component.value: component for component in RECEIVING}
A_PLACE = "`at last`, `at [subject, last]` or `at every token`"


def target_of(changes: Changes, node: ast.Target, word: str) -> HeadsOf | Elsewhere | None:
    """What an act is about. None where it is wrong, and where it hangs on a parameter that has no argument yet."""
    match node:
        case ast.Elsewhere():
            return None if _two_meanings(changes, node, word) else Elsewhere()
        case ast.At(what, where):
            return _placed(changes, what, _places(where), word)
        case ast.Sites():
            changes.scope.report(
                "E660", "sites are named at a token", node.span, "at which?", f"write {A_PLACE} after them"
            )
            return None
    return _heads(changes, node, word)


def is_open(changes: Changes, node: object) -> bool:
    """Whether something hangs on a parameter that has no argument yet."""
    if isinstance(node, ast.Reference) and node.name in changes.given:
        return changes.given[node.name] == ast.Reference("?")
    inside = node if isinstance(node, tuple) else parts(node, ("span", "name_span"))
    return any(is_open(changes, part) for part in inside)


def place_words(position: Where) -> str:
    """At which token, as a message says it."""
    if position is None:
        return "every token"
    return f"token {position}" if isinstance(position, int) else f"`{position}`"


def _placed(
    changes: Changes, what: ast.Expression | ast.Sites, places: tuple[tuple[Where, Span], ...], word: str
) -> HeadsOf | None:
    if isinstance(what, ast.Sites):
        sites = None if is_open(changes, what) else sites_of(changes, what)
        label = written(what)
        groups = tuple(Group(label, place, sites or (), "", what.span, span) for place, span in places)
        return None if sites is None else HeadsOf(Circuit(label, groups))
    target = _heads(changes, what, word)
    if target is None:
        return None
    moved = tuple(
        evolve(group, position=place, at=span) for place, span in places for group in _apart(target.circuit.groups)
    )
    return evolve(target, circuit=Circuit(target.circuit.label, moved))


def _apart(groups: tuple[Group, ...]) -> tuple[Group, ...]:
    """Groups that are put at one position: each written site stays in the first that has it."""
    seen: set[Site] = set()
    found: list[Group] = []
    for group in groups:
        if isinstance(group.heads, tuple):
            own = tuple(site for site in group.heads if site not in seen)
            seen |= set(own)
            group = evolve(group, heads=own)
        found.append(group)
    return tuple(found)


def _places(where: tuple[ast.Name | ast.Integer, ...] | ast.EveryToken) -> tuple[tuple[Where, Span], ...]:
    if isinstance(where, ast.EveryToken):
        return ((None, where.span),)
    return tuple((place.text if isinstance(place, ast.Name) else place.value, place.span) for place in where)


def _two_meanings(changes: Changes, node: ast.Elsewhere, word: str) -> bool:
    """Whether `patch elsewhere` could also be about a group, which it was before the word stood there."""
    declared = changes.scope.names.get("elsewhere")
    if word != "patch" or ("elsewhere" not in changes.given and declared is None):
        return False
    changes.scope.report(
        "E203",
        "`elsewhere` is a word of the language here, and a name of this spec",
        node.span,
        "all other heads, or the ones that are called so",
        "write `(elsewhere)` for the name, or choose another name for all others to be meant",
        () if declared is None else (Label(name_span(declared), "declared here"),),
    )
    return True


def _heads(changes: Changes, node: ast.Expression, word: str) -> HeadsOf | None:
    """The heads that an act is about; only `patch` is about what heads read, too."""
    if _a_site(changes, node):
        return None
    component, named = _component(node) if word == "patch" else (Part.OUTPUT, node)
    circuit = heads_of(changes, named)
    if circuit is None:
        return None
    without = next((group for group in circuit.groups if not may_have_heads(group.heads)), None)
    if component is not Part.OUTPUT and without is not None:
        changes.scope.report(
            "E607",
            f"`{without.name}` has no heads",
            node.span,
            f"only heads have a {component.value}",
            f"leave `.{component.value}` out, or name a group of heads",
        )
        return None
    return HeadsOf(circuit, component)


def _a_site(changes: Changes, node: ast.Expression) -> bool:
    """Whether an expression is a site that is nearly written as one: `mlp.k`, `mlp`, `heads`."""
    if not isinstance(node, ast.Reference) or node.name not in KINDS or node.name in changes.scope.names:
        return False
    if node.name in changes.given or changes.scope.may_be_unread(node.name):
        return False
    layer = next((part.name for part in node.rest if isinstance(part, ast.Dotted)), "")
    word = {"head": "heads", "neuron": "neurons"}.get(node.name, node.name)
    index = {"heads": ", h", "neurons": ", 102"}.get(word, "")
    help = (
        f"write `{word}[{layer}{index}]`"
        if layer
        else f"write `{EXAMPLES[word]} at last`, or `{word}[k{index}]` in a loop"
    )
    changes.scope.report("E514", f"`{written(node)}` does not say which layer", node.span, "", help)
    return True


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
