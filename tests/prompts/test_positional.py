"""The eleven positional desiderata, checked with nothing but their texts. On a failure pytest prints prompt, alternate
and target.

Each alternate really has what its name says, its answer is what a reader of the text would say, and the target differs
from the original's answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from prompt_boxes import HEAD, read, spec

from entrack.cli.prompts import prompts_json

POSITIONAL = HEAD.replace("boxes/boxes.et", "boxes/positional.et")
PLAIN = re.compile(r"(?:^The|the) \w+ is in Box [A-Z]")
MANY = 40


def context(text: str) -> list[str]:
    """The segments between commas, before the question."""
    return text.rsplit(". Box ", 1)[0].split(", ")


def odd(text: str) -> list[tuple[int, str]]:
    """The segments that are not the plain one, with their places."""
    return [(place, part) for place, part in enumerate(context(text)) if not PLAIN.fullmatch(part)]


def asked(text: str) -> str:
    return text.rsplit(". Box ", 1)[1][0]


def one_of_eight(place: int) -> Callable[[dict[str, Any]], bool]:
    return lambda entry: (
        len(context(entry["text"])) == 8
        and not odd(entry["text"])
        and entry["answer"] not in context(entry["text"])[place]
    )


LOOKS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "text_at_start": lambda e: (
        [place for place, _ in odd(e["text"])] == [0] and "a bunch of boxes" in context(e["text"])[0]
    ),
    "text_at_end": lambda e: (
        [place for place, _ in odd(e["text"])] == [7] and "a bunch of boxes" in context(e["text"])[7]
    ),
    "segment_at_start": one_of_eight(0),
    "segment_at_end": one_of_eight(7),
    "tokens_between": lambda e: all(
        re.fullmatch(r"[Tt]he \w+ is contained in the Box [A-Z]", part) for part in context(e["text"])
    ),
    "boxes_before": lambda e: (
        re.search(
            rf"three additional boxes, Box [A-Z], Box [A-Z], Box [A-Z], the {e['answer']} is in Box {asked(e['text'])}",
            e["text"],
        )
        is not None
    ),
    "one_segment_on": lambda e: not odd(e["text"]) and len(context(e["text"])) == 7,
    "turned_round": lambda e: (
        [part.lower() for _, part in odd(e["text"])] == [f"box {asked(e['text'])} contains the {e['answer']}".lower()]
    ),
    "association_altered": lambda e: (
        [part.lower() for _, part in odd(e["text"])] == [f"the {e['answer']} is not in box {asked(e['text'])}".lower()]
    ),
    "no_commas": lambda e: "," not in e["text"] and len(re.findall(r"he \w+ is in Box [A-Z]", e["text"])) == 7,
    "comma_after_object": lambda e: len(re.findall(r"he \w+, is in Box [A-Z]", e["text"])) == 7,
}


@pytest.fixture(scope="module")
def entries() -> dict[str, list[dict[str, Any]]]:
    made = spec(head=POSITIONAL)
    return {name: prompts_json(made.prompts(name, MANY)[0]) for name in LOOKS}


@pytest.mark.parametrize("name", LOOKS)
def test_the_alternate_is_what_its_name_says(name: str, entries: dict[str, list[dict[str, Any]]]) -> None:
    for entry in entries[name]:
        print(entry["text"], entry["alternate"]["text"], entry["target"], sep="\n")
        assert LOOKS[name](entry["alternate"])
        assert not any(looks(entry) for other, looks in LOOKS.items() if other != "one_segment_on"), (
            "the original is plain"
        )


@pytest.mark.parametrize("name", LOOKS)
def test_the_target_is_the_originals_object_there(name: str, entries: dict[str, list[dict[str, Any]]]) -> None:
    """The place is counted among the seven segments that both prompts have, not among those added."""
    for entry in entries[name]:
        original, things = read(entry), seven(name, entry["alternate"]["text"])
        place = things.index(entry["alternate"]["answer"]) + (name == "one_segment_on")
        assert len(things) == 7
        assert entry["target"] == original.objects[place]
        assert entry["target"] != entry["answer"]
        assert not set(original.objects) & set(things)


def seven(name: str, text: str) -> list[str]:
    """The objects of an alternate's own segments, in order."""
    body = text.rsplit(". Box ", 1)[0]
    found = [one or other for one, other in re.findall(r"[Tt]he (\w+),? is|[Bb]ox [A-Z] contains the (\w+)", body)]
    return found[1:] if name == "segment_at_start" else found[:-1] if name == "segment_at_end" else found
