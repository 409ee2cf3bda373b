"""Places in a model, and which of them a change at one can come to in the same forward pass.

A block of a transformer adds the outputs of its attention and of its MLP to the residual stream. In a sequential block
the MLP reads the residual stream after the attention has added to it; in a parallel block both read the block's input.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from functools import cache

from attrs import frozen


class Part(IntEnum):
    """A place in a layer where a forward pass is read or changed, numbered in the order in which the pass comes by.

    Per-head parts have the axes (prompt, token, head, d_head); the others (prompt, token, d_model).
    """

    RESIDUAL = 0
    """The layer's input."""
    NORMED = 1
    """The input of the attention, after the norm."""
    QUERY = 2
    KEY = 3
    VALUE = 4
    """Outputs of the projections, before rotary embedding. Key and value have key/value heads."""
    OUTPUT = 5
    """z, the input of the output projection, per query head."""
    ATTENTION = 6
    """The output of the attention, which is added to the residual."""
    MLP = 7
    """The output of the MLP, which is added to the residual."""


PER_HEAD = (Part.QUERY, Part.KEY, Part.VALUE, Part.OUTPUT)
SHARED = (Part.KEY, Part.VALUE)
"""Parts that have one row per key/value head instead of one per query head."""


@frozen(order=True)
class Place:
    """A part of a layer."""

    layer: int
    part: Part


ATTENTION_FROM: Mapping[Part, tuple[Part, ...]] = {
    Part.RESIDUAL: (),
    Part.NORMED: (Part.RESIDUAL,),
    Part.QUERY: (Part.NORMED,),
    Part.KEY: (Part.NORMED,),
    Part.VALUE: (Part.NORMED,),
    Part.OUTPUT: (Part.QUERY, Part.KEY, Part.VALUE),
    Part.ATTENTION: (Part.OUTPUT,),
}
"""What each part of an attention is computed from."""
SEQUENTIAL = {**ATTENTION_FROM, Part.MLP: (Part.RESIDUAL, Part.ATTENTION)}
PARALLEL = {**ATTENTION_FROM, Part.MLP: (Part.RESIDUAL,)}


def reaches(earlier: Place, later: Place, *, parallel: bool) -> bool:
    """Whether what is computed at `later` depends on what stands at `earlier`: a strict partial order on places.

    `parallel` says which kind of block the model is made of. Tokens are not looked at: a change at a token also needs
    a reader at that token or after it.
    """
    if earlier.layer != later.layer:
        return earlier.layer < later.layer
    return earlier.part in _sources(later.part, parallel=parallel)


@cache
def _sources(part: Part, *, parallel: bool) -> frozenset[Part]:
    """All parts of the same layer that a part is computed from, at any remove."""
    direct = (PARALLEL if parallel else SEQUENTIAL)[part]
    return frozenset(direct).union(*(_sources(source, parallel=parallel) for source in direct))
