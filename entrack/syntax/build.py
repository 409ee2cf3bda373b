"""Building: what the parser has reduced becomes a value of `ast`. One method a rule, in the order of the grammar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import takewhile
from typing import Any, cast, get_args

from attrs import evolve
from lark import Token, v_args
from lark.tree import Meta

from entrack.source import Span
from entrack.syntax import ast
from entrack.syntax.build_base import Children
from entrack.syntax.build_expressions import BuildExpressions
from entrack.syntax.build_metrics import BuildMetrics
from entrack.syntax.build_tasks import BuildTasks

SOURCES: Mapping[str, Callable[..., ast.Source]] = {kind.__name__.lower(): kind for kind in get_args(ast.Source)}
"""The sources that stand after `from`, by their rules."""


class Swept(list[Any]):
    """Interventions written as a list."""


@v_args(meta=True)
class Build(BuildTasks, BuildMetrics, BuildExpressions):
    """Children in, a frozen value out. `file` names the text in every span; the text begins at its offset `first`."""

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

    # heads and circuits

    def group(self, meta: Meta, c: Children) -> ast.Group:
        item = ast.GroupItem(str(c[0]), self._name(c[2]), c[3], span=self._at(meta), name_span=self._of(c[0]))
        return ast.Group(self._name(c[1]), item, span=self._at(meta))

    def circuit(self, meta: Meta, c: Children) -> ast.Circuit:
        return ast.Circuit(str(c[0]), self._name(c[1]), tuple(c[2:]), span=self._at(meta), name_span=self._of(c[0]))

    def circuit_group(self, meta: Meta, c: Children) -> ast.GroupItem:
        return ast.GroupItem(str(c[0]), self._name(c[1]), c[2], span=self._at(meta), name_span=self._of(c[0]))

    def best(self, meta: Meta, c: Children) -> ast.Best:
        return ast.Best(c[0], c[1], str(c[2] or ""), span=self._at(meta))

    def head_list(self, meta: Meta, c: Children) -> ast.SiteList:
        return ast.SiteList(tuple(self._site(token) for token in c), span=self._at(meta))

    def _site(self, token: Token) -> ast.SiteLiteral:
        pieces = token.split(".")
        kind = ast.HEAD if pieces[0].isdecimal() else pieces.pop(0)
        numbers = tuple(int(piece) for piece in takewhile(str.isdecimal, pieces))
        return ast.SiteLiteral(kind, numbers, ".".join(pieces[len(numbers) :]), span=self._of(token))

    def discover(self, meta: Meta, c: Children) -> ast.Discover:
        return ast.Discover(
            str(c[0]),
            self._name(c[1]),
            c[2],
            c[3],
            tuple(c[6:]),
            c[4],
            c[5],
            span=self._at(meta),
            name_span=self._of(c[0]),
        )

    def screen(self, meta: Meta, c: Children) -> ast.Screen:
        return ast.Screen(c[0], c[1], c[2], span=self._at(meta))

    def racing(self, meta: Meta, c: Children) -> ast.Racing:
        return ast.Racing(c[0], span=self._at(meta))

    def score(self, meta: Meta, c: Children) -> ast.Score:
        return ast.Score(c[0], span=self._at(meta))

    def hop(self, meta: Meta, c: Children) -> ast.Hop:
        name, senders, position, receivers, keep, ranking = c
        return ast.Hop(
            str(name),
            self._name(position),
            receivers,
            keep,
            senders or (),
            str(ranking or ""),
            span=self._at(meta),
            name_span=self._of(name),
        )

    def confirm(self, meta: Meta, c: Children) -> ast.Confirm:
        return ast.Confirm(c[0], span=self._at(meta))

    def significant(self, meta: Meta, c: Children) -> ast.Significant:
        return ast.Significant(c[0], span=self._at(meta))

    def called_significant(self, meta: Meta, c: Children) -> ast.Name:
        return ast.Name("significant", span=self._at(meta))

    def amount(self, meta: Meta, c: Children) -> ast.Integer | ast.Name:
        return self._count(c[0])

    def senders(self, meta: Meta, c: Children) -> tuple[ast.Name, ...]:
        return tuple(self._name(token) for token in c)

    def receivers(self, meta: Meta, c: Children) -> tuple[ast.Reference, ...]:
        return tuple(c)

    def prompts(self, meta: Meta, c: Children) -> ast.Prompts:
        count, of = (None, c[0]) if len(c) == 1 else c
        if count is None and isinstance(of, ast.Reference):
            count, of = _counted(of)
        return ast.Prompts(count, of, span=self._at(meta))

    def count_name(self, meta: Meta, c: Children) -> ast.Name:
        return self._name(c[0])

    # vectors

    def vector(self, meta: Meta, c: Children) -> ast.Vector:
        signs = ("+", *map(str, c[3::2]))
        terms = tuple(evolve(term, sign=sign) for sign, term in zip(signs, c[2::2], strict=True))
        return ast.Vector(str(c[0]), self._name(c[1]), terms, span=self._at(meta), name_span=self._of(c[0]))

    def term(self, meta: Meta, c: Children) -> ast.Term:
        factor, times, of = c
        return ast.Term("+", of, factor, str(times or "*"), span=self._at(meta))

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

    def freeze(self, meta: Meta, c: Children) -> ast.Freeze:
        return ast.Freeze(c[0], span=self._at(meta))

    def add(self, meta: Meta, c: Children) -> ast.Add:
        return ast.Add(c[0], c[1], span=self._at(meta))

    def noise(self, meta: Meta, c: Children) -> ast.Noise:
        return ast.Noise(c[0], c[1], span=self._at(meta))

    def project(self, meta: Meta, c: Children) -> ast.Project:
        return ast.Project(c[0], c[1], span=self._at(meta))

    def scale(self, meta: Meta, c: Children) -> ast.Scale:
        return ast.Scale(c[0], c[1], span=self._at(meta))

    def elsewhere(self, meta: Meta, c: Children) -> ast.Elsewhere:
        return ast.Elsewhere(span=self._at(meta))

    def placed(self, meta: Meta, c: Children) -> ast.At:
        return ast.At(c[0], c[1], span=self._at(meta))

    def named_positions(self, meta: Meta, c: Children) -> tuple[ast.Name, ...]:
        return tuple(self._name(token) for token in c)

    def every_token(self, meta: Meta, c: Children) -> ast.EveryToken:
        return ast.EveryToken(span=self._at(meta))

    def sites(self, meta: Meta, c: Children) -> ast.Sites:
        return ast.Sites(tuple(c), span=self._at(meta))

    def literal(self, meta: Meta, c: Children) -> ast.SiteLiteral:
        return self._site(c[0])

    def computed(self, meta: Meta, c: Children) -> ast.Computed:
        kind, layers, index, part = c
        return ast.Computed(str(kind), layers, index, str(part or ""), span=self._at(meta))

    def called_sample(self, meta: Meta, c: Children) -> ast.Reference:
        return ast.Reference("sample", span=self._at(meta))

    def __default__(self, data: Any, c: Children, meta: Meta) -> ast.Source | ast.Metric:
        """A source of an act, or a metric, by its rule."""
        if data in SOURCES:
            return SOURCES[data](*c, span=self._at(meta))
        of = tuple(word for word in c if isinstance(word, ast.Name | ast.WholeWord | ast.AnyWord))
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
        metric, subject, given, prompts, draws, *loops = c
        swept = isinstance(given, Swept)
        items = tuple(given) if isinstance(given, Swept) else () if given is None else (given,)
        return ast.Measure("", metric, subject, items, prompts, swept=swept, draws=draws, loops=tuple(loops))

    def loop(self, meta: Meta, c: Children) -> ast.Loop:
        return ast.Loop(str(c[0]), c[1], span=self._at(meta))

    def all_of(self, meta: Meta, c: Children) -> ast.All:
        return ast.All(str(c[0]), span=self._at(meta))

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

    def claim(self, meta: Meta, c: Children) -> ast.Claim:
        relation, right, tolerance = c[2]
        text, left, _, certified, published = c
        return ast.Claim(
            self._string(text), left, relation, right, tolerance, published, certified, span=self._at(meta)
        )

    def compared(self, meta: Meta, c: Children) -> tuple[str, ast.Expression, None]:
        return str(c[0]), c[1], None

    def near(self, meta: Meta, c: Children) -> tuple[str, ast.Expression, ast.Expression]:
        return "within", c[1], c[0]

    def certified(self, meta: Meta, c: Children) -> ast.Certified:
        return ast.Certified(c[0], c[1], span=self._at(meta))

    def most(self, meta: Meta, c: Children) -> ast.Integer | ast.Name:
        return self._count(c[0])

    def figure(self, meta: Meta, c: Children) -> ast.Figure:
        return ast.Figure(self._string(c[0]), self._name(c[1]), c[2], tuple(c[3:]), span=self._at(meta))

    def figure_option(self, meta: Meta, c: Children) -> tuple[str, ast.Name]:
        return str(c[0]), self._name(c[1])

    def table(self, meta: Meta, c: Children) -> ast.Table:
        return ast.Table(self._string(c[0]), c[1], span=self._at(meta))


def _counted(of: ast.Reference) -> tuple[ast.Name | None, ast.Expression]:
    """`n [boxes, scrambled]`, which the grammar reads as an element of `n`, is a count and a list: prompts have no
    elements."""
    match of.rest:
        case (ast.Subscript(items, span=span),) if not any(
            isinstance(item, ast.Where | ast.Named | ast.Act) for item in items
        ):
            name = ast.Name(of.name, span=Span(of.span.file, of.span.start, of.span.start + len(of.name)))
            return name, ast.ListOf(cast("tuple[ast.Expression, ...]", items), span=span)
    return None, of
