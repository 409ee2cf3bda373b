"""Receivers of a path patch as sites of the forward pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from entrack.engine.inputs import bound
from entrack.engine.loaded_model import LoadedModel
from entrack.engine.writes import Write
from entrack.model_config import ModelFacts
from entrack.plan.steps import Receivers
from entrack.sites import PER_HEAD, RECEIVING, SHARED, Part, Site


def receiving(receivers: Iterable[Receivers], facts: ModelFacts) -> dict[Site, tuple[int, ...]]:
    """Which heads receive at which site, in forward order; of keys and values, the key/value heads that serve them;
    none where an MLP receives."""
    sites: dict[Site, set[int]] = {}
    for group in receivers:
        for one in bound(group.sites):
            heads = sites.setdefault(Site(one.layer, group.part), set())
            if group.part in PER_HEAD:
                heads.add(facts.key_value_head(one.head) if group.part in SHARED else one.head)
    return {site: tuple(sorted(sites[site])) for site in sorted(sites)}


def receive(model: LoadedModel, site: Site, heads: tuple[int, ...], here: Tensor, values: Tensor) -> Write:
    """What is set in the second pass: these heads of a site, or its MLP, `here`, bool (prompt, token), to `values`,
    (prompt, head, d_head) or (prompt, d_model)."""
    if site.part not in PER_HEAD:
        return Write(site, here[..., None], values[:, None])
    named = torch.zeros(model.heads(site.part), dtype=torch.bool, device=model.device)
    named[list(heads)] = True
    return Write(site, here[:, :, None, None] & named[:, None], values[:, None])


def seen_at(site: Site) -> Site:
    """Where a first pass at one token sees what a receiver would read: where its projections start."""
    return Site(site.layer, Part.NORMED) if site.part in RECEIVING else site


def seen_by(model: LoadedModel, site: Site, seen: Mapping[Site, Tensor]) -> Tensor:
    """What a receiver reads, of what was `seen`, (row, 1, d_model) each. -> (row, head, d_head) or (row, d_model)"""
    value = seen[seen_at(site)]
    return (model.project(site, value) if site.part in RECEIVING else value)[:, 0]
