"""Rankings: which scores are the best of a hop. A group keeps sites by their mean scores, and a screen lets them
through by their estimates, both in the order that a spec names: `keep 5 strongest`."""

from __future__ import annotations

from enum import Enum
from typing import assert_never

from entrack.address import tagged


@tagged("ranking")
class Ranking(Enum):
    """Which scores come first, by the word that a spec has for it."""

    LOWEST = "lowest"
    """Below zero, the lowest first."""
    HIGHEST = "highest"
    """Above zero, the highest first."""
    STRONGEST = "strongest"
    """Other than zero, the largest absolute value first."""

    def key(self, score: float) -> float:
        """What scores are put in order by: the lower, the better; below zero where a score may be kept at all."""
        match self:
            case Ranking.LOWEST:
                return score
            case Ranking.HIGHEST:
                return -score
            case Ranking.STRONGEST:
                return -abs(score)
        assert_never(self)

    @property
    def kept(self) -> str:
        """What a score must be to be kept, in words."""
        match self:
            case Ranking.LOWEST:
                return "below zero"
            case Ranking.HIGHEST:
                return "above zero"
            case Ranking.STRONGEST:
                return "other than zero"
        assert_never(self)


def significant(rate: float) -> str:
    """As a spec writes what is kept at a false discovery rate."""
    return f"significant at {per_cent(rate)}"


def per_cent(share: float) -> str:
    """`5 %`: a share of 1 as a spec writes it, in digits."""
    from decimal import Decimal

    return f"{Decimal(f'{100 * share:.12g}'):f} %"
