"""The reader and lark read the same: what one reads the other reads, and what is built has the places that lark's tree
has."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lark import Token as LarkToken
from lark import Tree
from lark.exceptions import UnexpectedInput

from entrack.syntax import reader as reading
from entrack.syntax.grammar import parser, tables
from entrack.syntax.kept_tables import TABLES, grammar_digest
from entrack.syntax.reader import Reader, Token, Unreadable, reader

sys.path.insert(0, str(Path(__file__).parent))
from drawn_specs import drawn

ROOT = Path(__file__).parents[2]
SPECS = [*(ROOT / "specs").rglob("*.et"), *(ROOT / "tests" / "check" / "broken").glob("*.et")]
SPLICED = ("", "x", " ", "{", "1.2", '"', "in", "#", "on ", "\n", "..")


class Plain:
    """Builds what lark's tree says of each rule."""

    def built(self, rule: str, children: list[Any], start: int, end: int) -> Any:
        return rule, children, start, end


def said(value: Any) -> Any:
    """A tree of lark's, or what `Plain` built, in one form."""
    match value:
        case Tree(data=data, children=children, meta=meta):
            start, end = (reading.NOWHERE, reading.NOWHERE) if meta.empty else (meta.start_pos, meta.end_pos)
            return str(data), [said(child) for child in children], start, end
        case LarkToken() | Token():
            return value.type, str(value), value.start_pos, value.end_pos
        case (rule, children, start, end):
            return rule, [said(child) for child in children], start, end
    return value


def by_lark(text: str, start: str) -> Any:
    try:
        return said(parser().tree(text, start))
    except UnexpectedInput:
        return None


def by_reader(text: str, start: str) -> Any:
    try:
        return said(reader().read(text, Plain(), start))
    except Unreadable:
        return None


def spliced(text: str, number: int) -> str:
    chance = random.Random(f"splice {number}")
    start = chance.randrange(len(text) + 1)
    return text[:start] + chance.choice(SPLICED) + text[start + chance.randrange(4) :]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name)
def test_specs(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert by_reader(text, "start") == by_lark(text, "start")


def test_drawn_specs_whole_and_broken() -> None:
    whole = [drawn(random.Random(f"reader {number}")) for number in range(80)]
    broken = [spliced(text, number) for number, text in enumerate(whole * 2)]
    read = [by_reader(text, "start") for text in (*whole, *broken)]
    assert read == [by_lark(text, "start") for text in (*whole, *broken)]
    assert read[: len(whole)].count(None) < len(whole) // 4 and read[len(whole) :].count(None) > len(whole) // 2


@pytest.mark.parametrize("text", ["", "a", "a.b[c]", "a[where b == c, d = e]", "(a)", "a b", "a..b", "heads[1]", "1"])
def test_references(text: str) -> None:
    assert by_reader(text, "reference_only") == by_lark(text, "reference_only")


@pytest.mark.parametrize("text", ["inbase", "param n = 20boxes", "entrack 1x", "entrack 1_", "param n = 1.5e3"])
def test_a_word_ends_where_it_ends(text: str) -> None:
    assert by_reader(text, "start") is None


def test_tables_of_another_grammar_are_worked_out_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = TABLES.read_text(encoding="utf-8")
    for text in ("", "[]", '{"grammar": "another"}', there.replace(grammar_digest(), "0" * 64)):
        (tmp_path / "tables.json").write_text(text, encoding="utf-8")
        monkeypatch.setattr(reading, "TABLES", tmp_path / "tables.json")
        assert Reader.of(reading._kept()).read("entrack 1", Plain())[0] == "start"


def test_tables_are_those_of_the_grammar() -> None:
    assert TABLES.read_text(encoding="utf-8") == tables() + "\n"


def test_reading_a_sound_text_loads_no_lark() -> None:
    said = "import sys; from entrack import api; api.loads('entrack 1\\nparam n = 1'); sys.exit('lark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", said], timeout=60, check=False).returncode == 0
