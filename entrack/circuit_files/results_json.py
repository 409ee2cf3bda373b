"""A discovery of results.json as a circuit."""

from __future__ import annotations

from typing import Any

from entrack.circuit_files.circuit import (
    Circuit,
    CircuitRefused,
    Group,
    Shape,
    circuit_of,
    listed,
    mapping,
    parsed,
    site_of,
    whole,
)
from entrack.sites import Site


def read(text: str, name: str) -> Circuit:
    """The discovery of that name, or `discovery.group`. Raises CircuitRefused."""
    document = parsed(text)
    if document.get("entrack_results") != 1:
        raise CircuitRefused("this is no results.json of entrack (it has no `entrack_results`: 1)")
    found = [mapping(each, "a discovery") for each in listed(document.get("discoveries"), "`discoveries`")]
    owner, dot, part = name.partition(".")
    known = [str(each.get("name")) for each in found]
    if owner not in known:
        raise CircuitRefused(f"there is no discovery {owner[:80]!r}; there is {', '.join(known[:20]) or 'none'}")
    each = found[known.index(owner)]
    groups = tuple(_group(mapping(group, "a group")) for group in listed(each.get("groups"), "`groups`"))
    chosen = tuple(group for group in groups if not dot or group.name == part)
    if not chosen:
        raise CircuitRefused(f"{owner} has no group {part[:80]!r}; it has {', '.join(group.name for group in groups)}")
    model = str(each.get("model"))
    return circuit_of(owner, model, chosen, shape=_shape(document, model))


def _group(group: dict[str, Any]) -> Group:
    sites = tuple(map(site_of, listed(group.get("sites"), "`sites`")))
    rows = [listed(row, "a row of `scores`") for row in listed(group.get("scores"), "`scores`")]
    heads = {Site.of_head(layer, head): value for layer, row in enumerate(rows) for head, value in enumerate(row)}
    others = {site_of(name): value for name, value in mapping(group.get("other_scores"), "`other_scores`").items()}
    scores = {site: float(value) for site, value in {**heads, **others}.items() if isinstance(value, int | float)}
    return Group(str(group.get("name")), str(group.get("position")), sites, scores)


def _shape(document: dict[str, Any], model: str) -> Shape | None:
    """Of the model; None where the results are of a version that did not say it."""
    models = mapping(mapping(document.get("provenance"), "`provenance`").get("models"), "`models`")
    facts = mapping(models.get(model, {}), f"the model {model}")
    if "d_model" not in facts:
        return None
    layers, heads, width = (whole(facts.get(name), f"`{name}`") for name in ("layers", "heads", "d_model"))
    return Shape(layers, heads, width, parallel=facts.get("parallel") is True)
