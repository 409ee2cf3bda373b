"""Statistics: what an outcome may have beside the most likely token, and logits and log probabilities of words."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import Enum
from math import log

from entrack.address import tagged
from entrack.plan.value_forms import ROUNDED, Array, Form, outcomes


@tagged("statistic")
class Statistic(Enum):
    """A statistic of the next token's distribution; its value is the name of its array. Probabilities are over the
    whole vocabulary."""

    RANK = "rank"
    """int64 (prompt, k): the place of each word asked for, 1 for the most likely; equal logits share the better one."""
    ENTROPY = "entropy"
    """float32 (prompt), in nats."""
    KL_FROM_CLEAN = "kl_from_clean"
    """float32 (prompt), in nats: of the clean run's distribution from this one, KL(clean || this), on the same
    prompt."""


def with_statistics(rows: tuple[int, ...], asked: int, vocabulary: int, also: Collection[Statistic]) -> Form:
    """The form of outcomes of so many rows, and so many asked words each."""
    forms: Mapping[Statistic, Array] = {
        Statistic.RANK: Array("int64", (*rows, asked), 1, vocabulary),
        Statistic.ENTROPY: Array("float32", rows, 0, log(vocabulary) + ROUNDED),
        Statistic.KL_FROM_CLEAN: Array("float32", rows, 0),
    }
    return {**outcomes(rows, asked, vocabulary), **{one.value: forms[one] for one in also}}


def bytes_each(also: Collection[Statistic]) -> int:
    """Bytes of statistics per prompt, with one word asked for."""
    return sum(8 if one is Statistic.RANK else 4 for one in also)
