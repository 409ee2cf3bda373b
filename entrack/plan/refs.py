"""What a step names of other steps: their values by `Ref`, and heads that a choice will keep by `Chosen` and
`Screened`. `plan/bind.py` puts in what they turned out to be."""

from __future__ import annotations

from enum import Enum

from entrack.address import tagged
from entrack.frozen import frozen
from entrack.models.key import ModelKey
from entrack.numbers import Numbers
from entrack.plan.batch import Batch
from entrack.sites import Part, Site


@tagged("ref", "id")
@frozen
class Ref:
    """The value of another step: its node in a plan, or, in a bound step, the SHA-256 of that value's bytes."""

    id: str


@tagged("chosen", "id part")
@frozen
class Chosen:
    """The sites that a `Select` node keeps, all or those of one part; in a bound step a tuple of sites stands in its
    place."""

    id: str
    part: Part | None = None

    def among(self, sites: tuple[Site, ...]) -> tuple[Site, ...]:
        """Those that are meant, of the sites kept."""
        return sites if self.part is None else tuple(site for site in sites if site.part is self.part)


@tagged("screened", "id most")
@frozen
class Screened:
    """The sites that a `Screen` node lets through, or that run on after a `Race`, `most` in all layers together; in a
    bound step those of its own layer and part stand in its place."""

    id: str
    most: int


ALONE = (int, float, str, Enum, Site, Batch, Numbers, ModelKey)
"""What names no step, and may be large."""
Sizes = tuple[tuple[int, ...], ...]
"""Of a batch, prompt by prompt and word by word, how many of the tokens asked for are the word's, in their order; what
follows is asked for again. Empty: one each."""
Sites = tuple[Site, ...] | Chosen
"""Sites, or, until a run has chosen them, what will."""


def refers_to_nothing(value: object) -> bool:
    """Whether a part of a step is seen to name no step. What a tuple begins with is what it holds; beside a tuple of
    sites others may stand that are not known."""
    if isinstance(value, tuple):
        first = value[0] if value else None
        return isinstance(first, int | Site) or (isinstance(first, tuple) and bool(first) and type(first[0]) is int)
    return value is None or isinstance(value, ALONE)
