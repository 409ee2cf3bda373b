"""The number of a claim on a line: its interval, where the claim wants it, and what was published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite

from attrs import evolve

from entrack.report.claims_table import bound_words, fresh_words, measured_words, published_words
from entrack.report.html.markup import said
from entrack.results import Claim
from entrack.results.claims import fresh_shift, shown_interval

WIDE, HIGH, MIDDLE, MARGIN, NEAR = 320, 34, 12, 8, 28
"""Of the drawing, in its own units; where the line runs; what is left free at both ends; what a
number is wide."""


def number_line(claim: Claim, name: str) -> str:
    """An SVG; nothing where there is no number to draw."""
    if not isfinite(claim.value) or not isfinite(claim.bound):
        return ""
    words, claim = _words(claim), _of_fresh(claim)
    low, high = _range(claim)

    def at(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return round(MARGIN + share * (WIDE - 2 * MARGIN), 1)

    wanted = _wanted(claim, low, high)
    bounds = [edge for edge in wanted if low < edge < high] or [claim.bound]
    interval = shown_interval(claim)
    left, right = map(at, wanted)
    parts = [
        f'<rect class="wanted" x="{left}" y="{MIDDLE - 7}" width="{right - left:.1f}" height="14"/>',
        f'<line class="axis" x1="{MARGIN}" x2="{WIDE - MARGIN}" y1="{MIDDLE}" y2="{MIDDLE}"/>',
        *(
            f'<line class="bound" x1="{at(edge)}" x2="{at(edge)}" y1="{MIDDLE - 9}" y2="{MIDDLE + 9}"/>'
            for edge in bounds
        ),
    ]
    if interval:
        ends = at(interval.low), at(interval.high)
        parts.append(f'<line class="interval" x1="{ends[0]}" x2="{ends[1]}" y1="{MIDDLE}" y2="{MIDDLE}"/>')
    if claim.published is not None:
        x = at(claim.published)
        parts.append(f'<path class="published" d="M{x} {MIDDLE - 6}l6 6l-6 6l-6 -6z"/>')
    parts.append(f'<circle class="value" cx="{at(claim.value)}" cy="{MIDDLE}" r="4.5"/>')
    for place, text in _numbers(bounds, low, high, NEAR * (high - low) / WIDE):
        x = min(max(at(place), NEAR / 2), WIDE - NEAR / 2)
        parts.append(f'<text x="{x:.1f}" y="{HIGH - 2}" text-anchor="middle">{text}</text>')
    return (
        f'<svg class="number-line" viewBox="0 0 {WIDE} {HIGH}" role="img" aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{said(claim.text)}</title><desc id="{name}-desc">{said(words)}</desc>'
        f"{''.join(parts)}</svg>"
    )


def _numbers(bounds: Sequence[float], low: float, high: float, near: float) -> Iterator[tuple[float, str]]:
    """What is said below the line: its ends, where these are 0 and 1, and bounds, as one where they are `near` each
    other."""
    if bounds[-1] - bounds[0] < near and len(bounds) > 1:
        yield (bounds[0] + bounds[-1]) / 2, f"{bounds[0]:g} to {bounds[-1]:g}"
    else:
        yield from ((edge, f"{edge:g}") for edge in bounds)
    if (low, high) == (0.0, 1.0):
        yield from ((end, f"{end:g}") for end in (low, high) if all(abs(end - edge) > 1.5 * near for edge in bounds))


def _of_fresh(claim: Claim) -> Claim:
    """What is drawn: of a certified claim its limits on fresh prompts in place of the measure's interval. Where these
    are of left - right, that is what the line is of."""
    certificate = claim.certificate
    if certificate is None:
        return claim
    shift = fresh_shift(claim)
    value, bound, published = claim.value - shift, claim.bound - shift, None if shift else claim.published
    return evolve(claim, value=value, bound=bound, interval=certificate.interval, published=published)


def _words(claim: Claim) -> str:
    published = f"; published: {published_words(claim)}" if claim.published is not None else ""
    fresh = fresh_words(claim)
    if fresh:
        return f"A line with limits on fresh prompts, {fresh}; {measured_words(claim)} was measured{published}."
    return f"A line with {measured_words(claim)}, which must be {bound_words(claim)}{published}."


def _range(claim: Claim) -> tuple[float, float]:
    """What the line is of: everything that is drawn, and some room; from 0 to 1 where that holds it all."""
    tolerance = claim.tolerance or 0.0
    ends = [claim.interval.low, claim.interval.high, *([] if claim.published is None else [claim.published])]
    drawn = [claim.value, claim.bound - tolerance, claim.bound + tolerance, *filter(isfinite, ends)]
    low, high = min(drawn), max(drawn)
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    room = 0.1 * (high - low) or abs(high) or 1.0
    return low - room, high + room


def _wanted(claim: Claim, low: float, high: float) -> tuple[float, float]:
    """From where to where the value may be."""
    tolerance = claim.tolerance or 0.0
    if claim.relation in (">=", ">"):
        return claim.bound, high
    if claim.relation in ("<=", "<"):
        return low, claim.bound
    return claim.bound - tolerance, claim.bound + tolerance
