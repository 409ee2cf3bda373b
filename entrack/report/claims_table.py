"""The claims as a table: what was measured, what must be, and whether it holds."""

from __future__ import annotations

from entrack.ranking import per_cent
from entrack.report.format import decimals_for, estimate, number, visible
from entrack.report.grid import Grid
from entrack.results import Certificate, Claim, Verdict
from entrack.results.claims import claim_decimals, fresh_edges, shown_interval

VERDICTS = {
    "pass": "✓ pass",
    "fail": "✗ FAIL",
    "certified": "✓ certified",
    "refuted": "✗ REFUTED",
    "undecided": "? undecided",
}
"""As they are shown."""


def claims_grid(claims: tuple[Claim, ...]) -> Grid:
    """One row per claim: whether it holds, what was measured, what it must be, what was published."""
    rows = tuple(
        (
            VERDICTS[claim.verdict],
            visible(claim.text),
            "\n".join(filter(None, (f"{visible(claim.expression)} = {measured_words(claim)}", fresh_words(claim)))),
            bound_words(claim),
            published_words(claim),
            str(claim.n or ""),
        )
        for claim in claims
    )
    head = ("", "claim", "measured", "must be", "published", "n")
    good = tuple(None if claim.undecided else claim.passed for claim in claims)
    return Grid("claims", head, rows, _caption(claims), frozenset({4, 5}), good)


def _caption(claims: tuple[Claim, ...]) -> str:
    held, undecided = sum(claim.passed for claim in claims), sum(claim.undecided for claim in claims)
    over = ", over draws where a measure has several" if any(one.interval_of_these_draws for one in claims) else ""
    return "".join(
        [
            f"{held} of {len(claims)} hold",
            f", {undecided} {'is' if undecided == 1 else 'are'} undecided" if undecided else "",
            f"; 95 % intervals in brackets{over}" if any(shown_interval(claim) for claim in claims) else "",
            "; certified claims are decided on fresh prompts" if any(claim.certificate for claim in claims) else "",
        ]
    )


def fresh_words(claim: Claim) -> str:
    """What fresh prompts said, and how many there were; nothing of a claim that is not certified."""
    certificate = claim.certificate
    if certificate is None:
        return ""
    of = "" if certificate.of == claim.expression else f"{visible(certificate.of)} "
    level = per_cent(certificate.level)
    prompts = f"{certificate.prompts:,} fresh prompt{'s' * (certificate.prompts != 1)}"
    rows = f", all rows that `{visible(certificate.rows)}` has left" if certificate.rows else ""
    decided = "after" if claim.undecided else "certain after"
    fixed = certificate.fixed_sample
    other = f"; a fixed sample needs {fixed:,}" if fixed is not None else ""
    return f"at {level} {of}{_certain(claim, certificate)}, {decided} {prompts}{rows}{other}"


def _certain(claim: Claim, certificate: Certificate) -> str:
    """The limit that decided, or both."""
    low, high = certificate.interval.low, certificate.interval.high
    least, most = (f"at {end} {number(at, _clear(claim, at))}" for end, at in (("least", low), ("most", high)))
    rising = claim.relation in (">=", ">")
    if certificate.verdict is Verdict.UNDECIDED or claim.tolerance is not None:
        return f"{least} and {most}"
    return least if rising == (certificate.verdict is Verdict.CERTIFIED) else most


def _clear(claim: Claim, value: float) -> int:
    """Decimals enough to tell a limit from the bound, but no more than six."""
    edges = fresh_edges(claim)
    return next((many for many in range(2, 6) if all(abs(value - edge) >= 0.5 / 10**many for edge in edges)), 6)


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
