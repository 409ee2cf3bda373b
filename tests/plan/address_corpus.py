"""Values that are easily mistaken for one another, no two of which are the same."""

from __future__ import annotations

from enum import Enum
from math import inf

from attrs import frozen

from entrack.address import tagged
from entrack.plan.steps import At, Batch, Chosen, Elsewhere, FromZero, Ref, Set
from entrack.sites import Part, Site


@tagged("one", "a b")
@frozen
class One:
    a: object
    b: object = None


@tagged("other", "a b")
@frozen
class Other:
    a: object
    b: object = None


@tagged("colour")
class Colour(Enum):
    RED = "red"
    BLUE = "blue"


DIFFERENT: tuple[object, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    10**30,
    0.0,
    -0.0,
    1.0,
    -1.0,
    1e300,
    5e-324,
    inf,
    -inf,
    0.1,
    0.1 + 2**-55,
    "",
    "1",
    "1.0",
    "None",
    "True",
    "true",
    "a",
    "A",
    "a ",
    "\u00e9",
    "e\u0301",
    "a,b",
    '"',
    "\\",
    "\x00",
    b"",
    b"1",
    b"a",
    b"\x00",
    (),
    ((),),
    ((), ()),
    (0,),
    (False,),
    (0.0,),
    ("0",),
    (None,),
    ("a", "b"),
    ("ab",),
    ("a,b",),
    ("b", "a"),
    (("a",), "b"),
    ("a", ("b",)),
    (("a", "b"),),
    (1, 2),
    (12,),
    ("1,2",),
    ("1", "2"),
    ((1,), (2,)),
    (1, 2.0),
    (1, True),
    (-1, 2),
    (1, -2),
    ((1, 2),),
    ((1,), 2),
    ("ints", "1,2"),
    ("list",),
    ("int", "1"),
    frozenset(),
    frozenset({1}),
    frozenset({1, 2}),
    frozenset({"1"}),
    {},
    {"a": 1},
    {"a": 1.0},
    {"b": 1},
    {"a": 1, "b": 2},
    {"a": {"b": 1}},
    (("a", 1),),
    {"a": None},
    One(1),
    One(1, 2),
    One(1, ()),
    One(1, False),
    One(True, False),
    One(1, 0),
    One(1, 0.0),
    One(1, -0.0),
    (One(1, 0),),
    (One(1, False),),
    (One(True, 0),),
    ((1, 0),),
    ((True, 0),),
    ((1, False),),
    ((1, 0.0),),
    One("1"),
    Other(1),
    One(One(1)),
    One(2, 1),
    Colour.RED,
    Colour.BLUE,
    "RED",
    "red",
    Part.QUERY,
    Part.KEY,
    Part.OUTPUT,
    Site.of_head(1, 2),
    Site.of_head(2, 1),
    (Site.of_head(1, 2),),
    (Site.of_head(1, 2), Site.of_head(1, 3)),
    (Site.of_head(1, 3), Site.of_head(1, 2)),
    Ref("a"),
    Chosen("a"),
    Batch(((1, 2), (3, 4))),
    Batch(((1, 2, 3, 4),)),
    Batch(((1, 2), (4, 3))),
    ((1, 2), (3, 4)),
    Set(At((Site.of_head(0, 1),), (1, 2)), FromZero()),
    Set(At((Site.of_head(0, 1),), (1, 3)), FromZero()),
    Set(Elsewhere((At((Site.of_head(0, 1),), (1, 2)),)), FromZero()),
)
