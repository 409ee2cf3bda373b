"""What building any part of a program needs: spans, names, texts."""

from __future__ import annotations

from typing import Any

from lark import Token
from lark.tree import Meta
from lark.visitors import Transformer_NonRecursive

from entrack.source import Span
from entrack.syntax import ast
from entrack.syntax.strings import unescape

Children = list[Any]


class BuildBase(
    Transformer_NonRecursive[Any, Any]
):  # never the recursive one: a stranger's brackets must not use up the stack
    """`file` names the text in every span; the text begins at its offset `first`."""

    def __init__(self, file: str, first: int = 0) -> None:
        super().__init__()
        self.file, self.first = file, first

    def _at(self, meta: Meta) -> Span:
        if getattr(meta, "empty", True):
            return Span(self.file, self.first, self.first)
        return Span(self.file, self.first + meta.start_pos, self.first + meta.end_pos)

    def _of(self, token: Token) -> Span:
        return Span(self.file, self.first + (token.start_pos or 0), self.first + (token.end_pos or 0))

    def _name(self, token: Token) -> ast.Name:
        return ast.Name(str(token), span=self._of(token))

    def _number(self, token: Token) -> ast.Integer | ast.Number:
        whole = token.type == "INT"
        return ast.Integer(int(token), span=self._of(token)) if whole else ast.Number(str(token), span=self._of(token))

    def _string(self, token: Token) -> ast.String:
        return ast.String(unescape(token), span=self._of(token))
