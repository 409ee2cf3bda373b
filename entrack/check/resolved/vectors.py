"""Vectors: directions in the residual stream, as sums of means and of numbers from files."""

from __future__ import annotations

from attrs import field

from entrack.check.resolved.interventions import HeadsOf
from entrack.check.resolved.prompts import Population
from entrack.frozen import frozen
from entrack.numbers import Numbers
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
class FromFile:
    """`factor` times numbers that a file has, as wide as the residual stream of a model."""

    factor: float
    numbers: Numbers
    model: str


VectorTerm = MeanOf | FromFile


@frozen
class Vector:
    """A sum of terms."""

    name: str
    model: str
    terms: tuple[VectorTerm, ...]
    span: Span = field(eq=False, repr=False)
