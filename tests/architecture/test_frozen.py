"""Values that are frozen by `entrack.frozen` are as attrs would have made them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from inspect import signature
from typing import Any, ClassVar

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


def unfinished(**given: Any) -> Any:
    """A class of which nothing has been asked."""
    return frozen(type("Late", (), {"__annotations__": dict.fromkeys(given, "object"), "__module__": __name__}))


def is_finished(cls: type) -> bool:
    return isinstance(vars(cls)["__attrs_attrs__"], tuple)


ASKS: dict[str, Callable[[Any], object]] = {
    "a value": lambda cls: cls(1),
    "a value by name": lambda cls: cls(a=1),
    "its fields": attrs.fields,
    "whether it has fields": attrs.has,
    "its signature": signature,
    "a value as pickle makes it": lambda cls: cls.__new__(cls).__setstate__((1,)),
    "a class below": lambda cls: frozen(type("Below", (cls,), {"__annotations__": {"b": "int"}}))(1, 2),
}


@pytest.mark.parametrize("name", ASKS)
def test_it_is_finished_when_it_is_asked(name: str) -> None:
    late = unfinished(a=1)
    assert not is_finished(late) and late.__name__ == "Late" and late.__slots__ == ("a", "__weakref__")
    ASKS[name](late)
    assert is_finished(late) and late(1) == late(1) != late(2) and repr(late(1)) == "Late(a=1)"
    assert [field.name for field in attrs.fields(late)] == ["a"] and late.__match_args__ == ("a",)


def test_a_class_below_has_its_own_slots_and_all_fields() -> None:
    late = unfinished(a=1)
    below: Any = frozen(type("Below", (late,), {"__annotations__": {"b": "int"}, "b": 3}))
    assert below.__slots__ == ("b",) and below(1) == below(1, 3) != late(1)
    assert attrs.asdict(below(1)) == {"a": 1, "b": 3}


@pytest.mark.parametrize("of_the_class", ["ClassVar[int]", ClassVar[int]], ids=["written", "meant"])
def test_what_is_of_the_class_is_no_field(of_the_class: Any) -> None:
    late: Any = frozen(type("Late", (), {"__annotations__": {"a": "int", "most": of_the_class}, "most": 3}))
    assert late.most == 3 and late(1).most == 3 and late.__slots__ == ("a", "__weakref__")


def test_super_finds_the_class() -> None:
    @frozen
    class Above:
        a: int

        def said(self) -> str:
            return f"{self.a}"

    @frozen
    class Below(Above):
        def said(self) -> str:
            return f"below {super().said()}"

        @classmethod
        def own(cls) -> type:
            return __class__  # type: ignore[name-defined, no-any-return]

    assert Below(1).said() == "below 1" and Below.own() is Below


def test_super_makes_a_value_of_a_class_that_is_not_finished() -> None:
    class Below(unfinished(a=1)):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(7)

    assert Below().a == 7


def test_threads_that_meet_a_class_make_values_of_it() -> None:
    for _ in range(20):
        late = unfinished(a=1)
        with ThreadPoolExecutor(8) as threads:
            made = list(threads.map(late, range(32)))
        assert [value.a for value in made] == [*range(32)]


def test_what_attrs_refuses_is_refused_each_time() -> None:
    wrong = frozen(type("Wrong", (), {"__annotations__": {"a": "int", "b": "int"}, "a": 1}))
    for _ in range(2):
        with pytest.raises(ValueError, match="mandatory"):
            wrong(1, 2)
