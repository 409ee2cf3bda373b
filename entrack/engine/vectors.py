"""Vectors of the residual stream: sums of what sites write to it, on the mean over prompts, and of given numbers."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from entrack.engine.context import Context
from entrack.engine.errors import EngineError
from entrack.engine.inputs import Inputs, bound, captured
from entrack.engine.settings import exact_device
from entrack.plan.steps import FromVector, Given, Term
from entrack.sites import Part


def vector(context: Context, source: FromVector, inputs: Inputs) -> Tensor:
    """A source's vector, summed in float64. Raises EngineError for sites that write nothing, and for numbers of another
    width. -> float32 (d_model)"""

    def make() -> tuple[Tensor]:
        total = _zeros(context)
        for term in source.terms:
            total += term.factor * (
                _given(context, term) if isinstance(term, Given) else _written(context, term, inputs)
            )
        return (total.float().to(context.model.device),)

    return context.activations.get((context.model.key, source), make)[0]


def _given(context: Context, term: Given) -> Tensor:
    """-> float64 (d_model)"""
    width, many = context.model.facts.d_model, len(term.numbers.values)
    if many != width:
        raise EngineError(f"a vector of {many:,} numbers does not fit a residual stream {width:,} wide")
    return torch.tensor(term.numbers.values, dtype=torch.float64, device=exact_device(context.model.device))


def _zeros(context: Context) -> Tensor:
    """-> float64 (d_model)"""
    return torch.zeros(context.model.facts.d_model, dtype=torch.float64, device=exact_device(context.model.device))


def _written(context: Context, term: Term, inputs: Inputs) -> Tensor:
    """What the sites of a term write. -> float64 (d_model)"""
    written, sites = _zeros(context), bound(term.sites)
    if sites:
        means = torch.as_tensor(_mean(term, sites[0].part, inputs), device=written.device)
        for site, value in zip(sites, means, strict=True):
            written += context.model.written(site, value)
    return written


def _mean(term: Term, part: Part, inputs: Inputs) -> np.ndarray:
    """The mean over all prompts of the captures, of each over its tokens. -> float64 (site, width)"""
    several = [captured(inputs, ref, part).astype(np.float64) for ref in term.captures]
    prompts = [values.mean(2) if values.ndim == 4 else values for values in several]
    return np.asarray(np.concatenate(prompts, axis=1).mean(1))
