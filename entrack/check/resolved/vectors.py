"""Vectors: directions in the residual stream, as sums of means."""

from __future__ import annotations

from attrs import field

from entrack.check.resolved.interventions import HeadsOf
from entrack.check.resolved.prompts import Population
from entrack.frozen import frozen
from entrack.source import Span


@frozen
class MeanOf:
    """`factor` times what the sites of a target write to the residual stream of a model: the sum over these, the mean
    over a population."""

    factor: float
    target: HeadsOf
    over: Population
    model: str


@frozen
class Vector:
    """A sum of means."""

    name: str
    model: str
    means: tuple[MeanOf, ...]
    span: Span = field(eq=False, repr=False)
