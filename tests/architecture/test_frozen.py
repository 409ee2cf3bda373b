"""Values that are frozen by `entrack.frozen` are as attrs would have made them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from attrs import field

from entrack.frozen import frozen

Make = Callable[[type], Any]


def of(make: Make) -> dict[str, Any]:
    """The same classes, made by one of the two."""

    class None_:
        pass

    class One:
        name: str

    class Two:
        name: str
        value: Any = 0

    class Parts:
        name: str
        hidden: Any = field(default=1, repr=False)
        apart: Any = field(default=2, eq=False)
        large: Any = field(factory=dict, hash=False, kw_only=True)

    class Own:
        name: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own)

        def __hash__(self) -> int:
            return 7

    class Failure(Exception):
        name: str

    found = {each.__name__: make(each) for each in (None_, One, Two, Parts, Own, Failure)}

    below = type("Below", (found["One"],), {"__annotations__": {"more": "int"}, "more": 3})
    return found | {"Below": make(below)}


VALUES: tuple[tuple[str, tuple[Any, ...], dict[str, Any]], ...] = (
    ("None_", (), {}),
    ("One", ("a",), {}),
    ("One", ("b",), {}),
    ("Two", ("a",), {}),
    ("Two", ("a", 0.0), {}),
    ("Two", ("b", (1, "x")), {}),
    ("Parts", ("a",), {}),
    ("Parts", ("a", 1, 3), {}),
    ("Parts", ("a", 5), {}),
    ("Parts", ("a",), {"large": {"b": []}}),
    ("Own", ("a",), {}),
    ("Own", ("b",), {}),
    ("Failure", ("a",), {}),
    ("Failure", ("a",), {}),
    ("Below", ("a",), {}),
    ("Below", ("a", 4), {}),
)
OURS, THEIRS = of(frozen), of(attrs.frozen)


def made(classes: dict[str, Any]) -> list[Any]:
    return [classes[name](*given, **named) for name, given, named in VALUES]


def test_what_is_equal_for_attrs_is_equal() -> None:
    ours, theirs = made(OURS), made(THEIRS)
    assert [[one == other for other in ours] for one in ours] == [[one == other for other in theirs] for one in theirs]
    assert [[one != other for other in ours] for one in ours] == [[one != other for other in theirs] for one in theirs]
    assert ours[1] != theirs[1] and ours[3] != "a"


def test_what_is_equal_has_one_hash() -> None:
    for one in made(OURS):
        for other in made(OURS):
            assert one != other or hash(one) == hash(other)
    assert len({hash(one) for one in made(OURS)}) > len(VALUES) // 2


def test_what_is_said_is_what_attrs_says() -> None:
    assert list(map(repr, made(OURS))) == list(map(repr, made(THEIRS)))


def test_one_nan_is_equal_here_as_in_a_tuple() -> None:
    """attrs asks the fields themselves, which say no."""
    nan, other = float("nan"), float("nan")
    assert OURS["One"](nan) == OURS["One"](nan) != OURS["One"](other)
    assert THEIRS["One"](nan) != THEIRS["One"](nan)


def test_it_is_frozen_and_has_slots_and_fields() -> None:
    value = OURS["Two"]("a", 1)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        value.value = 2
    assert not hasattr(value, "__dict__") and attrs.evolve(value, value=2) == OURS["Two"]("a", 2)
    assert attrs.asdict(value) == {"name": "a", "value": 1}
    assert type(value).__match_args__ == ("name", "value")


def test_what_options_ask_for_is_attrs_own() -> None:
    @frozen(order=True)
    class Ordered:
        name: str

    @frozen(eq=False)
    class Same:
        name: str

    assert Ordered("a") < Ordered("b") and Same("a") != Same("a")
