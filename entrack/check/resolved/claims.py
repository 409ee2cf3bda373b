"""Claims, and the numbers that they compare."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import field, frozen

from entrack.check.resolved.circuits import Circuit
from entrack.source import Span


@frozen
class CellOf:
    """A cell of a measure, in a claim."""

    measure: str
    labels: tuple[str, ...]


@frozen
class Constant:
    value: float


@frozen
class Size:
    """How many heads a circuit has."""

    circuit: Circuit


@frozen
class Arithmetic:
    """`first` then (sign, operand) pairs, from left to right; signs are + - * /."""

    first: Quantity
    rest: tuple[tuple[str, Quantity], ...]


@frozen
class Summary:
    """The smallest, largest or mean value of a measure's cells, of those that carry all `labels`: each the name of an
    axis, or "" for any, and a label."""

    kind: str
    measure: str
    labels: tuple[tuple[str, str], ...] = ()


def carries(cell: Sequence[str], axes: Sequence[str], wanted: Iterable[tuple[str, str]]) -> bool:
    """Whether a cell, by its labels, has all that are wanted: on the axis that is named, or on any."""
    return all((not name and label in cell) or (name, label) in zip(axes, cell, strict=True) for name, label in wanted)


Quantity = CellOf | Constant | Size | Summary | Arithmetic


@frozen
class Claim:
    text: str
    expression: str
    left: Quantity
    relation: str
    right: Quantity
    tolerance: Quantity | None
    published: float | None
    span: Span = field(eq=False, repr=False)
