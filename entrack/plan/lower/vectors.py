"""Vectors become terms: what sites write to the residual stream, captured on the prompts of each mean; and the numbers
of files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from entrack import budget
from entrack.check.resolved import FromFile, Group, MeanOf, VectorTerm
from entrack.model_config import ModelFacts
from entrack.plan.builder import batch_of, batches
from entrack.plan.lower.context import Lowering
from entrack.plan.lower.measured import A_PLACE, Measured, Places, at_of, span_lengths
from entrack.plan.lower.sources import by_part
from entrack.plan.steps import Capture, Chosen, FromVector, Given, Ref, Sites, Term
from entrack.prompts.tokenise import Prompt, measured_prompts
from entrack.sites import Part


def vector_of(terms: tuple[VectorTerm, ...], on: Measured, lowering: Lowering) -> FromVector:
    """A vector, for what is measured. Raises Unmakeable where prompts cannot be made."""
    return FromVector(tuple(made for term in terms for made in _made(term, on, lowering)))


def _made(term: VectorTerm, on: Measured, lowering: Lowering) -> Iterator[Term | Given]:
    match term:
        case MeanOf():
            yield from _terms(term, on, lowering)
        case FromFile(factor, numbers):
            budget.spend(budget.STEP_PARTS, A_PLACE)
            yield Given(factor, numbers)
        case _:
            assert_never(term)


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
