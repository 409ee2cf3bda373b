"""Addresses of values: equal values agree, and the encoding stays as it is. That different values differ is tried in
tests/robustness/stress/addresses.py."""

from __future__ import annotations

from math import nan

import pytest
from address_corpus import One
from attrs import field, frozen

from entrack.address import _Recent, address, is_address, tagged
from entrack.plan.steps import Batch


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
    @tagged("marked", "a")
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
    assert (
        address([1, 0.5, "a", None, True, b"x"]) == "8325e04ef5f1b7a2ada42dd256bb6f41e2d8e6ec2366ab193dc27b87781f3d1e"
    )
    assert (
        address({"a": (1, 2), "b": frozenset({0.25})})
        == "68b83d18ea2fdf00afabbf6f2ff18703ec62171e92fdec264aab120a3a0b4570"
    )


def test_what_is_remembered_is_bounded_and_forgotten_all_at_once() -> None:
    recent, made = _Recent(160), list[int]()

    def text(number: int, length: int = 10) -> str:
        def write() -> str:
            made.append(number)
            return str(number).zfill(length)

        return recent.text(number, write)

    assert [text(number % 16) for number in range(32)] == [str(number % 16).zfill(10) for number in range(32)]
    assert made == list(range(16)), "each once, while they fit"
    assert len(text(99, 11)) == 11 and len(text(99, 11)) == 11 and made[-2:] == [99, 99], "a large one is not kept"
    text(17), text(0)
    assert made[-2:] == [17, 0], "one too many: the others are made again"


def test_what_is_called_like_an_address() -> None:
    own = address("a")
    others = [own[1:], own + "0", own + "\n", own.upper(), "g" * 64, "٣" * 64, "", own.encode(), None]
    assert is_address(own) and not any(map(is_address, others))
