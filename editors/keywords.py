"""The words of the language, read from its grammar, and the editors' files with them put in: `python
editors/keywords.py`. Pygments' lexer, which comes with the package, reads the grammar itself."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from entrack.highlight.pieces import NAMELESS
from entrack.vocabulary import GIVEN, item_words, words

HERE = Path(__file__).parent
TEXTMATE = HERE / "vscode" / "syntaxes" / "entrack.tmLanguage.json"
VIM = HERE / "vim" / "syntax" / "entrack.vim"
EMACS = HERE / "emacs" / "entrack-mode.el"
LISTS: Mapping[str, Sequence[str]] = {
    "declaring": tuple(word for word in item_words() if word not in NAMELESS),
    "item": item_words(),
    "word": tuple(word for word in words() if word not in item_words()),
    "given": GIVEN,
}
"""Of the words that items begin with, those that stand before the name that they declare; all of these; all others of
the grammar; and names that every spec has."""
SCOPES = {
    "declaring": "meta.declaration",
    "item": "keyword.control",
    "word": "keyword.other",
    "given": "variable.language",
}
"""As TextMate's grammars call them."""


def in_textmate(text: str, kind: str, listed: Sequence[str]) -> str:
    """A rule of the grammar with these words, none of them after a point."""
    named = r"\\\\s+([A-Za-z_]\\\\w*)" if kind == "declaring" else ""
    match = rf"(?<![.\\\\w])({'|'.join(listed)})(?!\\\\w){named}"
    return _put(text, rf'("name": "{re.escape(SCOPES[kind])}\.entrack",\s*"match": )"[^"]*"', rf'\g<1>"{match}"')


def in_vim(text: str, kind: str, listed: Sequence[str]) -> str:
    """A line `syn keyword` with these words."""
    place = rf"(?m)^(syn keyword entrack{kind.capitalize()}(?: nextgroup=\w+ skipwhite)? ).*$"
    return _put(text, place, rf"\g<1>{' '.join(listed)}")


def in_emacs(text: str, kind: str, listed: Sequence[str]) -> str:
    """A constant with these words."""
    wrapped = textwrap.fill(" ".join(f'"{word}"' for word in listed), 78, break_on_hyphens=False)
    inside = textwrap.indent(wrapped, " " * 4).lstrip()
    return _put(text, rf"(\(defconst entrack-{kind}-words\n  '\()[^)]*\)", rf"\g<1>{inside})")


FILES: Mapping[Path, Callable[[str, str, Sequence[str]], str]] = {TEXTMATE: in_textmate, VIM: in_vim, EMACS: in_emacs}


def filled(path: Path) -> str:
    """An editor's file with the words of the grammar in their places."""
    text = path.read_text(encoding="utf-8")
    for kind, listed in LISTS.items():
        text = FILES[path](text, kind, listed)
    return text


def _put(text: str, place: str, words: str) -> str:
    found, many = re.subn(place, words, text)
    if many != 1:
        raise ValueError(f"{many} places for words are like {place}")
    return found


if __name__ == "__main__":
    for path in FILES:
        if (text := filled(path)) != path.read_text(encoding="utf-8"):
            path.write_text(text, encoding="utf-8")
            print(f"{path.relative_to(HERE)}: rewritten")
