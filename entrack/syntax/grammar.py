"""The grammar as a parser: `grammars/entrack.lark`, read once.

LALR with the contextual lexer, so that a word of the language may also be a name wherever no construct can stand. Lark's own
cache is never used: it would unpickle a file with a predictable name in the temporary folder.
"""

from __future__ import annotations

from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from lark import Lark
from lark.lexer import PatternRE, TerminalDef


WORD_END = r"(?!\w)"


def grammar_text() -> str:
    """The grammar's own text: from the installed package, else from the checkout around it."""
    packaged = files("entrack").joinpath("grammars/entrack.lark")
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).parents[2] / "grammars" / "entrack.lark").read_text(encoding="utf-8")


def make_parser(comments: list[Any] | None = None, strict: bool = False) -> Lark:
    """A parser that appends each comment token to `comments`. Making one costs a tenth of a second, so callers keep theirs."""
    callbacks = {} if comments is None else {"COMMENT": comments.append}
    return Lark(
        grammar_text(),
        parser="lalr",
        lexer="contextual",
        start=["start", "reference_only"],
        propagate_positions=True,
        lexer_callbacks=callbacks,
        edit_terminals=_whole_word,
        strict=strict,
    )


def _whole_word(terminal: TerminalDef) -> TerminalDef:
    """A word of the language ends where the word in the text ends: `inbase` is not `in base`."""
    if terminal.pattern.type == "str" and terminal.pattern.value.isalpha():
        return TerminalDef(terminal.name, PatternRE(terminal.pattern.value + WORD_END), terminal.priority + 1)
    return terminal


class Parser:
    """The parser of this process, with the comments of the text that it read last."""

    def __init__(self) -> None:
        self._comments: list[Any] = []
        self._lark = make_parser(self._comments)

    def tree(self, text: str, start: str = "start") -> Any:
        """Lark's tree of a text. Raises `UnexpectedInput`."""
        self._comments.clear()
        return self._lark.parse(text, start=start)

    @property
    def comments(self) -> tuple[Any, ...]:
        return tuple(self._comments)

    @cached_property
    def item_words(self) -> frozenset[str]:
        """The words that an item begins with."""
        return frozenset(self.word_of(name) for name in self._lark.parse_interactive("", start="start").accepts()) - {""}

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of the language."""
        return frozenset(self.word_of(name) for name in self._signs) - {""}

    def word_of(self, terminal: str) -> str:
        """The word that a terminal stands for; empty when it stands for a sign, or for several."""
        sign = self.sign_of(terminal)
        return sign if terminal in self._signs and sign.isalpha() else ""

    def sign_of(self, terminal: str) -> str:
        """What a terminal is written as, such as `->`; its own name where that differs, such as NAME."""
        return self._signs.get(terminal, terminal)

    @cached_property
    def _signs(self) -> dict[str, str]:
        known = {terminal.name: terminal.pattern for terminal in self._lark.terminals}
        return {name: pattern.value.removesuffix(WORD_END) for name, pattern in known.items() if pattern.type == "str" or pattern.value.endswith(WORD_END)}


@cache
def parser() -> Parser:
    """The one parser of this process."""
    return Parser()
