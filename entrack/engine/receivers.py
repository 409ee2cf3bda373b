"""Receivers of a path patch as sites of the forward pass."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from entrack.engine.inputs import bound
from entrack.engine.loaded_model import LoadedModel
from entrack.model_config import ModelFacts
from entrack.plan.steps import Receivers
from entrack.sites import SHARED, Site


def receiving(receivers: Iterable[Receivers], facts: ModelFacts) -> dict[Site, tuple[int, ...]]:
    """Which heads receive at which site, in forward order; of keys and values, the key/value heads that serve them."""
    sites: dict[Site, set[int]] = {}
    for group in receivers:
        for head in bound(group.sites):
            index = facts.key_value_head(head.head) if group.part in SHARED else head.head
            sites.setdefault(Site(head.layer, group.part), set()).add(index)
    return {site: tuple(sorted(sites[site])) for site in sorted(sites)}


def among(model: LoadedModel, site: Site, heads: tuple[int, ...]) -> Tensor:
    """Which of a site's heads these are. -> bool (1, 1, head, 1)"""
    named = torch.zeros(model.heads(site.part), dtype=torch.bool, device=model.device)
    named[list(heads)] = True
    return named[None, None, :, None]
