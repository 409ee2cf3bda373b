"""Claims, and the numbers that they compare."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import field

from entrack.check.resolved.circuits import Circuit, Metric
from entrack.check.resolved.measures import CellSpec
from entrack.frozen import frozen
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
class Linear:
    """A sum: `constant`, and factor times cell, each cell once. On every prompt it lies from `least` to `most`."""

    terms: tuple[tuple[float, CellOf], ...]
    constant: float
    least: float
    most: float


@frozen
class Part:
    """What is certified: that the mean of `number`, over that of `over`, lies above a bound, or `below` it."""

    number: Linear
    over: Linear
    bound: float
    below: bool = False

    @property
    def cells(self) -> tuple[CellOf, ...]:
        """Those that it is made of."""
        return tuple(dict.fromkeys(cell for _, cell in (*self.number.terms, *self.over.terms)))


@frozen
class FreshCell:
    """A cell of a measure on fresh prompts: the same model and intervention, on as many as a certificate may take."""

    cell: CellOf
    metric: Metric
    spec: CellSpec


@frozen
class Certificate:
    """How a claim is decided on fresh prompts: it holds when all `parts` do. `number` is its place among the claims,
    `level` how likely a verdict is right at least. `of` is the number that its limits are of: of its parts' numbers the
    `smallest` or the `largest`, or one that lies `within` two bounds.

    `most` prompts are taken; `rows` names the file that has not more, if that is why.
    """

    number: int
    text: str
    level: float
    most: int
    parts: tuple[Part, ...]
    cells: tuple[FreshCell, ...] = field(repr=False)
    of: str
    ends: str
    rows: str
    span: Span = field(eq=False, repr=False)

    @property
    def name(self) -> str:
        """What it is called in a plan."""
        return f'claim "{self.text}"'

    @property
    def risk(self) -> float:
        """How likely a verdict may be wrong."""
        return 1 - self.level


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
    certificate: Certificate | None = None
