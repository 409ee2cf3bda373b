"""Alternates and targets, checked with nothing but their texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from prompt_boxes import Boxes, drawn, read

from entrack.api import SpecError, loads
from entrack.cli.prompts import prompts_json
from entrack.source import Source

SEEDS = (0, 1, 99)
MANY = 60


@pytest.fixture(scope="module", params=SEEDS)
def pairs(request: pytest.FixtureRequest) -> Callable[[str], list[tuple[dict[str, Any], Boxes, Boxes]]]:
    """For a population: each entry, its original and its alternate, as read."""
    return lambda name: [
        (entry, read(entry), read(entry["alternate"])) for entry in drawn(name, MANY, f"seed {request.param}\n")
    ]


def test_originals(pairs: Any) -> None:
    for entry, original, _ in pairs("scrambled"):
        assert len(set(original.labels)) == len(set(original.objects)) == 7
        assert entry["answer"] == original.answer


def test_scrambled(pairs: Any) -> None:
    for _, original, other in pairs("scrambled"):
        assert not set(original.objects) & set(other.objects)
        assert not set(original.labels) & set(other.labels)
        assert other.asked not in other.labels + original.labels


def test_object_value(pairs: Any) -> None:
    for entry, original, other in pairs("object_value"):
        assert entry["target"] == entry["alternate"]["answer"] == other.answer
        assert entry["target"] not in original.objects
        assert original.labels.index(original.asked) != other.labels.index(other.asked)


def test_position(pairs: Any) -> None:
    for entry, original, other in pairs("position"):
        assert entry["target"] == original.objects[other.labels.index(other.asked)]
        assert entry["target"] != original.answer


def test_label_value(pairs: Any) -> None:
    for entry, original, other in pairs("label_value"):
        assert sorted(original.labels) == sorted(other.labels)
        assert entry["target"] == original.objects[original.labels.index(other.asked)]
        assert entry["target"] != original.answer
        assert not set(original.objects) & set(other.objects)


def test_shuffles_differ_and_every_box_is_asked(pairs: Any) -> None:
    read_pairs = pairs("label_value")
    assert len({tuple(map(original.labels.index, other.labels)) for _, original, other in read_pairs}) > MANY // 2
    assert {original.labels.index(original.asked) for _, original, _ in read_pairs} == set(range(7))


@pytest.mark.parametrize("name", ["boxes", "scrambled", "object_value", "position", "label_value"])
def test_positions_are_where_they_say(name: str) -> None:
    """Every word of the built-in tokenizer is one token, punctuation too, after one token at the start."""
    for entry in drawn(name, 20):
        for side in (entry, *([entry["alternate"]] if "alternate" in entry else [])):
            words = ["<s>", *side["text"].replace(",", " ,").replace(".", " .").split()]
            boxes, at = read(side), side["positions"]
            assert at["last"] == len(words) - 1 == len(side["token_ids"]) - 1
            assert words[at["query"]] == boxes.asked
            assert words[at["previous"] - 1 : at["previous"] + 1] == ["Box", words[at["previous"]]]
            assert words[at["previous"]] in boxes.labels
            if boxes.asked in boxes.labels:
                assert words[at["previous"]] == boxes.asked
                assert words[at["correct"]] == boxes.answer


TASK = """entrack 1
model base = builtin("boxes-base")
task t {
  object = 4 distinct from ["apple", "ball", "bell", "book", "boot", "bowl", "bus", "cake"]
  number = 3 from 0..4
  asked  = one index of object
  label  = 4 distinct from A..Z
  text   = join("the {object} is in Box {label}", ", ")
  prompt = "{text}. Box {label[asked]} contains the"
  answer = object[asked]
  at query = prompt.label
  at each  = text.label[asked]
}
"""


def sides(changes: str) -> list[tuple[Boxes, Boxes]]:
    spec = loads(Source("t.et", f"{TASK}alternate a of t {{ {changes} }}\n"))
    return [(read(entry), read(entry["alternate"])) for entry in prompts_json(spec.prompts("a", 40)[0])]


def test_nothing_changed_is_the_original() -> None:
    assert all(original == other for original, other in sides(""))


def test_kept_variables_are_kept() -> None:
    for original, other in sides("asked != original.asked"):
        assert (original.labels, original.objects) == (other.labels, other.objects)
        assert original.asked != other.asked
    for original, other in sides("fresh label"):
        assert original.objects == other.objects
        assert not set(original.labels) & set(other.labels)
        assert original.labels.index(original.asked) == other.labels.index(other.asked)


@pytest.mark.parametrize(
    ("relation", "holds"),
    [
        ("<", int.__lt__),
        ("<=", int.__le__),
        (">", int.__gt__),
        (">=", int.__ge__),
        ("==", int.__eq__),
        ("!=", int.__ne__),
    ],
)
def test_constraints_hold(relation: str, holds: Callable[[int, int], bool]) -> None:
    for _, other in sides(f"asked {relation} 2; redraw object"):
        assert holds(other.labels.index(other.asked), 2)


def test_shuffled_and_constrained() -> None:
    for original, other in sides("shuffle object; object[0] != original.object[0]"):
        assert sorted(original.objects) == sorted(other.objects)
        assert original.objects[0] != other.objects[0]


def test_a_hole_filled_otherwise_in_a_join() -> None:
    """The context's labels are others, element by element; the question's stays."""
    for original, other in sides("text.label = 4 distinct from A..Z except label"):
        assert not set(original.labels) & set(other.labels)
        assert len(set(other.labels)) == 4
        assert original.asked == other.asked
        assert original.objects == other.objects


@pytest.mark.parametrize("changes", ["text.label = 2 distinct from A..Z", "prompt.label = 2 distinct from A..Z"])
def test_a_hole_filled_with_a_wrong_number_of_values(changes: str) -> None:
    with pytest.raises(SpecError, match=r"cannot be filled|one value"):
        sides(changes)
