"""Addresses of values: different values differ, equal values agree, and the encoding stays as it is."""

from __future__ import annotations

from enum import Enum
from itertools import combinations
from math import inf, nan

import pytest
from attrs import field, frozen

from entrack.address import address
from entrack.plan.steps import Batch, Chosen, FromZero, Kept, Ref, SetElsewhere, SetHeads
from entrack.sites import Component, Head


@frozen
class One:
    a: object
    b: object = None


@frozen
class Other:
    a: object
    b: object = None


class Colour(Enum):
    RED = 1
    BLUE = 2


DIFFERENT = (
    None, True, False, 0, 1, -1, 10**30, 0.0, -0.0, 1.0, -1.0, 1e300, 5e-324, inf, -inf, 0.1, 0.1 + 2**-55,
    "", "1", "1.0", "None", "True", "true", "a", "A", "a ", "\u00e9", "e\u0301", "a,b", '"', "\\", "\x00",
    b"", b"1", b"a", b"\x00",
    (), ((),), ((), ()), (0,), (False,), (0.0,), ("0",), (None,), ("a", "b"), ("ab",), ("a,b",), ("b", "a"), (("a",), "b"), ("a", ("b",)), (("a", "b"),),
    (1, 2), (12,), ("1,2",), ("1", "2"), ((1,), (2,)), (1, 2.0), (1, True), (-1, 2), (1, -2), ((1, 2),), ((1,), 2), ("ints", "1,2"), ("list",), ("int", "1"),
    frozenset(), frozenset({1}), frozenset({1, 2}), frozenset({"1"}),
    {}, {"a": 1}, {"a": 1.0}, {"b": 1}, {"a": 1, "b": 2}, {"a": {"b": 1}}, (("a", 1),), {"a": None},
    One(1), One(1, 2), One(1, ()), One("1"), Other(1), One(One(1)), One(2, 1),
    Colour.RED, Colour.BLUE, "RED", Component.QUERY, Component.KEY, Component.OUTPUT,
    Head(1, 2), Head(2, 1), (Head(1, 2),), (Head(1, 2), Head(1, 3)), (Head(1, 3), Head(1, 2)), Ref("a"), Chosen("a"),
    Batch(((1, 2), (3, 4))), Batch(((1, 2, 3, 4),)), Batch(((1, 2), (4, 3))), ((1, 2), (3, 4)),
    SetHeads((Head(0, 1),), (1, 2), FromZero()), SetHeads((Head(0, 1),), (1, 3), FromZero()), SetElsewhere((Kept((Head(0, 1),), (1, 2)),), FromZero()),
)  # fmt: skip


def test_different_values_have_different_addresses() -> None:
    pairs = list(combinations(DIFFERENT, 2))
    assert len(pairs) > 5000
    seen: dict[str, object] = {}
    for value in DIFFERENT:
        assert address(value) not in seen, (value, seen[address(value)])
        seen[address(value)] = value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (frozenset({1, 2, 30}), frozenset({30, 2, 1})),
        ((1, 2), [1, 2]),
        (("a", 1), ["a", 1]),
        (0.3, 3 / 10),
        (One(1), One(1, None)),
        (Batch(((1, 2),)), Batch(((1, 2),))),
    ],
)
def test_equal_values_agree(one: object, other: object) -> None:
    assert address(one) == address(other)


def test_what_takes_no_part_in_equality_takes_none_here() -> None:
    @frozen
    class Marked:
        a: int
        place: int = field(eq=False)

    assert address(Marked(1, 2)) == address(Marked(1, 3)) != address(Marked(2, 2))


@pytest.mark.parametrize("value", [nan, (1, nan), {1: 2}, {True: 1}, object(), {1, 2}, 1j, One(object())])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        address(value)


def test_the_encoding_stays() -> None:
    """A change here makes every stored value unfindable: raise `STORE_VERSION` with it."""
    assert address([1, 0.5, "a", None, True, b"x"]) == "8325e04ef5f1b7a2ada42dd256bb6f41e2d8e6ec2366ab193dc27b87781f3d1e"
    assert address(Head(3, 7)) == "85fe73129ec4ce0ec8caf9fd9d12ffbce8da8b8a4dd9d1e4fa913d5ea25e81fe"
