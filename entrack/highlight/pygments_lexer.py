"""Pygments' lexer of specs: the entry point `entrack` of `pygments.lexers`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pygments import token
from pygments.lexer import Lexer

from entrack.highlight.pieces import Kind, pieces

TOKENS: Mapping[Kind, Any] = {
    Kind.BLANK: token.Whitespace,
    Kind.COMMENT: token.Comment.Single,
    Kind.ITEM: token.Keyword.Declaration,
    Kind.WORD: token.Keyword,
    Kind.GIVEN: token.Name.Builtin.Pseudo,
    Kind.DECLARED: token.Name.Variable,
    Kind.CALLED: token.Name.Function,
    Kind.NAME: token.Name,
    Kind.SITE: token.Name.Constant,
    Kind.NUMBER: token.Number,
    Kind.STRING: token.String,
    Kind.ESCAPE: token.String.Escape,
    Kind.HOLE: token.String.Interpol,
    Kind.SIGN: token.Punctuation,
    Kind.OTHER: token.Error,
}


class EntrackLexer(Lexer):  # type: ignore[misc]  # Pygments has no types
    """Specs of entrack."""

    name = "entrack"
    aliases = ["entrack", "et"]  # noqa: RUF012  # Pygments' own form of a lexer
    filenames = ["*.et"]  # noqa: RUF012

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, Any, str]]:
        """Offset, kind and text of each piece."""
        offset = 0
        for kind, piece in pieces(text):
            yield offset, TOKENS[kind], piece
            offset += len(piece)
