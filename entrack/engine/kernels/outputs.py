"""Edits of what stands at sites: changes whose target is sites themselves, or all sites elsewhere, as writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import assert_never

import numpy as np
import torch
from torch import Tensor

from entrack.engine.context import Context
from entrack.engine.errors import EngineError
from entrack.engine.inputs import Inputs, bound, captured, mean
from entrack.engine.noise import noise
from entrack.engine.settings import exact
from entrack.engine.vectors import vector
from entrack.engine.writes import How, Write
from entrack.plan.steps import (
    Add,
    At,
    Batch,
    Change,
    Elsewhere,
    FromCapture,
    FromMean,
    FromNoise,
    FromVector,
    FromZero,
    Position,
    ProjectOut,
    Scale,
    Set,
    Source,
    Spans,
    Target,
)
from entrack.plan.steps.capture import width
from entrack.plan.steps.edits import part_of
from entrack.sites import PER_HEAD, SHARED, Part, Site

Values = Callable[[Site], Tensor]
"""What a source has for a part of a layer. -> (prompt, token, head or key/value head, d_head), (prompt, token, d_model)
or (prompt, token, d_mlp), or what broadcasts to it"""


def output_writes(context: Context, batch: Batch, edits: Iterable[Change], inputs: Inputs) -> Iterator[Write]:
    """In the order of the edits, so that a later one meets what an earlier one left."""
    for edit in edits:
        masks = target_masks(context, batch, edit.target)
        if masks:
            how, values = _change(context, batch, edit, inputs)
            yield from (Write(site, mask, values(site), how) for site, mask in masks.items())


def _change(context: Context, batch: Batch, edit: Change, inputs: Inputs) -> tuple[How, Values]:
    """What becomes of what stands at a target. Raises EngineError where that cannot be."""
    match edit:
        case Set(target, source):
            return How.SET, values_of(context, batch, target, source, inputs)
        case Add(target, source, factor):
            added = values_of(context, batch, target, source, inputs)
            return How.ADD, lambda site: factor * added(site)
        case ProjectOut(target, source):
            along = values_of(context, batch, target, source, inputs)
            _as_wide_as_the_stream(context, target, "a direction is projected out of")
            return How.PROJECT_OUT, lambda site: _direction(along(site))
        case Scale(_, factor):
            return How.SCALE, lambda site: torch.full(_ones(site.part), factor, device=context.model.device)
        case _:
            assert_never(edit)


def parts_of(target: Target) -> tuple[Part, ...]:
    """The parts that a target's sites are of."""
    return target.parts if isinstance(target, Elsewhere) else (part_of(target),)


def target_masks(context: Context, batch: Batch, target: Target) -> Mapping[Site, Tensor]:
    """True where a target changes something, by the part of a layer. -> bool, as of `site_masks`"""
    match target:
        case At(reads=Part()):
            raise EngineError("what heads read is set, and changed in no other way")
        case At(sites, at):
            return site_masks(context, batch, bound(sites), at)
        case Elsewhere():
            return {site: ~mask for site, mask in _kept(context, batch, target).items()}
        case _:
            assert_never(target)


def site_masks(context: Context, batch: Batch, sites: Iterable[Site], at: Position) -> dict[Site, Tensor]:
    """True for these sites at the tokens `at` of each prompt, by the part of a layer that they are of. -> bool (prompt,
    token, head or key/value head, 1), (prompt, token, d_mlp) for some neurons, or (prompt, token, 1) for a part without
    heads"""
    masks: dict[Site, Tensor] = {}
    rows = _rows(batch, at)
    for site in sites:
        empty = torch.zeros(batch.prompts, batch.length, *_among(context, site), dtype=torch.bool)
        masks.setdefault(Site(site.layer, site.part), empty)[(*rows, *_index(context, site))] = True
    return {site: mask.to(context.model.device) for site, mask in masks.items()}


def _rows(batch: Batch, at: Position) -> tuple[Tensor | slice, ...]:
    """The index of tokens in what begins with the axes (prompt, token)."""
    match at:
        case None:
            return slice(None), slice(None)
        case Spans(tokens):
            return torch.arange(batch.prompts)[:, None], torch.tensor(tokens)
        case _:
            return torch.arange(batch.prompts), torch.tensor(at)


def _among(context: Context, site: Site) -> tuple[int, ...]:
    """The last axes of a mask of sites such as this one."""
    if site.part in PER_HEAD:
        return context.model.heads(site.part), 1
    return (context.model.facts.d_mlp,) if site.index is not None else (1,)


def _index(context: Context, site: Site) -> tuple[int, ...]:
    """Which of a part's heads, key/value heads or neurons a site is."""
    if site.index is None:
        return ()
    return (context.model.facts.key_value_head(site.index) if site.part in SHARED else site.index,)


def _kept(context: Context, batch: Batch, target: Elsewhere) -> dict[Site, Tensor]:
    sites = [Site(layer, part) for part in target.parts for layer in context.layers]
    device = context.model.device
    kept = {site: torch.zeros(_ones(site.part), dtype=torch.bool, device=device) for site in sites}
    for one in target.kept:
        for site, mask in site_masks(context, batch, bound(one.sites), one.at).items():
            if site.part in target.parts:
                kept[site] = kept[site] | mask
    return kept


def _ones(part: Part) -> tuple[int, ...]:
    """The shape of what broadcasts to all of a part."""
    return (1, 1, 1, 1) if part in PER_HEAD else (1, 1, 1)


def _direction(values: Tensor) -> Tensor:
    """Values with length 1 along their last axis; zero where they are zero."""
    wide = exact(values).double()
    length = wide.norm(dim=-1, keepdim=True)
    return torch.where(length > 0, wide / length, 0.0).float().to(values.device)


# --- sources -----------------------------------------------------------------------------------------------------


def values_of(context: Context, batch: Batch, target: Target, source: Source, inputs: Inputs) -> Values:
    """What a source gives a target. Raises EngineError for a source that a target cannot have."""
    match source:
        case FromCapture():
            return _captured(context, batch, target, source, inputs)
        case FromMean():
            _one_part(target)
            means = context.activations.get(
                (context.model.key, source), lambda: (context.tensor(mean(inputs, source)),)
            )[0]
            return lambda site: _as_long(means[site.layer, None], batch, target)
        case FromZero():
            return lambda site: torch.zeros(_ones(site.part), device=context.model.device)
        case FromVector():
            return _along(context, target, source, inputs)
        case FromNoise():
            return _noise(context, batch, target, source)
        case _:
            assert_never(source)


def _as_long(means: Tensor, batch: Batch, target: Target) -> Tensor:
    """Means of the tokens of a batch. Of prompts that go on after those of the mean there is none at their last tokens,
    where nothing may be set. Raises EngineError."""
    if means.shape[1] >= batch.length:
        return means
    if _last_token(batch, target) >= means.shape[1]:
        raise EngineError("a mean has no value at a token that the prompts of the mean do not have")
    return torch.cat([means, means.new_zeros(1, batch.length - means.shape[1], *means.shape[2:])], 1)


def _last_token(batch: Batch, target: Target) -> int:
    if isinstance(target, Elsewhere) or target.at is None:
        return batch.length - 1
    tokens = target.at.at if isinstance(target.at, Spans) else (target.at,)
    return max(token for some in tokens for token in some)


def _as_wide_as_the_stream(context: Context, target: Target, what: str) -> None:
    if any(width(context.model.facts, part) != (context.model.facts.d_model,) for part in parts_of(target)):
        raise EngineError(f"{what} a part as wide as the residual stream, and no other")


def _one_part(target: Target) -> Part:
    """The part of a target whose values are of one."""
    parts = parts_of(target)
    if len(parts) != 1:
        raise EngineError("the values of one source are of one part, and several are to be set elsewhere")
    return parts[0]


def _captured(context: Context, batch: Batch, target: Target, source: FromCapture, inputs: Inputs) -> Values:
    part = _one_part(target)
    values = context.tensor(captured(inputs, source.capture, part))
    at = None if isinstance(target, Elsewhere) or target.reads in SHARED else target.at
    values = values if at is None or isinstance(at, Spans) else values[:, :, None]
    if isinstance(target, Elsewhere) or values.dim() == 5:
        return lambda site: _at_tokens(values[site.layer], batch, at)
    placed = by_part(context, values, bound(target.sites), part)
    return lambda site: _at_tokens(placed[site], batch, at)


def _along(context: Context, target: Target, source: FromVector, inputs: Inputs) -> Values:
    _as_wide_as_the_stream(context, target, "a vector of the residual stream fits")
    one = vector(context, source, inputs)[None, None]
    return lambda site: one


def _noise(context: Context, batch: Batch, target: Target, source: FromNoise) -> Values:
    if isinstance(target, Elsewhere):
        raise EngineError("noise is of named sites, and not of all elsewhere")
    sites, many = bound(target.sites), _many_tokens(batch, target.at)

    def drawn(site: Site) -> np.ndarray:
        wide = 1 if site.part is Part.NEURON and site.index is not None else width(context.model.facts, site.part)[-1]
        rows = [noise(source.seed, number, site, many * wide) for number in source.numbers]
        return (source.sd * np.stack(rows)).astype(np.float32).reshape(-1, many, wide)

    placed = by_part(context, context.tensor(np.stack([drawn(site) for site in sites])), sites, part_of(target))
    return lambda site: _at_tokens(placed[site], batch, target.at)


def _many_tokens(batch: Batch, at: Position) -> int:
    match at:
        case None:
            return batch.length
        case Spans():
            return at.many
        case _:
            return 1


def _at_tokens(values: Tensor, batch: Batch, at: Position) -> Tensor:
    """Values (prompt, token, ...) of a span, where their tokens are; of one token or of every token as they are."""
    if not isinstance(at, Spans):
        return values
    placed = values.new_zeros(len(values), batch.length, *values.shape[2:])
    placed[_rows(batch, at)] = values
    return placed


def by_part(context: Context, values: Tensor, sites: Iterable[Site], part: Part) -> Mapping[Site, Tensor]:
    """Values of some sites (site, prompt, token, d_head, d_model, d_mlp or 1) by the part of a layer, of a part with
    heads or neurons as values of all of these, zero where there is none. -> (prompt, token, head or key/value head,
    d_head), (prompt, token, d_model) or (prompt, token, d_mlp)"""
    found: dict[Site, Tensor] = {}
    for value, site in zip(values, sites, strict=True):
        one = Site(site.layer, part, site.index)
        if site.index is None:
            found[Site(site.layer, part)] = value
        elif part in PER_HEAD:
            every = value.new_zeros(*value.shape[:-1], context.model.heads(part), value.shape[-1])
            found.setdefault(Site(site.layer, part), every)[..., _index(context, one)[0], :] = value
        else:
            every = value.new_zeros(*value.shape[:-1], context.model.facts.d_mlp)
            found.setdefault(Site(site.layer, part), every)[..., site.index] = value[..., 0]
    return found
