"""Rules for sites: what is written as `mlp.14` or `heads[k, h]` comes in, sites of the model come out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from entrack import budget
from entrack.check.changes import Changes
from entrack.check.layers import window_of
from entrack.check.scope import Scope, name_span
from entrack.diagnostics import Label
from entrack.diagnostics.suggest import did_you_mean
from entrack.model_config import ModelFacts
from entrack.sites import PER_HEAD, Part, Site
from entrack.source import Span
from entrack.syntax import ast
from entrack.syntax.unparse import written

KINDS: Mapping[str, Part] = {
    "head": Part.OUTPUT,
    "heads": Part.OUTPUT,
    "mlp": Part.MLP,
    "attention": Part.ATTENTION,
    "residual": Part.RESIDUAL,
    "embedding": Part.RESIDUAL,
    "neuron": Part.NEURON,
    "neurons": Part.NEURON,
}
"""What each word is of a layer."""
INSIDE: Mapping[Part, Mapping[str, Part]] = {
    Part.OUTPUT: {part.value: part for part in (Part.QUERY, Part.KEY, Part.VALUE)},
    Part.RESIDUAL: {part.value: part for part in (Part.MID, Part.POST)},
}
"""What may stand after it: `.query`, `.mid`."""
MISSING: Mapping[Part, tuple[str, str]] = {
    Part.MID: (
        "attention and MLP read the same residual stream: nothing stands between them",
        "name `residual` or `.post`",
    ),
    Part.NEURON: ("its MLPs have no one row of neurons", "name `mlp`"),
}
"""Why a family may have no such part, and what to name."""
INDEXED = (Part.OUTPUT, Part.NEURON)
"""Parts of which a site may be one among many in its layer."""
EXAMPLES: Mapping[str, str] = {
    "head": "14.13",
    "heads": "14.13",
    "mlp": "mlp.14",
    "attention": "attention.14",
    "residual": "residual.14",
    "embedding": "embedding",
    "neuron": "neuron.14.102",
    "neurons": "neuron.14.102",
}


def literal_site(scope: Scope, node: ast.SiteLiteral) -> Site | None:
    """The site that is written with numbers. Whether the model has it: `exists`."""
    part = KINDS[node.kind]
    if node.kind == "embedding":
        return Site(0, part)
    if len(node.numbers) != (2 if part in INDEXED else 1):
        label = "its layer and its number are wanted" if part in INDEXED else "its layer is wanted"
        help = f"write, for example, `{EXAMPLES[node.kind]}`"
        scope.report("E514", f"`{written(node)}` is no site", node.span, label, help)
        return None
    inside = _inside(scope, node, part)
    return None if inside is None else Site(node.numbers[0], inside, node.numbers[1] if part in INDEXED else None)


def exists(scope: Scope, site: Site, facts: ModelFacts | None, span: Span) -> bool:
    """Whether a model has a site; so, too, while nothing is known of it."""
    if facts is None:
        return True
    if site.layer >= facts.layers:
        counted = (facts.layers, "layers")
    elif site.index is not None and site.index >= _in_a_layer(site, facts):
        counted = (_in_a_layer(site, facts), "neurons in a layer" if site.part is Part.NEURON else "heads in a layer")
    elif not facts.has(site.part):
        why, help = MISSING.get(site.part, ("", "name another part of the layer"))
        scope.report("E515", f"layers of {facts.family} have no `{site}`", span, why, help)
        return False
    else:
        return True
    what = f"head {site}" if site.part in PER_HEAD else f"`{site}`"
    limits = f"layers 0 to {facts.layers - 1}, heads 0 to {facts.heads - 1}"
    if site.part not in PER_HEAD:
        limits = f"layers 0 to {facts.layers - 1}" + (f", neurons 0 to {facts.d_mlp - 1}" * (site.index is not None))
    scope.report(
        "E511", f"there is no {what}", span, f"the model has {counted[0]} {counted[1]}, counted from 0", limits
    )
    return False


def sites_of(changes: Changes, node: ast.Sites) -> tuple[Site, ...] | None:
    """The sites that an act names, each once, in the order of a forward pass."""
    found: dict[Site, None] = {}
    literals: set[Site] = set()
    for one in node.sites:
        several = _written(changes, one) if isinstance(one, ast.SiteLiteral) else _computed(changes, one)
        if several is None:
            return None
        if isinstance(one, ast.SiteLiteral) and literals & set(several):
            changes.scope.report("E512", f"`{written(one)}` stands twice here", one.span, "again here", "delete it")
            return None
        literals |= set(several) if isinstance(one, ast.SiteLiteral) else set()
        found |= dict.fromkeys(several)
    return in_one_order(found)


def in_one_order(sites: Iterable[Site]) -> tuple[Site, ...]:
    """Sites in the order in which a forward pass comes by them."""
    return tuple(sorted(sites, key=lambda site: (site.layer, site.part, -1 if site.index is None else site.index)))


def _written(changes: Changes, node: ast.SiteLiteral) -> tuple[Site, ...] | None:
    if node.kind == "embedding" and _two_meanings(changes, node):
        return None
    site = literal_site(changes.scope, node)
    good = site is not None and all(exists(changes.scope, site, facts, node.span) for facts in changes.shapes)
    return (site,) if site is not None and good else None


def _computed(changes: Changes, node: ast.Computed) -> tuple[Site, ...] | None:
    scope, part = changes.scope, KINDS[node.kind]
    if _two_meanings(changes, node):
        return None
    inside = _inside(scope, node, part)
    index = None if node.index is None else scope.whole(node.index, f"the number of a {_one(node.kind)}", 0, 1 << 20)
    if node.index is not None and part not in INDEXED:
        help = f"write `{written(ast.Computed(node.kind, node.layers, None, node.part))}`"
        scope.report("E514", f"a layer has one `{node.kind}`", node.index.span, "no number stands here", help)
        return None
    if len({facts.layers for facts in changes.shapes}) > 1 and (node.layers.open_end or node.layers.last is not None):
        scope.report(
            "E613",
            "it is not known here how many layers there are",
            node.layers.span,
            "the models differ",
            "measure one model at a time",
        )
        return None
    layers = changes.shapes[0].layers if changes.shapes else None
    window = window_of(scope, node.layers, layers)
    if inside is None or window is None or (node.index is not None and index is None):
        return None
    if layers is not None and window[1] >= layers and node.layers.last is not None:
        scope.report(
            "E612",
            f"there is no layer {window[1]}",
            node.layers.span,
            f"the model has {layers} layers, counted from 0",
            f"write `{window[0]}..` for all from there on; a window such as `k - 2..k + 2` is cut off at the ends",
        )
        return None
    last = window[0] if layers is None else window[1]
    budget.spend(budget.HEADS, (last + 1 - window[0]) * len(_of_layer(changes, Site(window[0], inside, index))))
    found = tuple(
        site for layer in range(window[0], last + 1) for site in _of_layer(changes, Site(layer, inside, index))
    )
    return found if all(exists(scope, site, facts, node.span) for facts in changes.shapes for site in found) else None


def _of_layer(changes: Changes, site: Site) -> tuple[Site, ...]:
    """A site itself; of all heads of a layer, each."""
    if site.part not in PER_HEAD or site.index is not None or not changes.shapes:
        return (site,)
    return tuple(Site(site.layer, site.part, head) for head in range(changes.shapes[0].heads))


def _inside(scope: Scope, node: ast.SiteLiteral | ast.Computed, part: Part) -> Part | None:
    """The part that is meant: `.query` of a head, `.mid` of a residual stream."""
    known = INSIDE.get(part, {})
    if not node.part:
        return part
    if node.part in known:
        return known[node.part]
    what = f"`.{node.part}`"
    help = did_you_mean(node.part, known) if known else f"leave out {what}"
    scope.report("E514", f"{_article(node.kind)} has no {what}", node.span, "", help)
    return None


def _two_meanings(changes: Changes, node: ast.SiteLiteral | ast.Computed) -> bool:
    """Whether the word could also be the name of something that has heads."""
    declared = changes.scope.names.get(node.kind)
    if not isinstance(declared, ast.Mask | ast.Circuit | ast.Group | ast.Discover) and node.kind not in changes.given:
        return False
    name = node.kind if isinstance(node, ast.SiteLiteral) else f"{node.kind}..."
    changes.scope.report(
        "E203",
        f"`{node.kind}` is a word of the language here, and a name of this spec",
        node.span,
        "sites of the model, or what is called so",
        f"write `({name})` for the name, or choose another name for the model's sites to be meant",
        () if declared is None else (Label(name_span(declared), "declared here"),),
    )
    return True


def _in_a_layer(site: Site, facts: ModelFacts) -> int:
    return facts.d_mlp if site.part is Part.NEURON else facts.heads


def _one(kind: str) -> str:
    return kind.removesuffix("s")


def _article(kind: str) -> str:
    """With `a` or `an` before it, as a message says it."""
    names = {"mlp": "an MLP", "attention": "an attention", "residual": "a residual stream", "embedding": "an embedding"}
    return names.get(kind, f"a {_one(kind)}")
