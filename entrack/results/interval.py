"""Where a number lies, with 95 % confidence."""

from __future__ import annotations

from entrack.frozen import frozen


@frozen
class Interval:
    """A 95 % interval. An end is infinite where there is no limit on this side."""

    low: float
    high: float
