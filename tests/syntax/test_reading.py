"""A text of which the beginning is known is read as one of which nothing is: the same tree, the same failure."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import attrs
from lark.exceptions import UnexpectedInput

from entrack.budget import within
from entrack.source import Source
from entrack.syntax import reading
from entrack.syntax.failure import terminals
from entrack.syntax.grammar import parser
from entrack.syntax.parse import parse
from entrack.syntax.reading import Known, Reading

SPECS = sorted((Path(__file__).parents[2] / "specs").rglob("*.et"))
EDITS_OF_A_TEXT = 20


def changed(text: str, draw: random.Random) -> str:
    """A text with a piece of it gone, or there twice, or with a sign in it that may not stand there."""
    place, many = draw.randrange(len(text)), draw.randrange(1, 30)
    return draw.choice(
        (
            text[:place] + text[place + many :],
            text[: place + many] + text[place:],
            text[:place] + draw.choice('{[(}"x1 \n') + text[place:],
        )
    )


def all_of(node: Any) -> Any:
    """A value with all that is in it, spans too, which equal values may differ in."""
    if isinstance(node, tuple):
        return tuple(map(all_of, node))
    if attrs.has(type(node)):
        return type(node).__name__, *(all_of(getattr(node, each.name)) for each in attrs.fields(type(node)))
    return node


def outcome(text: str, how: Any) -> Any:
    """The tree, or all that a failure says: where, at what, and what could have stood there."""
    try:
        return how(text).pretty()
    except UnexpectedInput as failure:
        token = getattr(failure, "token", None)
        return failure.pos_in_stream, str(token), getattr(token, "type", ""), terminals(failure)


def test_a_text_is_read_as_it_is_when_its_beginning_is_known() -> None:
    draw, known, further = random.Random(7), Known(), 0
    for path in draw.sample(SPECS, 6):
        text = path.read_text(encoding="utf-8")
        for _ in range(EDITS_OF_A_TEXT):
            text = changed(text, draw)
            again = Reading(known)
            with within() as spent_again:
                found = parse(Source("a.et", text), again)
            with within() as spent:
                assert all_of(found) == all_of(parse(Source("a.et", text))), text
            assert spent_again.spent == spent.spent
            known = again.now
            assert outcome(text, Reading(known).tree) == outcome(text, parser().tree), text
            further += len(known.stands) > 1
    assert further > EDITS_OF_A_TEXT


def test_what_is_known_is_not_changed_by_reading_on(monkeypatch: Any) -> None:
    monkeypatch.setattr(reading, "LEAST_APART", 1)
    begins, text = Reading(), "entrack 1\nseed 1\nparam a = 1\nparam b = 2\n"
    begins.tree(text)
    for more in ("param c = 3\n", "param d = 4\n"):
        again = Reading(begins.now)
        assert again.tree(text + more).pretty() == parser().tree(text + more).pretty()
        assert again.now.stands[-1].place == len(text)


def test_a_mistake_costs_no_reading_from_the_beginning(monkeypatch: Any) -> None:
    text = "entrack 1\n" + "param a = 1\n" * 500
    read: list[int] = []
    monkeypatch.setattr(type(parser()), "going_on", _told(read))
    parse(Source("a.et", text.replace("param a = 1\n" * 100, "param a = 1\n" * 100 + "param = 1\n")))
    assert len(read) == 6
    assert sum(len(text) - place for place in read) < 4 * len(text)


def _told(read: list[int]) -> Any:
    going_on = type(parser()).going_on

    def told(self: Any, text: str, place: int) -> Any:
        read.append(place)
        return going_on(self, text, place)

    return told


def test_a_bracket_on_the_next_line_makes_a_site_of_the_name_before(monkeypatch: Any) -> None:
    monkeypatch.setattr(reading, "LEAST_APART", 1)
    begins = Reading()
    text = "entrack 1\nmeasure m = accuracy(b with zero mlp\n{}0]) on 3 t\n"
    outcome(text.format("x"), begins.tree)
    assert outcome(text.format("["), Reading(begins.now).tree) == outcome(text.format("["), parser().tree)
