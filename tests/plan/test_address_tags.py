"""Addresses by tags: what Python calls a class or a field, and fields that are added later, change none of them.
`ENTRACK_GOLDEN=write` writes the golden addresses anew; then raise `STORE_VERSION` with them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import attrs
import pytest
from attrs import frozen
from stress.addresses import BATCH, EDITS, HEADS, LATER, MASKS, MODEL, OTHER, STEPS

from entrack.address import Digested, address, fields_by_tag, tag_of, tagged
from entrack.model_config import ModelFacts
from entrack.models.key import ModelKey
from entrack.plan.steps import (
    Attribute,
    Capture,
    Chosen,
    Evaluate,
    Node,
    PathPatch,
    Race,
    Receivers,
    Ref,
    Screen,
    Screened,
    Select,
    TrainMask,
)
from entrack.ranking import Ranking
from entrack.sites import Part, Site

GOLDEN = Path(__file__).parents[1] / "golden" / "addresses.json"
FACTS = ModelFacts("llama", 4, 8, 8, 64, 8, 128, 99)
BARE = (
    ModelKey("weights", "config", "tokenizer", FACTS),
    Capture(MODEL, BATCH, (1, 2)),
    Capture(MODEL, BATCH, (1, 2), HEADS),
    Capture(MODEL, BATCH, (1, 2)),
    Capture(MODEL, BATCH, None, Chosen("a selection"), Part.KEY),
    Capture(MODEL, BATCH, (1, 2), (Site(3, Part.MLP),), Part.MLP),
    *(attrs.evolve(step, also=()) for step in STEPS if isinstance(step, Evaluate | PathPatch)),
    PathPatch(MODEL, BATCH, ((1,), (2,)), (1, 2), 0, Ref("alternate"), ()),
    PathPatch(MODEL, OTHER, ((1,), (2,)), (1, 2), 0, Ref("alternate"), (), Screened("a screen", 3)),
    PathPatch(MODEL, BATCH, ((1,), (2,)), (1, 2), 0, Ref("alternate"), (), part=Part.MLP),
    Receivers(Part.QUERY, Chosen("a selection", Part.OUTPUT)),
    Attribute(MODEL, BATCH, ((1,), (2,)), (1, 2), Ref("alternate"), ()),
    Attribute(MODEL, BATCH, ((1,), (2,)), (1, 2), None, (), 0, Ref("mlps")),
    TrainMask(MODEL, HEADS, MASKS, MASKS, 0.1, 1, 0.5, 7),
    Screen("logit", 3, 2, 1, 0, 4, 8, (Ref("clean"),), (Ref("estimate"),)),
    Screen("logit", 3, 2, 1, 0, 4, 8, (Ref("clean"),), (Ref("estimate"),), (Chosen("a selection"),)),
    Screen("logit", 3, 2, 1, 0, 4, 8, (), (), (HEADS,), (Part.OUTPUT, Part.MLP), True, Ranking.HIGHEST),
    Select("logit", 3, 4, 8, (Ref("clean"),), ((Ref("patched"),),)),
    Select("logit", 3, 4, 8, (), (), mlps=((Ref("patched"),),), ranking=Ranking.STRONGEST),
    Select("logit", 3, 4, 8, (Ref("clean"),), ((Ref("patched"),),), (Chosen("other"),), Screened("a screen", 3)),
)
"""Fields at their defaults, and at others; what no step of `STEPS` holds."""


PARTS = (
    Part.RESIDUAL,
    Part.NORMED,
    Part.QUERY,
    Part.KEY,
    Part.VALUE,
    Part.OUTPUT,
    Part.ATTENTION,
    Part.MLP,
)
"""Those that were there first: their golden addresses come before those of later ones."""


def inside(value: Any) -> list[Any]:
    """The value, and all values with a tag in it."""
    if isinstance(value, tuple):
        return [part for item in value for part in inside(item)]
    if isinstance(value, Enum):
        return [value]
    if not attrs.has(type(value)):
        return []
    return [value, *(part for inner in fields_by_tag(value).values() for part in inside(inner))]


RACES = (
    Race("logit", 3, 0.95, 300, 5, 4, 8, (Ref("clean"),), ((Ref("patched"),),)),
    Race("logit", 3, 0.9, 120, 2, 4, 8, (), (), ((Ref("mlp"),),), Screened("a look", 9), Screened("a screen", 9)),
    Race("logit", 3, 0.9, 120, 2, 4, 8, (), (), ranking=Ranking.HIGHEST, words=(((1, 2),),)),
    Select("logit", 3, 4, 8, (Ref("clean"),), ((Ref("patched"),),), race=Screened("a look", 9)),
)
STORED = list(dict.fromkeys([*inside((STEPS, EDITS, BARE)), *PARTS, *inside(LATER), *Part, *inside(RACES)]))


def test_a_value_of_every_kind() -> None:
    assert set(get_args(Node)) <= {type(value) for value in STORED}


def test_no_two_classes_have_one_tag() -> None:
    kinds = {type(value) for value in STORED}
    assert len({tag_of(kind) for kind in kinds}) == len(kinds) > 20


def test_golden_addresses() -> None:
    found: dict[str, str] = {}
    for value in STORED:
        tag = tag_of(type(value))
        number = sum(name.startswith(f"{tag} ") for name in found) + 1
        found[f"{tag} {number}"] = address(value)
    if os.environ.get("ENTRACK_GOLDEN") == "write":
        GOLDEN.write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads(GOLDEN.read_text())


def names_by_tag(cls: type) -> dict[str, str]:
    """Python's names of the fields of a class, by their tags."""
    return {field.tag: field.name for field in cls.__address_form__.fields}  # type: ignore[attr-defined]


def renamed(value: Any, tag: str | None = None, tags: Mapping[str, str] | None = None) -> Any:
    """The value as of a class of another name, with other names of its fields, in another order, and an optional field
    that was added later. `tag` is another tag of the class, `tags` are others of its fields."""
    cls, names = type(value), dict(reversed(names_by_tag(type(value)).items()))
    defaults = attrs.fields_dict(cls)
    fields = {f"new_{name}": attrs.field(default=defaults[name].default, kw_only=True) for name in names.values()}
    fields["added"] = attrs.field(default=None, kw_only=True)
    digested = isinstance(value, Digested)
    base = (Digested,) if digested else (object,)
    twin: Any = attrs.make_class(f"New{cls.__name__}", fields, bases=base, frozen=True, slots=not digested)
    tagged(tag or tag_of(cls), " ".join([*((tags or {}).get(one, one) for one in names), "added-later"]))(twin)
    return twin(**{f"new_{name}": getattr(value, name) for name in names.values()})


CLASSES = list({type(value): value for value in STORED if not isinstance(value, Enum)}.values())
every_class = pytest.mark.parametrize("value", CLASSES, ids=lambda value: tag_of(type(value)))


@every_class
def test_names_in_python_say_nothing(value: Any) -> None:
    assert address(renamed(value)) == address(value)


@every_class
def test_a_tag_and_an_added_field_that_is_set_say_something(value: Any) -> None:
    assert address(renamed(value, tag="another")) != address(value)
    assert address(attrs.evolve(renamed(value), added=1)) != address(value)


@every_class
def test_the_tag_of_a_field_says_something_unless_it_is_at_its_default(value: Any) -> None:
    for tag, name in names_by_tag(type(value)).items():
        same = getattr(value, name) == attrs.fields_dict(type(value))[name].default
        assert (address(renamed(value, tags={tag: "another"})) == address(value)) == same


def test_renamed_members_of_an_enumeration() -> None:
    @tagged("part")
    class Place(Enum):
        OUT = "output"
        ASKS = "query"

    assert [address(place) for place in Place] == [address(Part.OUTPUT), address(Part.QUERY)]


def test_a_default_is_left_out_only_where_it_is_the_same() -> None:
    """Python takes False, 0, 0.0 and -0.0 for equal; an address does not."""

    @tagged("optional", "a")
    @frozen
    class Optional:
        a: object = 0

    values = [Optional(value) for value in (0, False, 0.0, -0.0, None)]
    assert len({address(value) for value in values}) == len(values)
    assert address(Optional()) == address(values[0])


def test_without_a_tag_there_is_no_address() -> None:
    @frozen
    class Untagged:
        a: int

    @frozen
    class Inherits(Site):
        """A subclass has its parent's fields, and may mean anything."""

    class Colour(Enum):
        RED = "red"

    class Large(Digested):
        pass

    address((Site.of_head(1, 2), Site.of_head(3, 4)))  # which is remembered
    for value in (
        Untagged(1),
        Inherits(1, Part.MLP),
        (Inherits(1, Part.MLP), Inherits(3, Part.MLP)),
        Colour.RED,
        Large(),
    ):
        with pytest.raises(TypeError, match="no tag"):
            address(value)


@pytest.mark.parametrize("fields", ["", "a", "a a", "a b c", "A b", 'a "b'])
def test_tags_that_do_not_fit_are_refused(fields: str) -> None:
    @frozen
    class Pair:
        a: int
        b: int

    with pytest.raises(TypeError):
        address(tagged("pair", fields)(Pair)(1, 2))


def test_all_tags_fit_their_classes() -> None:
    loaded = [module for name, module in sys.modules.items() if name.startswith("entrack.")]
    classes = {each for module in loaded for each in vars(module).values() if isinstance(each, type)}
    forms = [each.__address_form__ for each in classes if "__address_form__" in vars(each)]  # type: ignore[attr-defined]
    assert len(forms) > 30
    assert [len(form.fields) for form in forms] == [len(form.tags) for form in forms]


def test_members_that_are_not_texts_are_refused() -> None:
    class Colour(Enum):
        RED = 1

    with pytest.raises(TypeError):
        tagged("colour")(Colour)
