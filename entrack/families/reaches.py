"""Reaches: which sites of a model a change at another can come to in the same forward pass.

A block of a transformer adds the outputs of its attention and of its MLP to the residual stream. In a sequential block
the MLP reads the residual stream after the attention has added to it; in a parallel block both read the block's input.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from entrack.sites import Part, Site

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
SEQUENTIAL = {
    **ATTENTION_FROM,
    Part.MID: (Part.RESIDUAL, Part.ATTENTION),
    Part.NEURON: (Part.MID,),
    Part.MLP: (Part.NEURON,),
    Part.POST: (Part.MID, Part.MLP),
}
PARALLEL = {
    **ATTENTION_FROM,
    Part.NEURON: (Part.RESIDUAL,),
    Part.MLP: (Part.NEURON,),
    Part.POST: (Part.RESIDUAL, Part.ATTENTION, Part.MLP),
}


def reaches(earlier: Site, later: Site, *, parallel: bool) -> bool:
    """Whether what is computed at `later` depends on what stands at `earlier`: a strict partial order.

    `parallel` says which kind of block the model is made of; a parallel one has no `MID`. Heads of one part do not
    reach one another. Tokens are not looked at: a change at a token also needs a reader at that token or after it.
    """
    if earlier.layer != later.layer:
        return earlier.layer < later.layer
    return earlier.part in _sources(later.part, parallel=parallel)


@cache
def _sources(part: Part, *, parallel: bool) -> frozenset[Part]:
    """All parts of the same layer that a part is computed from, at any remove."""
    direct = (PARALLEL if parallel else SEQUENTIAL)[part]
    return frozenset(direct).union(*(_sources(source, parallel=parallel) for source in direct))
