"""The claims as a table: what was measured, what must be, and whether it holds."""

from __future__ import annotations

from entrack.report.format import decimals_for, estimate, number, visible
from entrack.report.grid import Grid
from entrack.results import Claim, Interval
from entrack.results.values import claim_decimals

VERDICTS = {"pass": "✓ pass", "fail": "✗ FAIL"}
"""As they are shown."""


def claims_grid(claims: tuple[Claim, ...]) -> Grid:
    """One row per claim: whether it holds, what was measured, what it must be, what was published."""
    rows = tuple(
        (
            VERDICTS[claim.verdict],
            visible(claim.text),
            f"{visible(claim.expression)} = {measured_words(claim)}",
            bound_words(claim),
            published_words(claim),
            str(claim.n or ""),
        )
        for claim in claims
    )
    held = sum(claim.passed for claim in claims)
    over = ", over draws where a measure has several" if any(one.interval_of_these_draws for one in claims) else ""
    brackets = f"; 95 % intervals in brackets{over}" if any(shown_interval(claim) for claim in claims) else ""
    caption = f"{held} of {len(claims)} hold{brackets}"
    head = ("", "claim", "measured", "must be", "published", "n")
    return Grid("claims", head, rows, caption, frozenset({4, 5}), tuple(claim.passed for claim in claims))


def bound_words(claim: Claim) -> str:
    """`>= 0.95`, or `within 0.03 of 0.82`."""
    if claim.tolerance is None:
        return f"{visible(claim.relation)} {claim.bound:g}"
    return f"{visible(claim.relation)} {claim.tolerance:g} of {claim.bound:g}"


def measured_words(claim: Claim) -> str:
    """What a claim came to."""
    return f"{claim.value:g}" if claim.n == 0 else estimate(claim.value, shown_interval(claim), claim_decimals(claim))


def published_words(claim: Claim) -> str:
    """The number of a paper, where the spec gives one."""
    return "" if claim.published is None else number(claim.published, decimals_for([claim.interval]))


def shown_interval(claim: Claim) -> Interval | None:
    """What rests on heads alone has no interval: a number of them, or a share."""
    return None if claim.interval.low == claim.interval.high else claim.interval
