"""What building any part of a program needs: spans, names, texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from entrack.source import Span
from entrack.syntax import ast
from entrack.syntax.reader import Token
from entrack.syntax.strings import unescape

Children = list[Any]


class BuildBase:
    """`file` names the text in every span; the text begins at its offset `first`."""

    def __init__(self, file: str, first: int = 0) -> None:
        self.file, self.first = file, first

    def built(self, rule: str, children: Children, start: int, end: int) -> Any:
        """What a rule makes of its parts, by the method of its name."""
        method: Callable[[Span, Children], Any] | None = getattr(self, rule, None)
        at = Span(self.file, self.first + max(start, 0), self.first + max(end, 0))
        return self.other(rule, at, children) if method is None else method(at, children)

    def other(self, rule: str, at: Span, c: Children) -> Any:
        raise NotImplementedError(rule)

    def _of(self, token: Token) -> Span:
        return Span(self.file, self.first + token.start_pos, self.first + token.end_pos)

    def _name(self, token: Token) -> ast.Name:
        return ast.Name(str(token), span=self._of(token))

    def _count(self, token: Token) -> ast.Integer | ast.Name:
        return ast.Integer(int(token), span=self._of(token)) if token.type == "INT" else self._name(token)

    def _number(self, token: Token) -> ast.Integer | ast.Number:
        whole = token.type == "INT"
        return ast.Integer(int(token), span=self._of(token)) if whole else ast.Number(str(token), span=self._of(token))

    def _string(self, token: Token) -> ast.String:
        return ast.String(unescape(token), span=self._of(token))
