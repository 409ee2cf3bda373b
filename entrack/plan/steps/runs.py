"""Forward passes as steps write them down: all layers of all tokens, nothing taken away.

Sites that are not known before a run count for any layer that they could be in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from entrack.models.key import ModelKey
from entrack.plan.batch import Batch, Indices, Position, Spans
from entrack.plan.refs import Chosen, Sites
from entrack.plan.schedule import Every, ForwardPass, Only, Place, Role, Tokens
from entrack.plan.steps.select import Select
from entrack.sites import Part


class OnABatch(Protocol):
    """A step on one batch."""

    @property
    def model(self) -> ModelKey: ...

    @property
    def batch(self) -> Batch: ...


def run(step: OnABatch, role: Role, **more: Any) -> ForwardPass:
    """A pass over the batch of a step."""
    base = f"clean {step.model.digest} {step.batch.digest}" if role is Role.CLEAN else None
    return run_on(step.model, step.batch, role, **{"base": base, **more})


def run_on(model: ModelKey, batch: Batch, role: Role, **more: Any) -> ForwardPass:
    """A pass over any batch."""
    layers = model.facts.layers
    return ForwardPass(
        role, batch, model.facts, model.dtype, **{"end": layers, "attention": tuple(range(layers)), **more}
    )


def layers_of(model: ModelKey, sites: Sites | None) -> tuple[int, ...]:
    """The layers of sites, all of them for all sites and while they are not known."""
    if sites is None or isinstance(sites, Chosen):
        return tuple(range(model.facts.layers))
    return tuple(sorted({site.layer for site in sites}))


def at(layers: Iterable[int], token: Indices, part: Part = Part.OUTPUT) -> tuple[Place, ...]:
    """One token of each prompt, at a part of each of these layers."""
    tokens = only(token)
    return tuple(Place(layer, tokens, part) for layer in layers)


def only(token: Indices) -> Only:
    return Only(tuple((one,) for one in token))


def tokens_at(position: Position) -> Tokens:
    """The tokens of a position."""
    match position:
        case None:
            return Every()
        case Spans(at):
            return Only(at)
        case _:
            return only(position)


def many_sites(sites: Sites | None, every: int, nodes: Mapping[str, object]) -> int:
    """How many sites; of those that a selection among the nodes keeps, at most as many."""
    if sites is None:
        return every
    if isinstance(sites, Chosen):
        select = nodes.get(sites.id)
        return select.keep if isinstance(select, Select) else every
    return len(sites)
