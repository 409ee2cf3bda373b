"""Building tasks: how prompts are drawn, alternates, desiderata. One method a rule."""

from __future__ import annotations

from lark import Token, v_args
from lark.tree import Meta

from entrack.source import NOWHERE, Span
from entrack.syntax import ast
from entrack.syntax.build_base import BuildBase, Children


@v_args(meta=True)
class BuildTasks(BuildBase):
    """The rules of a task's block."""

    def task(self, meta: Meta, c: Children) -> ast.Task:
        rest = [item for item in c[1:] if item is not None]
        parameters = tuple(item for item in rest if isinstance(item, ast.Named))
        items = tuple(item for item in rest if not isinstance(item, ast.Named))
        return ast.Task(str(c[0]), parameters, items, span=self._at(meta), name_span=self._of(c[0]))

    def binding(self, meta: Meta, c: Children) -> ast.Binding:
        return ast.Binding(str(c[0]), c[1], span=self._at(meta), name_span=self._of(c[0]))

    def position(self, meta: Meta, c: Children) -> ast.Position:
        return ast.Position(str(c[0]), c[1], span=self._at(meta), name_span=self._of(c[0]))

    def distinct(self, meta: Meta, c: Children) -> ast.Distinct:
        return ast.Distinct(c[0], c[1], span=self._at(meta))

    def several(self, meta: Meta, c: Children) -> ast.Several:
        return ast.Several(c[0], c[1], span=self._at(meta))

    def one(self, meta: Meta, c: Children) -> ast.One:
        return ast.One(c[0], span=self._at(meta))

    def row(self, meta: Meta, c: Children) -> ast.Row:
        return ast.Row(c[0], span=self._at(meta))

    def index(self, meta: Meta, c: Children) -> ast.Index:
        return ast.Index(c[0], span=self._at(meta))

    def without(self, meta: Meta, c: Children) -> ast.Except:
        return ast.Except(c[0], c[1], span=self._at(meta))

    def letters(self, meta: Meta, c: Children) -> ast.Letters:
        return ast.Letters(c[0][0], c[0][-1], span=self._at(meta))

    def range(self, meta: Meta, c: Children) -> ast.Range:
        return ast.Range(c[0], c[2], span=self._at(meta))

    def end_of(self, meta: Meta, c: Children) -> ast.EndOf:
        return ast.EndOf(c[0], span=self._at(meta))

    def any_of(self, meta: Meta, c: Children) -> ast.AnyOf:
        return ast.AnyOf(c[0], span=self._at(meta))

    def span_of(self, meta: Meta, c: Children) -> ast.SpanOf:
        return ast.SpanOf(c[0], span=self._at(meta))

    def text_in(self, meta: Meta, c: Children) -> ast.TextIn:
        return ast.TextIn(c[0], c[1], _offset(*c[2:]), span=self._at(meta))

    def hole_place(self, meta: Meta, c: Children) -> ast.HolePlace:
        return ast.HolePlace(c[0], _offset(*c[1:]), span=self._at(meta))

    def alternate(self, meta: Meta, c: Children) -> ast.Alternate:
        return ast.Alternate(str(c[0]), self._name(c[1]), tuple(c[2:]), span=self._at(meta), name_span=self._of(c[0]))

    def fresh(self, meta: Meta, c: Children) -> ast.Fresh:
        return ast.Fresh(tuple(c), span=self._at(meta))

    def redraw(self, meta: Meta, c: Children) -> ast.Redraw:
        return ast.Redraw(tuple(c), span=self._at(meta))

    def shuffle(self, meta: Meta, c: Children) -> ast.Shuffle:
        return ast.Shuffle(tuple(c), span=self._at(meta))

    def constraint(self, meta: Meta, c: Children) -> ast.Constraint:
        return ast.Constraint(c[0], str(c[1]), c[2], span=self._at(meta))

    def override(self, meta: Meta, c: Children) -> ast.Override:
        return ast.Override(c[0], c[1], span=self._at(meta))

    def desideratum(self, meta: Meta, c: Children) -> ast.Desideratum:
        changes = [item for item in c[2:] if isinstance(item, tuple)]
        targets = [item for item in c[2:] if not isinstance(item, tuple)]
        return ast.Desideratum(
            str(c[0]),
            self._name(c[1]),
            changes[0][0] if changes else None,
            targets[0] if targets else None,
            span=self._at(meta),
            name_span=self._of(c[0]),
            changes_span=changes[0][1] if changes else NOWHERE,
        )

    def inner_alternate(self, meta: Meta, c: Children) -> tuple[tuple[ast.Change, ...], Span]:
        return tuple(c), self._at(meta)

    def target(self, meta: Meta, c: Children) -> ast.Expression:
        return c[0]  # type: ignore[no-any-return]  # lark is untyped


def _offset(sign: Token | None, number: Token | None) -> int:
    return 0 if number is None else int(number) * (-1 if sign == "-" else 1)
