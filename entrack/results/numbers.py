"""Numbers as text, with as many decimals as their intervals support."""

from __future__ import annotations

from collections.abc import Iterable
from math import floor, isfinite, isnan, log10

from entrack.results.interval import Interval


def number(value: float, decimals: int) -> str:
    """A number with this many decimals; never `-0.00`, `nan` or `inf`."""
    if not isfinite(value):
        return "undefined" if isnan(value) else "-infinite" if value < 0 else "infinite"
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0 else text


def estimate(value: float, interval: Interval | None, decimals: int) -> str:
    """`0.66 [0.61, 0.70]`: a number with its 95 % interval, or alone where it has none."""
    if interval is None:
        return number(value, decimals)
    return f"{number(value, decimals)} [{number(interval.low, decimals)}, {number(interval.high, decimals)}]"


def decimals_for(intervals: Iterable[Interval | None]) -> int:
    """How many decimals the widest of these intervals supports: 2 to 4."""
    widths = [interval.high - interval.low for interval in intervals if interval is not None]
    widest = max((width for width in widths if isfinite(width)), default=0.0)
    return max(2, min(4, -floor(log10(widest)))) if widest > 0 else 2


def decimals_that_tell(value: float, interval: Interval | None, edges: Iterable[float]) -> int:
    """Decimals enough that 0.9496 is not shown as the 0.95 that it fails to reach."""
    fewest, others = decimals_for([interval]), [edge for edge in edges if edge != value]
    clear = (many for many in range(fewest, 7) if all(abs(value - edge) >= 0.5 / 10**many for edge in others))
    return next(clear, fewest)
