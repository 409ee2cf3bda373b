"""What nobody sees may not stand in a spec, is shown by its number, and can be said in a text by an escape."""

from __future__ import annotations

import unicodedata

import pytest

from entrack.api import formatted
from entrack.diagnostics import errors
from entrack.diagnostics.escape import HIDDEN, in_place, visible
from entrack.source import Source
from entrack.syntax import ast
from entrack.syntax.parse import parse
from entrack.syntax.strings import quoted, unescape

SEEN_FORMATS = {*range(0x0600, 0x0606), 0x06DD, 0x070F, 0x0890, 0x0891, 0x08E2, 0x110BD, 0x110CD}
"""Category Cf, but with a picture: signs that stand round numbers."""
JOINERS = {0x200C, 0x200D}
LISTED = [
    0x034F,
    0x115F,
    0x1160,
    0x17B4,
    0x17B5,
    *range(0x180B, 0x1810),
    0x2065,
    0x3164,
    *range(0xFE00, 0xFE10),
    0xFFA0,
    0x2800,
    *range(0x1D173, 0x1D17B),
    *range(0x1BCA0, 0x1BCA4),
    *range(0xE0000, 0xE1000),
    0xFFFE,
    0x10FFFF,
    0xFDD0,
]
SOME = [
    0x034F,
    0x115F,
    0x17B4,
    0x180F,
    0x2065,
    0x2800,
    0x3164,
    0xFE0F,
    0xFFA0,
    0x1BCA0,
    0x1D173,
    0xE0041,
    0xE01EF,
    0xA0,
    0x3000,
    0x200B,
    0x202E,
    0x1B,
]
NEEDED = (
    "I \u2764\ufe0f you",
    "\u2764\ufe0f\u200d\U0001f525",
    "a\u200db",
    "x\xa0y\u3000",
    "\U000e0041",
    "\\u{41}",
    '\\"\n\t',
    "\u0645\u200c\u062e",
    "\u200d\u200d",
)
PLACES = ('model b{} = builtin("x")', 'claim "a{}b" a > 3', "seed 3 # a{}b", "{}seed 3", "task t {{ a{}b = 3 }}")


def test_all_that_unicode_knows_is_hidden() -> None:
    kinds = {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}
    wanted = (
        {code for code in range(0x110000) if unicodedata.category(chr(code)) in kinds}
        - SEEN_FORMATS
        - JOINERS
        - {0x09, 0x0A, 0x0D, 0x20}
    )
    assert sorted(code for code in {*wanted, *LISTED} if not HIDDEN.fullmatch(chr(code))) == []


def test_letters_signs_and_accents_are_not_hidden() -> None:
    shown = {
        code
        for code in range(0x110000)
        if unicodedata.category(chr(code))[0] in "LPSN" or unicodedata.category(chr(code)) in ("Mc", "Me")
    }
    assert {code for code in shown if HIDDEN.search(chr(code))} == {0x115F, 0x1160, 0x2800, 0x3164, 0xFFA0}
    assert not HIDDEN.search("e\u0301 \U0001f600 漢字 \u0915\u094d\u200d\u0937 \u0645\u06cc\u200c\u062e \r\n\t")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("code", SOME, ids=hex)
def test_refused_in_names_texts_and_comments(code: int, place: str) -> None:
    text = "entrack 1\n" + place.format(chr(code)) + "\n"
    problem = errors(parse(Source("a.et", text))[1])[0]
    assert problem.code == "E105"
    assert text[problem.span.start : problem.span.end] == chr(code)
    assert f"U+{code:04X}" in problem.message


@pytest.mark.parametrize("text", ["ca\u200dr", "\u200dcar", "a\rb"])
def test_refused_where_it_does_nothing(text: str) -> None:
    assert [problem.code for problem in parse(Source("a.et", f'entrack 1\nclaim "{text}" a > 3\n'))[1]] == ["E105"]


@pytest.mark.parametrize("code", [*SOME, *LISTED[::97]], ids=hex)
def test_shown_by_its_number(code: int) -> None:
    assert chr(code) not in visible(f"a{chr(code)}b")
    assert len(in_place(f"a{chr(code)}b")) == 3


@pytest.mark.parametrize("value", NEEDED)
def test_a_text_says_it_by_an_escape(value: str) -> None:
    literal = quoted(value)
    assert unescape(literal) == value
    program, problems = parse(Source("a.et", f"entrack 1\nclaim {literal} a > 3\n"))
    assert not problems
    claim = program.items[0]
    assert isinstance(claim, ast.Claim) and claim.text.value == value
    text, _ = formatted(Source("a.et", f"entrack 1\n\nclaim {literal} a > 3\n"))
    assert text == f"entrack 1\n\nclaim {literal} a > 3\n"


@pytest.mark.parametrize(
    "escape",
    [
        "\\u",
        "\\uFE0F",
        "\\u{}",
        "\\u{110000}",
        "\\u{D800}",
        "\\u{1B}",
        "\\u{A}",
        "\\u{FFFF}",
        "\\u{0000041}",
        "\\u{ 41 }",
    ],
)
def test_an_escape_that_stands_for_nothing(escape: str) -> None:
    text = f'entrack 1\nclaim "a {escape}" a > 3 # {escape}\n'
    (problem,) = parse(Source("a.et", text))[1]
    assert problem.code == "E133"
    assert escape.startswith(text[problem.span.start : problem.span.end])


def test_many_bad_escapes_are_not_all_said() -> None:
    assert len(parse(Source("a.et", 'entrack 1\nclaim "' + "\\u" * 20_000 + '" a > 3\n'))[1]) <= 20


def test_a_hole_is_read_after_escapes() -> None:
    program, _ = parse(Source("a.et", 'entrack 1\ntask t { prompt = "\\u{41}{x}" }\n'))
    binding = program.items[0].items[0]  # type: ignore[union-attr]
    assert binding.drawing == ast.String("A{x}")  # type: ignore[union-attr]
