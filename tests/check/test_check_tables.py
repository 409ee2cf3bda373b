"""The parser's tables: of this grammar, and the same parser as one made from it. `python -m entrack.syntax.grammar`
writes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from lark import Lark, UnexpectedInput

from entrack.syntax import grammar

ROOT = Path(__file__).parents[2]
SPECS = [*(ROOT / "specs").rglob("*.et"), *(ROOT / "tests" / "check" / "broken").glob("*.et")]


def test_tables_are_fresh() -> None:
    before = grammar.TABLES.read_text(encoding="utf-8")
    assert f'"of":"{grammar.tables_of()}"' in before, "write them: python -m entrack.syntax.grammar"


@pytest.fixture(scope="module")
def made() -> Lark:
    return grammar.make_parser()


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name)
def test_same_parser(path: Path, made: Lark) -> None:
    text = path.read_text(encoding="utf-8")
    assert outcome(grammar.load_parser(), text) == outcome(made, text)


def outcome(parser: Lark, text: str) -> object:
    try:
        return parser.parse(text, start="start")
    except UnexpectedInput as failure:
        return failure.pos_in_stream, str(getattr(failure, "token", "")), failure.interactive_parser.accepts()  # type: ignore[no-untyped-call]


def test_tables_of_another_grammar_are_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for text in (
        "",
        "{}",
        '{"of": "another"}',
        "[]",
        grammar.TABLES.read_text(encoding="utf-8").replace('"data"', '"date"'),
    ):
        (tmp_path / "tables.json").write_text(text, encoding="utf-8")
        monkeypatch.setattr(grammar, "TABLES", tmp_path / "tables.json")
        assert grammar.load_parser().parse("entrack 1", start="start").data == "start"
