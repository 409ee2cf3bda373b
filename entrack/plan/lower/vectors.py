"""Vectors become terms: what sites write to the residual stream, captured on the prompts of each mean."""

from __future__ import annotations

from collections.abc import Iterator

from entrack import budget
from entrack.check.resolved import Group, MeanOf
from entrack.model_config import ModelFacts
from entrack.plan.builder import batch_of, batches
from entrack.plan.lower.context import Lowering
from entrack.plan.lower.measured import A_PLACE, Measured, Places, at_of, span_lengths
from entrack.plan.lower.sources import by_part
from entrack.plan.steps import Capture, Chosen, FromVector, Ref, Sites, Term
from entrack.prompts.tokenise import Prompt, measured_prompts
from entrack.sites import Part


def vector_of(means: tuple[MeanOf, ...], on: Measured, lowering: Lowering) -> FromVector:
    """A sum of means, for what is measured. Raises Unmakeable where prompts cannot be made."""
    return FromVector(tuple(term for mean in means for term in _terms(mean, on, lowering)))


def _terms(mean: MeanOf, on: Measured, lowering: Lowering) -> Iterator[Term]:
    pairs = lowering.prompts(on.like(mean.over), mean.model).pairs
    prompts = measured_prompts(mean.over, pairs)
    for group in mean.target.circuit.groups:
        heads = lowering.heads(group, mean.model, on.draw)
        for part, sites in _pieces(heads, lowering.keys[mean.model].facts):
            captures = _captures(mean, group, part, sites, prompts, lowering)
            yield Term(mean.factor, sites, captures)


def _pieces(heads: Sites, facts: ModelFacts) -> Iterator[tuple[Part, Sites]]:
    if isinstance(heads, Chosen):
        yield Part.OUTPUT, heads
    else:
        yield from by_part(heads, facts)


def _captures(
    mean: MeanOf, group: Group, part: Part, sites: Sites, prompts: tuple[Prompt, ...], lowering: Lowering
) -> tuple[Ref, ...]:
    budget.spend(budget.STEP_PARTS, A_PLACE + len(prompts))
    lengths = span_lengths(group.position, prompts)
    many = batches(prompts, common=() if lengths is None else (lengths,))
    return tuple(_capture(mean, group, part, sites, prompts, places, lowering) for places in many)


def _capture(
    mean: MeanOf,
    group: Group,
    part: Part,
    sites: Sites,
    prompts: tuple[Prompt, ...],
    places: Places,
    lowering: Lowering,
) -> Ref:
    at = at_of(group.position, prompts, places)
    capture = Capture(lowering.keys[mean.model], batch_of(prompts, places), at, sites, part)
    return lowering.nodes.ref(capture, f"vector: {part.value} over {mean.over.label}")
