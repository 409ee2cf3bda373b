"""Building tasks: how prompts are drawn, alternates, desiderata. One method a rule."""

from __future__ import annotations

from entrack.source import NOWHERE, Span
from entrack.syntax import ast
from entrack.syntax.build_base import BuildBase, Children
from entrack.syntax.reader import Token


class BuildTasks(BuildBase):
    """The rules of a task's block."""

    def task(self, at: Span, c: Children) -> ast.Task:
        rest = [item for item in c[1:] if item is not None]
        parameters = tuple(item for item in rest if isinstance(item, ast.Named))
        items = tuple(item for item in rest if not isinstance(item, ast.Named))
        return ast.Task(str(c[0]), parameters, items, span=at, name_span=self._of(c[0]))

    def binding(self, at: Span, c: Children) -> ast.Binding:
        return ast.Binding(str(c[0]), c[1], span=at, name_span=self._of(c[0]))

    def position(self, at: Span, c: Children) -> ast.Position:
        return ast.Position(str(c[0]), c[1], span=at, name_span=self._of(c[0]))

    def distinct(self, at: Span, c: Children) -> ast.Distinct:
        return ast.Distinct(c[0], c[1], span=at)

    def several(self, at: Span, c: Children) -> ast.Several:
        return ast.Several(c[0], c[1], span=at)

    def one(self, at: Span, c: Children) -> ast.One:
        return ast.One(c[0], span=at)

    def row(self, at: Span, c: Children) -> ast.Row:
        return ast.Row(c[0], span=at)

    def index(self, at: Span, c: Children) -> ast.Index:
        return ast.Index(c[0], span=at)

    def without(self, at: Span, c: Children) -> ast.Except:
        return ast.Except(c[0], c[1], span=at)

    def letters(self, at: Span, c: Children) -> ast.Letters:
        return ast.Letters(c[0][0], c[0][-1], span=at)

    def range(self, at: Span, c: Children) -> ast.Range:
        return ast.Range(c[0], c[2], span=at)

    def end_of(self, at: Span, c: Children) -> ast.EndOf:
        return ast.EndOf(c[0], span=at)

    def any_of(self, at: Span, c: Children) -> ast.AnyOf:
        return ast.AnyOf(c[0], span=at)

    def span_of(self, at: Span, c: Children) -> ast.SpanOf:
        return ast.SpanOf(c[0], span=at)

    def text_in(self, at: Span, c: Children) -> ast.TextIn:
        return ast.TextIn(c[0], c[1], _offset(*c[2:]), span=at)

    def hole_place(self, at: Span, c: Children) -> ast.HolePlace:
        return ast.HolePlace(c[0], _offset(*c[1:]), span=at)

    def alternate(self, at: Span, c: Children) -> ast.Alternate:
        return ast.Alternate(str(c[0]), self._name(c[1]), tuple(c[2:]), span=at, name_span=self._of(c[0]))

    def fresh(self, at: Span, c: Children) -> ast.Fresh:
        return ast.Fresh(tuple(c), span=at)

    def redraw(self, at: Span, c: Children) -> ast.Redraw:
        return ast.Redraw(tuple(c), span=at)

    def shuffle(self, at: Span, c: Children) -> ast.Shuffle:
        return ast.Shuffle(tuple(c), span=at)

    def constraint(self, at: Span, c: Children) -> ast.Constraint:
        return ast.Constraint(c[0], str(c[1]), c[2], span=at)

    def override(self, at: Span, c: Children) -> ast.Override:
        return ast.Override(c[0], c[1], span=at)

    def desideratum(self, at: Span, c: Children) -> ast.Desideratum:
        changes = [item for item in c[2:] if isinstance(item, tuple)]
        targets = [item for item in c[2:] if not isinstance(item, tuple)]
        return ast.Desideratum(
            str(c[0]),
            self._name(c[1]),
            changes[0][0] if changes else None,
            targets[0] if targets else None,
            span=at,
            name_span=self._of(c[0]),
            changes_span=changes[0][1] if changes else NOWHERE,
        )

    def inner_alternate(self, at: Span, c: Children) -> tuple[tuple[ast.Change, ...], Span]:
        return tuple(c), at

    def target(self, at: Span, c: Children) -> ast.Expression:
        return c[0]  # type: ignore[no-any-return]


def _offset(sign: Token | None, number: Token | None) -> int:
    return 0 if number is None else int(number) * (-1 if sign == "-" else 1)
