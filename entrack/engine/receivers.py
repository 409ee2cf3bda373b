"""Receivers of a path patch as places of the forward pass, and whether a sender can reach them."""

from __future__ import annotations

from collections.abc import Iterable

from entrack.engine.access import Place
from entrack.engine.arch import SHARED, Part
from entrack.engine.inputs import bound
from entrack.facts import ModelFacts
from entrack.plan.steps import Receivers
from entrack.sites import Component

PARTS = {Component.QUERY: Part.QUERY, Component.KEY: Part.KEY, Component.VALUE: Part.VALUE}


def receiving(receivers: Iterable[Receivers], facts: ModelFacts) -> dict[Place, tuple[int, ...]]:
    """Which heads receive at which place, in forward order; of keys and values, the key/value heads that serve them."""
    places: dict[Place, set[int]] = {}
    for group in receivers:
        part = PARTS[group.component]
        for head in bound(group.heads):
            index = facts.key_value_head(head.head) if part in SHARED else head.head
            places.setdefault(Place(head.layer, part), set()).add(index)
    return {place: tuple(sorted(places[place])) for place in sorted(places)}
