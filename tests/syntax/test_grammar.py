"""The grammar itself: no conflict, no two terminals for one text, and nothing that a reader wrote is dropped."""

from __future__ import annotations

import pytest
from lark import Lark
from lark.exceptions import GrammarError, LexError

from entrack import vocabulary
from entrack.diagnostics import errors
from entrack.source import Source
from entrack.syntax import grammar
from entrack.syntax.parse import parse


def test_strict() -> None:
    grammar.make_parser(strict=True)


@pytest.mark.parametrize(
    "more", ['other: "seed" (NAME | LIKE)\nLIKE: /[a-z]+x/', "other: seed"], ids=["two terminals", "two readings"]
)
def test_strict_can_fail(more: str) -> None:
    text = f"{vocabulary.grammar_text()}\n{more}\n%extend item: other\n"
    with pytest.raises((GrammarError, LexError)):
        Lark(text, parser="lalr", lexer="contextual", start=["start", "reference_only"], strict=True)


@pytest.mark.parametrize(
    "item",
    [
        'claim "c" kept[nothing] == 1',
        'claim "c" kept.part == 1',
        'claim "c" a == b.c',
        "alternate a of t { label[asked] == original.label[0] }",
        "alternate a of t { x.y == 3 z = other.list[where a.b == 2] }",
        "task t { at q = prompt.label[asked] + 1 at r = prompt.label - 1 }",
        'model m = local("m") + lora("a")',
    ],
)
def test_a_sign_after_brackets_or_points(item: str) -> None:
    assert not errors(parse(Source("a.et", f"entrack 1\n{item}\n"))[1])


@pytest.mark.parametrize(
    "parts", ["target a target b", "alternate { } alternate { }", "target a alternate { } target b"]
)
def test_what_would_be_dropped_is_refused(parts: str) -> None:
    assert errors(parse(Source("a.et", f"entrack 1\ndesideratum d on t {{ {parts} }}\n"))[1])


@pytest.mark.parametrize("word", ["group", "over", "probability", "layers", "keep", "of", "query", "like"])
def test_a_word_of_the_language_may_be_a_variable(word: str) -> None:
    assert not errors(parse(Source("a.et", f"entrack 1\ntask t {{ {word} = 3  prompt = {word} }}\n"))[1])
