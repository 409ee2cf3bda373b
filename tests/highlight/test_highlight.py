"""Colours of specs: every character keeps its place, every word of the grammar has a colour."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygments import token
from pygments.lexers import find_lexer_class_by_name, get_lexer_for_filename

from entrack import vocabulary
from entrack.highlight.pieces import Kind, pieces
from entrack.highlight.pygments_lexer import TOKENS, EntrackLexer
from entrack.highlight.shown import COLOURS, Form, html_of, shown_as, to_html, to_latex, to_terminal
from entrack.syntax import grammar
from entrack.syntax.reader import reader

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs").rglob("*.et"))


def kinds(text: str) -> dict[str, Kind]:
    return {piece: kind for kind, piece in pieces(text) if kind is not Kind.BLANK}


@pytest.mark.parametrize("path", SPECS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_shipped_spec_has_colours_and_keeps_its_text(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "".join(piece for _, piece in pieces(text)) == text
    assert not [piece for kind, piece in pieces(text) if kind is Kind.OTHER]
    found = list(EntrackLexer().get_tokens_unprocessed(text))
    assert "".join(value for _, _, value in found) == text
    assert token.Error not in {kind for _, kind, _ in found}
    assert all(text[offset:].startswith(value) for offset, _, value in found)


@given(st.text(alphabet=st.sampled_from('ab1.{}"\\#/ \n\t-><=[],é日\u202e\x1b%;'), max_size=60))
def test_any_text_keeps_its_characters(text: str) -> None:
    assert "".join(piece for _, piece in pieces(text)) == text


def test_all_words_of_the_grammar_are_known() -> None:
    parser_words = reader().words
    assert parser_words <= set(vocabulary.words())
    for word in vocabulary.words():
        assert pieces(f"x {word} ")[2] in ((Kind.WORD, word), (Kind.ITEM, word)), word
        assert pieces(f"a.{word}")[2] == (Kind.NAME, word), "after a dot it is a name"


def test_all_terminals_of_the_grammar_are_known() -> None:
    assert {"HEAD", "SITE", "COMPUTED", "EMBEDDING", "STRING", "COMMENT", "WS"} <= set(vocabulary.terminals())
    assert all(re.compile(form) for form in vocabulary.terminals().values())
    signs = {grammar.parser().sign_of(each.name) for each in grammar.load_parser().terminals}
    assert {sign for sign in signs if not re.search(r"[\w\s]", sign)} <= set(vocabulary.signs())


def test_pieces_by_what_they_are() -> None:
    found = kinds('discover cir in base # why\nlogits mlp.3 0.5 14.13.query builtin("a\\n{x}") $ only(c)')
    assert found == {
        "discover": Kind.ITEM,
        "cir": Kind.DECLARED,
        "in": Kind.WORD,
        "base": Kind.NAME,
        "# why": Kind.COMMENT,
        "logits": Kind.GIVEN,
        "mlp.3": Kind.SITE,
        "0.5": Kind.NUMBER,
        "14.13.query": Kind.NUMBER,
        "builtin": Kind.CALLED,
        "(": Kind.SIGN,
        '"a': Kind.STRING,
        "\\n": Kind.ESCAPE,
        "{x}": Kind.HOLE,
        '"': Kind.STRING,
        ")": Kind.SIGN,
        "$": Kind.OTHER,
        "only": Kind.CALLED,
        "c": Kind.NAME,
    }


def test_the_alternate_of_a_target_is_no_item() -> None:
    assert kinds("target alternate.answer")["alternate"] is Kind.GIVEN
    assert kinds("alternate scrambled of boxes")["alternate"] is Kind.ITEM


def test_every_kind_has_a_token_and_a_look() -> None:
    assert set(TOKENS) == set(Kind)
    assert set(Kind) - set(COLOURS) == {Kind.BLANK, Kind.NAME}


class Text(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.tags = "", set[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("path", SPECS[:5], ids=lambda path: str(path.relative_to(ROOT)))
def test_html_and_terminal_say_the_text(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert Text(html_of(text)).text == text
    assert re.sub(r"\x1b\[[\d;]*m", "", to_terminal(text)) == text
    undone = re.sub(
        r"\\et(?!backslash|open|close)[a-z]+\{((?:[^{}]|\\et(?:open|close|backslash)\{\})*)\}", r"\1", body(text)
    )
    assert undone.replace(r"\etopen{}", "{").replace(r"\etclose{}", "}") == text.rstrip()


def body(text: str) -> str:
    found = re.search(r"commandchars=\\\\\\\{\\\}\]\n(.*)\n\\end\{Verbatim\}", to_latex(text), re.DOTALL)
    assert found is not None
    return found[1]


HOSTILE = '# </code></pre><script>x</script> \\end{Verbatim} \\input{/etc/passwd} \x1b]0;x\x07 \u202e\n"</style>&{a}"'


def test_hostile_text_is_shown() -> None:
    assert Text(to_html(HOSTILE)).tags == {"style", "pre", "code", "span"}
    assert to_latex(HOSTILE).count(r"\end{Verbatim}") == 1 and r"\input" not in to_latex(HOSTILE)
    for form in Form:
        assert not set(shown_as(HOSTILE, form)) & {"\x07", "\u202e"}
    assert "\x1b]" not in to_terminal(HOSTILE)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


@pytest.mark.parametrize("kind", COLOURS, ids=lambda kind: kind.value)
def test_colours_have_contrast(kind: Kind) -> None:
    look = COLOURS[kind]
    assert (luminance("FDFCF9") + 0.05) / (luminance(look.paper) + 0.05) >= 4.5
    assert (luminance(look.dark) + 0.05) / (luminance("16171A") + 0.05) >= 4.5


def test_pygments_finds_the_lexer() -> None:
    names = {each.name: each.value for each in entry_points(group="pygments.lexers")}
    assert names.get("entrack") == "entrack.highlight.pygments_lexer:EntrackLexer", "install the package anew"
    assert find_lexer_class_by_name("entrack") is EntrackLexer
    assert find_lexer_class_by_name("et") is EntrackLexer
    assert isinstance(get_lexer_for_filename("specs/quickstart.et"), EntrackLexer)
