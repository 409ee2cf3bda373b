"""Sites: the places inside a model that are read, set, sent and received.

A site is a part of a layer - the residual stream before it, the output of its attention or of its MLP - or, of a part
that has heads or neurons, what belongs to one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from functools import total_ordering
from typing import TypeVar

from entrack.address import tagged
from entrack.frozen import frozen


@tagged("part")
@total_ordering
class Part(Enum):
    """A part of a layer, in the order in which a forward pass comes by.

    Per-head parts have the axes (prompt, token, head, d_head); neurons (prompt, token, d_mlp); the others (prompt,
    token, d_model).
    """

    RESIDUAL = "residual"
    """The residual stream before the layer."""
    NORMED = "normed"
    """The input of the attention, after the norm."""
    QUERY = "query"
    KEY = "key"
    VALUE = "value"
    """Outputs of the projections, after the norm of queries and keys, where there is one, and before rotary embedding.
    Key and value have key/value heads."""
    OUTPUT = "output"
    """z, the part of the input of the output projection that belongs to a query head."""
    ATTENTION = "attention"
    """The output of the attention, which is added to the residual stream, in some families after one more norm."""
    MID = "mid"
    """The residual stream after the attention was added, which the MLP reads. Parallel blocks have none."""
    NEURON = "neuron"
    """The input of the MLP's down projection: activations of neurons."""
    MLP = "mlp"
    """The output of the MLP, which is added to the residual stream, in some families after one more norm."""
    POST = "post"
    """The residual stream after the layer: before the next, or, after the last, before the final norm."""

    def __lt__(self, other: Part) -> bool:
        return _ORDER[self] < _ORDER[other]

    __hash__ = object.__hash__  # there is one of each


_ORDER = {part: number for number, part in enumerate(Part)}
PER_HEAD = (Part.QUERY, Part.KEY, Part.VALUE, Part.OUTPUT)
RECEIVING = (Part.QUERY, Part.KEY, Part.VALUE)
"""What a head reads."""
RECEIVERS = {**{part.value: part for part in RECEIVING}, "input": Part.MLP}
"""What may receive in a discovery, by the words of a spec: what heads read, and the input of an MLP, which is one with
its output."""
HEADS = (Part.OUTPUT,)
"""What sends in a discovery unless it says more."""
SENDING = {"heads": Part.OUTPUT, "mlps": Part.MLP}
"""What may send in a discovery, by the words of a spec."""
SHARED = (Part.KEY, Part.VALUE)
"""Parts that have one row per key/value head instead of one per query head."""
STREAM = (Part.RESIDUAL, Part.MID, Part.POST)
"""Where the residual stream stands."""


class Share(Enum):
    """A share of a logit: what all layers together, or what is outside of them, add to it. All four add up to it."""

    EMBEDDING = "embedding"
    ATTENTION = "attention"
    MLP = "mlp"
    BIAS = "bias"
    """Of the final norm and the unembedding."""


@tagged("site", "layer part index")
@frozen(order=True, repr=False)
class Site:
    """A part of a layer, counted from 0; of a per-head part that of the head `index`, or, without one, of all heads;
    of neurons likewise.

    Written as in a spec: `14.13` is a head's output, `14.13.query` its query, `mlp.14` the output of an MLP,
    `residual.14.mid` the residual stream inside a layer, `neuron.14.102` one neuron.
    """

    layer: int
    part: Part
    index: int | None = None

    @classmethod
    def of_head(cls, layer: int, head: int) -> Site:
        """A head's output."""
        return cls(layer, Part.OUTPUT, head)

    @property
    def head(self) -> int:
        """Which head of its layer. Raises ValueError for a site that is not one head's."""
        if self.index is None or self.part not in PER_HEAD:
            raise ValueError(f"{self} is no head")
        return self.index

    def __repr__(self) -> str:
        return f"Site({self})"

    def __str__(self) -> str:
        if self.part in (Part.MID, Part.POST):
            return f"{Part.RESIDUAL.value}.{self.layer}.{self.part.value}"
        if self.part not in PER_HEAD:
            return f"{self.part.value}.{self.layer}{'' if self.index is None else f'.{self.index}'}"
        head = f"{self.layer}.{'*' if self.index is None else self.index}"
        return head if self.part is Part.OUTPUT else f"{head}.{self.part.value}"


def every_sender(part: Part, layers: int, heads: int) -> tuple[Site, ...]:
    """All sites of a part that sends, in so many layers of so many heads."""
    if part is not Part.OUTPUT:
        return tuple(Site(layer, part) for layer in range(layers))
    return tuple(Site.of_head(layer, head) for layer in range(layers) for head in range(heads))


T = TypeVar("T")


def by_head(rows: Iterable[Iterable[T]]) -> dict[Site, T]:
    """Values (layer, head), by the heads that they are of."""
    return {Site.of_head(layer, head): value for layer, row in enumerate(rows) for head, value in enumerate(row)}


def layer_by_head(values: Mapping[Site, T]) -> tuple[tuple[T, ...], ...]:
    """Of values by site, those of heads as a matrix (layer, head), where all heads have one."""
    layers: dict[int, list[T]] = {}
    for site in sorted(site for site in values if site.part is Part.OUTPUT):
        layers.setdefault(site.layer, []).append(values[site])
    return tuple(tuple(row) for row in layers.values())
