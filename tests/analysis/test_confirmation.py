"""What confirms a group: the rows of those that were kept, batch by batch, by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from attrs import evolve

from entrack.analysis.confirmation import confirmed
from entrack.analysis.intervals import mean_limits
from entrack.analysis.outcomes import NotANumber
from entrack.plan.plan import AgainPlan
from entrack.sites import Part, Site

LOW, HIGH, MLP = Site.of_head(1, 0), Site.of_head(1, 3), Site(1, Part.MLP)
LOGITS: dict[str, Any] = {
    "clean a": [[4.0, 2.0], [1.0, 7.0]],
    "clean b": [[8.0, 8.0]],
    "heads a": [[[3.0, 2.0], [1.0, 5.0]], [[0.0, 9.0], [2.0, 9.0]]],
    "heads b": [[[8.0, 7.0]], [[9.0, 6.0]]],
    "mlps a": [[[5.0, 5.0], [5.0, 5.0]]],
    "mlps b": [[[8.0, 0.0]]],
}
AGAIN = AgainPlan(
    ("clean a", "clean b"),
    {Part.OUTPUT: ((), ("heads a", "heads b")), Part.MLP: ((), ("mlps a", "mlps b"))},
    (),
    3,
    ((0, 1), (2,)),
)


def value(id: str) -> dict[str, Any]:
    logits = np.array(LOGITS[id])
    return {"logit": logits, "log_probability": logits, "top": np.zeros(logits.shape[:-1])}


RAN: Any = SimpleNamespace(value=value)


def test_scores_by_hand() -> None:
    """The order of the sites is that of the group, that of the rows is by head."""
    found = confirmed("logit", (HIGH, MLP, LOW), AGAIN, RAN)
    assert found.outcomes == {HIGH: (-4, 1, 1), MLP: (1, 4, 0), LOW: (-1, 0, 0)}
    assert found.scores == {HIGH: pytest.approx(-2 / 3), MLP: pytest.approx(5 / 3), LOW: pytest.approx(-1 / 3)}
    low, high = mean_limits(np.array([[-4.0, 1.0, 1.0]]))
    assert (found.intervals[HIGH].low, found.intervals[HIGH].high) == (low[0], high[0])
    assert list(found.scores) == [HIGH, MLP, LOW] and found.n == 3


def test_outcomes_are_in_the_order_of_the_prompts() -> None:
    """Of which the second is as long as the third, and the first runs in a batch of its own."""
    turned = confirmed("logit", (LOW, HIGH), evolve(AGAIN, places=((1, 2), (0,))), RAN)
    assert turned.outcomes == {LOW: (0, -1, 0), HIGH: (1, -4, 1)}
    assert evolve(turned, outcomes={}) == evolve(confirmed("logit", (LOW, HIGH), AGAIN, RAN), outcomes={})


def test_words_are_told_by_as_many_tokens_as_they_have() -> None:
    words = (((2,), (2,)), ((2,),))
    again = evolve(AGAIN, words=words)
    assert confirmed("logit", (LOW, HIGH), again, RAN).outcomes[LOW] == (-0.5, -1, -0.5)


def test_nothing_kept_is_nothing_confirmed() -> None:
    assert confirmed("logit", (), AGAIN, RAN).scores == {}


def test_relative_to_nothing_is_said() -> None:
    nothing: Any = SimpleNamespace(value=lambda id: {name: 0 * each for name, each in value(id).items()})
    with pytest.raises(NotANumber, match="the relative logit of a site that was kept is not a number on the prompts"):
        confirmed("relative logit", (LOW, HIGH), AGAIN, nothing)
