"""What is tested of every family: parts, acts and positions."""

from __future__ import annotations

from collections.abc import Mapping

from engine_models import SPREAD

from entrack.plan.steps import Position, Spans
from entrack.sites import PER_HEAD, Part

PARTS = tuple(part for part in Part if part is not Part.NORMED)
"""Parts that a spec can name."""
ACTS = ("set", "add", "scale", "project out")
SPAN = Spans(tuple((first - 1, first, first + 1) for first in SPREAD))
POSITIONS: Mapping[str, Position] = {"token": SPREAD, "span": SPAN, "every token": None}
FACTOR = -1.75


def acts_on(act: str) -> tuple[Part, ...]:
    """The parts that an act changes."""
    narrow = (*PER_HEAD, Part.NEURON)
    return tuple(part for part in PARTS if act != "project out" or part not in narrow)
