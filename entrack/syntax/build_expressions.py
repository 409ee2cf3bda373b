"""Building expressions. One method a rule."""

from __future__ import annotations

from typing import Any

from entrack.source import Span
from entrack.syntax import ast
from entrack.syntax.build_base import BuildBase, Children


class BuildExpressions(BuildBase):
    """The rules of what stands for a value, a name or a place in a text."""

    def sum(self, at: Span, c: Children) -> ast.Expression:
        return c[0] if len(c) == 1 else ast.Sum(c[0], _pairs(c[1:]), span=at)

    def product(self, at: Span, c: Children) -> ast.Expression:
        return c[0] if len(c) == 1 else ast.Product(c[0], _pairs(c[1:]), span=at)

    def negative(self, at: Span, c: Children) -> ast.Negative:
        return ast.Negative(str(c[0]), c[1], span=at)

    def list(self, at: Span, c: Children) -> ast.ListOf:
        return ast.ListOf(tuple(c), span=at)

    def call(self, at: Span, c: Children) -> ast.Call:
        arguments = tuple(item for item in c[1:] if item is not None)
        return ast.Call(str(c[0]), arguments, span=at, name_span=self._of(c[0]))

    def named(self, at: Span, c: Children) -> ast.Named:
        return ast.Named(str(c[0]), c[1], span=at)

    def reference(self, at: Span, c: Children) -> ast.Reference:
        return ast.Reference(str(c[0]), tuple(c[1:]), span=at)

    def dotted(self, at: Span, c: Children) -> ast.Dotted:
        return ast.Dotted(str(c[0]), span=at)

    def subscript(self, at: Span, c: Children) -> ast.Subscript:
        return ast.Subscript(tuple(c), span=at)

    def where(self, at: Span, c: Children) -> ast.Where:
        return ast.Where(c[0], c[2], str(c[1]), span=at)

    def name(self, at: Span, c: Children) -> ast.Name:
        return self._name(c[0])

    def integer(self, at: Span, c: Children) -> ast.Integer:
        return ast.Integer(int(c[0]), span=at)

    def many(self, at: Span, c: Children) -> ast.Integer:
        return ast.Integer(int(c[0]), span=at)

    def number(self, at: Span, c: Children) -> ast.Number:
        return ast.Number(str(c[0]), span=at)

    def percent(self, at: Span, c: Children) -> ast.Percent:
        return ast.Percent(self._number(c[0]), span=at)

    def string(self, at: Span, c: Children) -> ast.String:
        return self._string(c[0])

    def signed(self, at: Span, c: Children) -> ast.Expression:
        sign, token = (c[0], c[1]) if len(c) == 2 else (None, c[0])
        number = self._number(token)
        return number if sign is None else ast.Negative(str(sign), number, span=at)


def _pairs(items: list[Any]) -> tuple[tuple[str, ast.Expression], ...]:
    return tuple((str(sign), operand) for sign, operand in zip(items[::2], items[1::2], strict=True))
