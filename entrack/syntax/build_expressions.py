"""Building expressions. One method a rule."""

from __future__ import annotations

from typing import Any

from lark import v_args
from lark.tree import Meta

from entrack.syntax import ast
from entrack.syntax.build_base import BuildBase, Children


@v_args(meta=True)
class BuildExpressions(BuildBase):
    """The rules of what stands for a value, a name or a place in a text."""

    def sum(self, meta: Meta, c: Children) -> ast.Expression:
        return c[0] if len(c) == 1 else ast.Sum(c[0], _pairs(c[1:]), span=self._at(meta))

    def product(self, meta: Meta, c: Children) -> ast.Expression:
        return c[0] if len(c) == 1 else ast.Product(c[0], _pairs(c[1:]), span=self._at(meta))

    def negative(self, meta: Meta, c: Children) -> ast.Negative:
        return ast.Negative(str(c[0]), c[1], span=self._at(meta))

    def list(self, meta: Meta, c: Children) -> ast.ListOf:
        return ast.ListOf(tuple(c), span=self._at(meta))

    def call(self, meta: Meta, c: Children) -> ast.Call:
        arguments = tuple(item for item in c[1:] if item is not None)
        return ast.Call(str(c[0]), arguments, span=self._at(meta), name_span=self._of(c[0]))

    def named(self, meta: Meta, c: Children) -> ast.Named:
        return ast.Named(str(c[0]), c[1], span=self._at(meta))

    def reference(self, meta: Meta, c: Children) -> ast.Reference:
        return ast.Reference(str(c[0]), tuple(c[1:]), span=self._at(meta))

    def dotted(self, meta: Meta, c: Children) -> ast.Dotted:
        return ast.Dotted(str(c[0]), span=self._at(meta))

    def subscript(self, meta: Meta, c: Children) -> ast.Subscript:
        return ast.Subscript(tuple(c), span=self._at(meta))

    def where(self, meta: Meta, c: Children) -> ast.Where:
        return ast.Where(c[0], c[2], str(c[1]), span=self._at(meta))

    def name(self, meta: Meta, c: Children) -> ast.Name:
        return self._name(c[0])

    def integer(self, meta: Meta, c: Children) -> ast.Integer:
        return ast.Integer(int(c[0]), span=self._at(meta))

    def many(self, meta: Meta, c: Children) -> ast.Integer:
        return ast.Integer(int(c[0]), span=self._at(meta))

    def number(self, meta: Meta, c: Children) -> ast.Number:
        return ast.Number(str(c[0]), span=self._at(meta))

    def percent(self, meta: Meta, c: Children) -> ast.Percent:
        return ast.Percent(self._number(c[0]), span=self._at(meta))

    def string(self, meta: Meta, c: Children) -> ast.String:
        return self._string(c[0])

    def signed(self, meta: Meta, c: Children) -> ast.Expression:
        sign, token = (c[0], c[1]) if len(c) == 2 else (None, c[0])
        number = self._number(token)
        return number if sign is None else ast.Negative(str(sign), number, span=self._at(meta))


def _pairs(items: list[Any]) -> tuple[tuple[str, ast.Expression], ...]:
    return tuple((str(sign), operand) for sign, operand in zip(items[::2], items[1::2], strict=True))
