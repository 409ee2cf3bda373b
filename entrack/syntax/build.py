"""Building: what the parser has reduced becomes a value of `ast`. One method a rule, in the order of the grammar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast, get_args

from attrs import evolve
from lark import Token, v_args
from lark.tree import Meta
from lark.visitors import Transformer_NonRecursive

from entrack.source import NOWHERE, Span
from entrack.syntax import ast
from entrack.syntax.strings import unescape

Children = list[Any]


SOURCES: Mapping[str, Callable[..., ast.Source]] = {kind.__name__.lower(): kind for kind in get_args(ast.Source)}
"""The sources that stand after `from`, by their rules."""


class Swept(list[Any]):
    """Interventions written as a list."""


@v_args(meta=True)
class Build(
    Transformer_NonRecursive[Any, Any]
):  # never the recursive one: a stranger's brackets must not use up the stack
    """Children in, a frozen value out. `file` names the text in every span; the text begins at its offset `first`."""

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

    def _string(self, token: Token) -> ast.String:
        return ast.String(unescape(token), span=self._of(token))

    # the file

    def start(self, meta: Meta, c: Children) -> ast.Program:
        version = c[0] if c and isinstance(c[0], ast.Version) else None
        return ast.Program(version, tuple(c[1:] if version else c), span=self._at(meta))

    def reference_only(self, meta: Meta, c: Children) -> ast.Reference:
        return c[0]  # type: ignore[no-any-return]  # lark is untyped

    def version(self, meta: Meta, c: Children) -> ast.Version:
        return ast.Version(int(c[0]), span=self._at(meta))

    def about(self, meta: Meta, c: Children) -> ast.About:
        return ast.About(tuple(c), span=self._at(meta))

    def about_field(self, meta: Meta, c: Children) -> ast.AboutField:
        return ast.AboutField(self._name(c[0]), self._string(c[1]), span=self._at(meta))

    def seed(self, meta: Meta, c: Children) -> ast.Seed:
        return ast.Seed(ast.Integer(int(c[0]), span=self._of(c[0])), span=self._at(meta))

    def param(self, meta: Meta, c: Children) -> ast.Param:
        return ast.Param(str(c[0]), c[1], span=self._at(meta), name_span=self._of(c[0]))

    def include(self, meta: Meta, c: Children) -> ast.Include:
        return ast.Include(self._string(c[0]), span=self._at(meta))

    def model(self, meta: Meta, c: Children) -> ast.Model:
        return ast.Model(str(c[0]), c[1], c[2], span=self._at(meta), name_span=self._of(c[0]))

    # tasks

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

    def hole_place(self, meta: Meta, c: Children) -> ast.HolePlace:
        sign, number = c[1], c[2]
        offset = 0 if number is None else int(number) * (-1 if sign == "-" else 1)
        return ast.HolePlace(c[0], offset, span=self._at(meta))

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

    # heads

    def group(self, meta: Meta, c: Children) -> ast.Group:
        item = ast.GroupItem(str(c[0]), self._name(c[2]), c[3], span=self._at(meta), name_span=self._of(c[0]))
        return ast.Group(self._name(c[1]), item, span=self._at(meta))

    def circuit(self, meta: Meta, c: Children) -> ast.Circuit:
        return ast.Circuit(str(c[0]), self._name(c[1]), tuple(c[2:]), span=self._at(meta), name_span=self._of(c[0]))

    def circuit_group(self, meta: Meta, c: Children) -> ast.GroupItem:
        return ast.GroupItem(str(c[0]), self._name(c[1]), c[2], span=self._at(meta), name_span=self._of(c[0]))

    def head_list(self, meta: Meta, c: Children) -> ast.HeadList:
        return ast.HeadList(tuple(self._head(token) for token in c), span=self._at(meta))

    def _head(self, token: Token) -> ast.HeadNumber:
        layer, head = token.split(".")
        return ast.HeadNumber(int(layer), int(head), span=self._of(token))

    def discover(self, meta: Meta, c: Children) -> ast.Discover:
        return ast.Discover(
            str(c[0]), self._name(c[1]), c[2], c[3], tuple(c[5:]), c[4], span=self._at(meta), name_span=self._of(c[0])
        )

    def screen(self, meta: Meta, c: Children) -> ast.Screen:
        return ast.Screen(c[0], c[1], c[2], span=self._at(meta))

    def score(self, meta: Meta, c: Children) -> ast.Score:
        return ast.Score(c[0], span=self._at(meta))

    def hop(self, meta: Meta, c: Children) -> ast.Hop:
        return ast.Hop(str(c[0]), self._name(c[1]), c[2], c[3], span=self._at(meta), name_span=self._of(c[0]))

    def receivers(self, meta: Meta, c: Children) -> tuple[ast.Reference, ...]:
        return tuple(c)

    def prompts(self, meta: Meta, c: Children) -> ast.Prompts:
        count, of = (None, c[0]) if len(c) == 1 else c
        if count is None and isinstance(of, ast.Reference):
            count, of = _counted(of)
        return ast.Prompts(count, of, span=self._at(meta))

    def count_name(self, meta: Meta, c: Children) -> ast.Name:
        return self._name(c[0])

    # interventions and measures

    def intervention(self, meta: Meta, c: Children) -> ast.Intervention:
        parameters = tuple(item for item in c[1:] if isinstance(item, ast.Name))
        acts = tuple(item for item in c[1:] if item is not None and not isinstance(item, ast.Name))
        return ast.Intervention(str(c[0]), parameters, acts, span=self._at(meta), name_span=self._of(c[0]))

    def keep(self, meta: Meta, c: Children) -> ast.Keep:
        return ast.Keep(c[0], span=self._at(meta))

    def zero(self, meta: Meta, c: Children) -> ast.Set:
        return ast.Set(c[0], ast.sources.Zero(span=self._at(meta)), span=self._at(meta))

    def mean(self, meta: Meta, c: Children) -> ast.Set:
        return ast.Set(c[0], ast.sources.Mean(c[1], span=self._at(meta)), span=self._at(meta))

    def patch(self, meta: Meta, c: Children) -> ast.Set:
        target, given = c
        source = given if isinstance(given, ast.Source) else ast.sources.NamedRun(given, span=given.span)
        return ast.Set(target, source, span=self._at(meta))

    def elsewhere(self, meta: Meta, c: Children) -> ast.Elsewhere:
        return ast.Elsewhere(span=self._at(meta))

    def called_sample(self, meta: Meta, c: Children) -> ast.Reference:
        return ast.Reference("sample", span=self._at(meta))

    def __default__(self, data: Any, c: Children, meta: Meta) -> ast.Source | ast.Metric:
        """A source of an act, or a metric, by its rule."""
        if data in SOURCES:
            return SOURCES[data](*c, span=self._at(meta))
        of = tuple(name for name in c if isinstance(name, ast.Name))
        return ast.Metric(data.replace("_", " "), any(isinstance(word, Token) for word in c), of, span=self._at(meta))

    def block(self, meta: Meta, c: Children) -> ast.Block:
        return ast.Block(self._name(c[0]), c[1], c[2], span=self._at(meta))

    def readings(self, meta: Meta, c: Children) -> tuple[ast.Name, ...]:
        return tuple(self._name(token) for token in c)

    def layer_span(self, meta: Meta, c: Children) -> ast.Layers:
        return ast.Layers(c[0], c[2] if len(c) == 3 else None, len(c) == 3 and c[2] is None, span=self._at(meta))

    def measure(self, meta: Meta, c: Children) -> ast.Measure | ast.Examine | ast.Overlap:
        name, what = c
        return evolve(what, name=str(name), span=self._at(meta), name_span=self._of(name))  # type: ignore[no-any-return]  # lark is untyped

    def measured(self, meta: Meta, c: Children) -> ast.Measure:
        metric, subject, given, prompts, draws, loop = c
        swept = isinstance(given, Swept)
        items = tuple(given) if isinstance(given, Swept) else () if given is None else (given,)
        return ast.Measure("", metric, subject, items, prompts, swept=swept, draws=draws, loop=loop)

    def loop(self, meta: Meta, c: Children) -> ast.Loop:
        return ast.Loop(str(c[0]), c[1] if isinstance(c[1], ast.ListOf) else None, span=self._at(meta))

    def examined(self, meta: Meta, c: Children) -> ast.Examine:
        kind, circuit, amount, model, over, prompts = c
        return ast.Examine("", str(kind), circuit, amount, self._name(model), over, prompts)

    def compared_circuits(self, meta: Meta, c: Children) -> ast.Overlap:
        return ast.Overlap("", c[0], c[1])

    def mask(self, meta: Meta, c: Children) -> ast.Mask:
        name, circuit, model, desiderata, *settings = c
        return ast.Mask(
            str(name),
            circuit,
            self._name(model),
            desiderata,
            tuple(settings),
            span=self._at(meta),
            name_span=self._of(name),
        )

    def desiderata(self, meta: Meta, c: Children) -> tuple[ast.Name, ...]:
        return tuple(self._name(token) for token in c)

    def setting(self, meta: Meta, c: Children) -> ast.Setting:
        return ast.Setting(self._name(c[0]), c[1], span=self._at(meta))

    def random(self, meta: Meta, c: Children) -> ast.Random:
        return ast.Random(c[0], span=self._at(meta))

    def with_sweep(self, meta: Meta, c: Children) -> Swept:
        return Swept(c)

    def metric(self, meta: Meta, c: Children) -> ast.Metric:
        return c[0]  # type: ignore[no-any-return]  # lark is untyped

    def claim(self, meta: Meta, c: Children) -> ast.Claim:
        relation, right, tolerance = c[2]
        return ast.Claim(self._string(c[0]), c[1], relation, right, tolerance, c[3], span=self._at(meta))

    def compared(self, meta: Meta, c: Children) -> tuple[str, ast.Expression, None]:
        return str(c[0]), c[1], None

    def near(self, meta: Meta, c: Children) -> tuple[str, ast.Expression, ast.Expression]:
        return "within", c[1], c[0]

    def figure(self, meta: Meta, c: Children) -> ast.Figure:
        return ast.Figure(self._string(c[0]), self._name(c[1]), c[2], tuple(c[3:]), span=self._at(meta))

    def figure_option(self, meta: Meta, c: Children) -> tuple[str, ast.Name]:
        return str(c[0]), self._name(c[1])

    def table(self, meta: Meta, c: Children) -> ast.Table:
        return ast.Table(self._string(c[0]), c[1], span=self._at(meta))

    # expressions

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
        return ast.Where(c[0], c[1], span=self._at(meta))

    def name(self, meta: Meta, c: Children) -> ast.Name:
        return self._name(c[0])

    def integer(self, meta: Meta, c: Children) -> ast.Integer:
        return ast.Integer(int(c[0]), span=self._at(meta))

    def number(self, meta: Meta, c: Children) -> ast.Number:
        return ast.Number(str(c[0]), span=self._at(meta))

    def string(self, meta: Meta, c: Children) -> ast.String:
        return self._string(c[0])

    def signed(self, meta: Meta, c: Children) -> ast.Expression:
        sign, token = (c[0], c[1]) if len(c) == 2 else (None, c[0])
        span = self._of(token)
        number: ast.Expression = (
            ast.Number(str(token), span=span) if "." in token else ast.Integer(int(token), span=span)
        )
        return number if sign is None else ast.Negative(str(sign), number, span=self._at(meta))


def _counted(of: ast.Reference) -> tuple[ast.Name | None, ast.Expression]:
    """`n [boxes, scrambled]`, which the grammar reads as an element of `n`, is a count and a list: prompts have no
    elements."""
    match of.rest:
        case (ast.Subscript(items, span=span),) if not any(isinstance(item, ast.Where | ast.Act) for item in items):
            name = ast.Name(of.name, span=Span(of.span.file, of.span.start, of.span.start + len(of.name)))
            return name, ast.ListOf(cast("tuple[ast.Expression, ...]", items), span=span)
    return None, of


def _pairs(items: list[Any]) -> tuple[tuple[str, ast.Expression], ...]:
    return tuple((str(sign), operand) for sign, operand in zip(items[::2], items[1::2], strict=True))
