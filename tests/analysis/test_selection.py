"""Selection: the lowest scores below zero, ties by layer and head, and heads that another group has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from entrack.analysis.outcomes import NotANumber, score
from entrack.analysis.selection import Selection, merged, select
from entrack.plan.steps import Ref, Select
from entrack.sites import Part, Site


def outcome(probabilities: Any) -> dict[str, Any]:
    values = np.asarray(probabilities, dtype=np.float64)[..., None]
    with np.errstate(divide="ignore"):
        return {"top": np.zeros(values.shape[:-1]), "logit": values, "log_probability": np.log(values)}


def selected(
    scores: list[list[float] | None],
    keep: int,
    earlier: tuple[tuple[Site, ...], ...] = (),
    name: str = "relative probability",
) -> Selection:
    """Select from scores (layer, head), of two prompts with clean probabilities 0.5 and 0.25. None: a layer that
    cannot reach."""
    clean = np.array([0.5, 0.25])
    patched = [None if row is None else [outcome((1 + np.array(row))[:, None] * clean)] for row in scores]
    heads = max(len(row) for row in scores if row is not None)
    node = Select(
        name, keep, len(scores), heads, (Ref("clean"),), tuple((Ref(str(layer)),) for layer in range(len(scores)))
    )
    return select(node, [outcome(clean)], {Part.OUTPUT: patched}, earlier)


def matrix(found: Selection) -> Any:
    """The scores of heads (layer, head)."""
    heads = [site for site in found.scores.sites if site.part is Part.OUTPUT]
    return found.scores.of(heads).reshape(heads[-1].layer + 1, -1)


def test_the_lowest_below_zero() -> None:
    found = selected([[-0.25, 0.5, 0.0], [-0.5, -0.125, 0.25]], keep=9)
    assert found.sites == (Site.of_head(1, 0), Site.of_head(0, 0), Site.of_head(1, 1))
    assert matrix(found) == pytest.approx(np.array([[-0.25, 0.5, 0.0], [-0.5, -0.125, 0.25]]))
    assert [(i.low, i.high) for i in found.intervals] == [
        pytest.approx((score, score)) for score in (-0.5, -0.25, -0.125)
    ]


def test_ties_break_by_layer_and_head() -> None:
    assert selected([[-0.25, -0.25], [-0.25, -0.5]], keep=3).sites == (
        Site.of_head(1, 1),
        Site.of_head(0, 0),
        Site.of_head(0, 1),
    )


def test_a_layer_that_cannot_reach() -> None:
    found = selected([[-0.25, 0.25], None, None], keep=6)
    assert found.sites == (Site.of_head(0, 0),)
    assert found.known_zero == 4
    assert matrix(found)[1:].tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert not np.signbit(matrix(found)[1:]).any()


def test_an_earlier_group_keeps_its_heads() -> None:
    found = selected([[-0.5, -0.25, -0.125]], keep=2, earlier=((), (Site.of_head(0, 0), Site.of_head(0, 2))))
    assert found.sites == (Site.of_head(0, 1),)
    assert found.taken == ((Site.of_head(0, 0), 1),)


def test_other_scores() -> None:
    assert matrix(selected([[-0.5, 0.5]], 2, name="probability")) == pytest.approx(np.array([[-0.1875, 0.1875]]))
    before, after = ({"logit": np.array([[4.0, 1.0]])}, {"logit": np.array([[1.0, 1.0]])})
    assert score("logit difference", after, before).tolist() == [-3.0]
    assert score("relative logit difference", after, before).tolist() == [-1.0]


def test_relative_to_nothing_is_said() -> None:
    node = Select("relative logit", 1, 1, 1, (Ref("clean"),), ((Ref("0"),),))
    with pytest.raises(NotANumber, match="relative logit"):
        select(node, [outcome([0.0])], {Part.OUTPUT: [[outcome([[0.5]])]]}, ())


def test_batches_are_put_in_order() -> None:
    first, second = outcome([0.1, 0.3]), outcome([0.2])
    assert merged([first, second], [(0, 2), (1,)])["logit"][:, 0].tolist() == [0.1, 0.2, 0.3]
