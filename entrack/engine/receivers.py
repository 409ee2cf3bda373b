"""Receivers of a path patch as places of the forward pass."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from entrack.engine.inputs import bound
from entrack.engine.loaded_model import LoadedModel
from entrack.families.places import SHARED, Part, Place
from entrack.model_config import ModelFacts
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


def among(model: LoadedModel, place: Place, heads: tuple[int, ...]) -> Tensor:
    """Which of a place's heads these are. -> bool (1, 1, head, 1)"""
    named = torch.zeros(model.heads(place.part), dtype=torch.bool, device=model.device)
    named[list(heads)] = True
    return named[None, None, :, None]
