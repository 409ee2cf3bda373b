"""The parser's tables: of this grammar, and the same parser as one made from it. `python -m entrack.syntax.grammar`
writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lark import Lark, UnexpectedInput

from entrack.syntax import grammar
from entrack.syntax.kept_tables import TABLES

ROOT = Path(__file__).parents[2]
SPECS = [*(ROOT / "specs").rglob("*.et"), *(ROOT / "tests" / "check" / "broken").glob("*.et")]


def test_tables_are_fresh() -> None:
    before = TABLES.read_text(encoding="utf-8")
    assert f'"of":"{grammar.tables_of()}"' in before, "write them: python -m entrack.syntax.grammar"


@pytest.fixture(scope="module")
def made() -> Lark:
    return grammar.make_parser()


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name)
def test_same_parser(path: Path, made: Lark) -> None:
    text = path.read_text(encoding="utf-8")
    assert outcome(grammar.load_parser(), text) == outcome(made, text)


def test_what_a_text_does_not_meet_is_not_made() -> None:
    parser: Any = grammar.load_parser()
    rows, lexers = parser.parser.parser._parse_table.states, parser.parser.lexer.lexers
    assert not rows and not lexers
    parser.parse("entrack 1", start="start")
    assert 0 < len(lexers) <= len(rows) < 20 < 500 < len(rows.all())


def test_rules_are_as_they_were_before_they_were_packed(made: Lark) -> None:
    def said(parser: Lark) -> list[object]:
        return [
            (str(rule), str(rule.order), rule.alias, vars(rule.options), [part.fullrepr for part in rule.expansion])
            for rule in parser.rules
        ]

    assert said(grammar.load_parser()) == said(made)


def outcome(parser: Lark, text: str) -> object:
    try:
        return parser.parse(text, start="start")
    except UnexpectedInput as failure:
        return failure.pos_in_stream, str(getattr(failure, "token", "")), failure.interactive_parser.accepts()  # type: ignore[no-untyped-call]


def test_tables_of_another_grammar_are_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tables = TABLES.read_text(encoding="utf-8")
    said = json.loads(tables)
    for text in (
        "",
        "{}",
        '{"of": "another"}',
        "[]",
        tables.replace('"data"', '"date"'),
        json.dumps({**said, "options": []}),
        json.dumps({**said, "rules": []}),
    ):
        (tmp_path / "tables.json").write_text(text, encoding="utf-8")
        monkeypatch.setattr(grammar, "TABLES", tmp_path / "tables.json")
        assert grammar.load_parser().parse("entrack 1", start="start").data == "start"
