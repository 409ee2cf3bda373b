"""The words of a spec for places: a site as it is written there becomes a `Site`."""

from __future__ import annotations

import re
from numbers import Integral

from entrack.arguments import shown
from entrack.circuit_files.circuit import CircuitRefused, site_of
from entrack.errors import ArgumentError, ArgumentTypeError
from entrack.sites import Part, Site

ALL_OF_A_LAYER = re.compile(r"(heads|neurons)\[(\d{1,7})\](?:\.(query|key|value))?")
"""Sites of all heads, or neurons, of a layer."""
SiteWords = str | tuple[int, int] | Site
"""`14.13`, `14.13.query`, `mlp.3`, `attention.3`, `residual.3.mid`, `neuron.3.7`; a pair (layer, head); `heads[3]` and
`neurons[3]` for all of a layer."""


def site_from(given: object) -> Site:
    """The site that is meant; numpy's whole numbers are as good as Python's. Raises ArgumentError."""
    match given:
        case Site():
            return given
        case str():
            return _written(given)
        case (Integral() as layer, Integral() as head) if not isinstance(layer, bool) and not isinstance(head, bool):
            if min(int(layer), int(head)) >= 0:
                return Site.of_head(int(layer), int(head))
    raise ArgumentTypeError(f"site is a text such as '14.13', or a pair (layer, head); this is {shown(given)}")


def _written(text: str) -> Site:
    if match := ALL_OF_A_LAYER.fullmatch(text):
        if match[1] == "heads":
            return Site(int(match[2]), Part(match[3] or "output"))
        if match[3] is None:
            return Site(int(match[2]), Part.NEURON)
    try:
        return site_of(text)
    except CircuitRefused:
        known = "14.13, 14.13.query, mlp.3, attention.3, residual.3.mid, neuron.3.7, heads[3]"
        raise ArgumentError(f"site is written as in a spec ({known}); this is {shown(text)}") from None
