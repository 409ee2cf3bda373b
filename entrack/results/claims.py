"""Claims and their verdicts: what each was held against, what it rests on, and how a certified one was decided."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from entrack.frozen import frozen
from entrack.results.interval import Interval
from entrack.results.numbers import decimals_that_tell
from entrack.results.text_table import Entry, TextTable
from entrack.results.values import frame


class Verdict(Enum):
    """What fresh prompts said of a claim: it holds, it does not, or neither was certain when there were no more."""

    CERTIFIED = "certified"
    REFUTED = "refuted"
    UNDECIDED = "undecided"


@frozen
class Certificate:
    """How a claim was decided on fresh prompts, at a `level` such as 0.95.

    `interval` has the limits of the number `of`, in the spec's words: each is passed with probability 1 - `level` at
    most, at any time. `prompts` is after how many the verdict was certain; they come in batches, and `taken` were run,
    of `most` that might have been. `fixed_sample` is how many a sample of a size that is fixed beforehand would need
    for the same at mean and variance of these prompts; None where none would. `rows` names the file whose rows ran out
    before there was a verdict.
    """

    verdict: Verdict
    level: float
    of: str
    interval: Interval
    prompts: int
    taken: int
    most: int
    fixed_sample: int | None
    rows: str = ""


@frozen
class Basis:
    """What a claim rests on: cells, each by its measure and its labels; measures of whose cells it takes the smallest,
    the largest or the mean; and discoveries whose sites these keep or set, or it counts."""

    cells: tuple[tuple[str, tuple[str, ...]], ...] = ()
    measures: tuple[str, ...] = ()
    discoveries: tuple[str, ...] = ()


@frozen
class Claim:
    """A sentence with its number. `bound` is what `value` was held against; for `within`, `tolerance` says how near.

    Where the expression divides by a measure that is zero, `value` and `interval` are not numbers and the claim fails.
    `interval` is over draws where a cell has several; the other is for these draws. A claim with a `certificate` passes
    when that is certified, whatever the value is.
    """

    text: str
    expression: str
    value: float
    relation: str
    bound: float
    passed: bool
    n: int
    interval: Interval
    tolerance: float | None = None
    published: float | None = None
    interval_of_these_draws: Interval | None = None
    certificate: Certificate | None = None
    rests_on: Basis = Basis()

    @property
    def undecided(self) -> bool:
        """Whether fresh prompts did not decide it."""
        return self.certificate is not None and self.certificate.verdict is Verdict.UNDECIDED

    @property
    def verdict(self) -> str:
        """`pass` or `fail`, or, of a certified claim, `certified`, `refuted` or `undecided`."""
        if self.certificate is not None:
            return self.certificate.verdict.value
        return "pass" if self.passed else "fail"


class Claims(tuple[Claim, ...]):
    """All claims of a run, in the order of the spec."""

    __slots__ = ()

    def to_pandas(self) -> Any:
        """A row a claim, as in the claims' table of `Results.text_tables`."""
        return frame([dict(row) for row in claims_table(self).rows])


def shown_interval(claim: Claim) -> Interval | None:
    """What rests on heads alone has no interval: a number of them, or a share."""
    return None if claim.interval.low == claim.interval.high else claim.interval


def claim_edges(claim: Claim) -> tuple[float, ...]:
    """The numbers at which a claim begins to hold or to fail."""
    tolerance = claim.tolerance or 0.0
    return claim.bound, claim.bound - tolerance, claim.bound + tolerance


def fresh_shift(claim: Claim) -> float:
    """What is taken from a claim's value and bound where the limits on fresh prompts are of left - right."""
    return 0.0 if claim.certificate is None or claim.certificate.of == claim.expression else claim.bound


def fresh_edges(claim: Claim) -> tuple[float, ...]:
    """The edges of the number that a certificate's limits are of."""
    return tuple(edge - fresh_shift(claim) for edge in claim_edges(claim))


def claim_decimals(claim: Claim) -> int:
    """Decimals that a claim's value is shown with."""
    return decimals_that_tell(claim.value, claim.interval, claim_edges(claim))


def table_decimals(claim: Claim) -> int:
    """Decimals of a claim's row: those of its value, and as many as tell the limits on fresh prompts from its edges."""
    if claim.certificate is None:
        return claim_decimals(claim)
    limits, edges = claim.certificate.interval, fresh_edges(claim)
    return max(claim_decimals(claim), *(decimals_that_tell(end, limits, edges) for end in (limits.low, limits.high)))


def claims_table(claims: tuple[Claim, ...]) -> TextTable:
    """A row a claim."""
    rows = tuple(
        {
            "claim": claim.text,
            "expression": claim.expression,
            "value": claim.value,
            "low": claim.interval.low,
            "high": claim.interval.high,
            "relation": claim.relation,
            "bound": claim.bound,
            "tolerance": claim.tolerance,
            "published": claim.published,
            "verdict": claim.verdict,
            "n": claim.n,
            **_fresh(claim.certificate),
        }
        for claim in claims
    )
    words = f"{sum(claim.passed for claim in claims)} of {len(claims)} hold; 95 % intervals in brackets"
    return TextTable("claims", words, rows, decimals=tuple(map(table_decimals, claims)))


def _fresh(certificate: Certificate | None) -> Mapping[str, Entry]:
    """What fresh prompts said, in columns that there are where a claim is certified."""
    if certificate is None:
        return {}
    return {
        "fresh_of": certificate.of,
        "fresh_low": certificate.interval.low,
        "fresh_high": certificate.interval.high,
        "fresh_n": certificate.prompts,
        "level": certificate.level,
    }
