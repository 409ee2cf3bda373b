"""Building: what was read of a rule becomes a value of `ast`. One method a rule, in the order of the grammar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import takewhile
from typing import Any, cast, get_args

from attrs import evolve

from entrack.source import Span
from entrack.syntax import ast
from entrack.syntax.build_base import Children
from entrack.syntax.build_expressions import BuildExpressions
from entrack.syntax.build_metrics import BuildMetrics
from entrack.syntax.build_tasks import BuildTasks
from entrack.syntax.reader import Token

SOURCES: Mapping[str, Callable[..., ast.Source]] = {kind.__name__.lower(): kind for kind in get_args(ast.Source)}
"""The sources that stand after `from`, by their rules."""


class Swept(list[Any]):
    """Interventions written as a list."""


class Build(BuildTasks, BuildMetrics, BuildExpressions):
    """Children in, a frozen value out. `file` names the text in every span; the text begins at its offset `first`."""

    # the file

    def start(self, at: Span, c: Children) -> ast.Program:
        version = c[0] if c and isinstance(c[0], ast.Version) else None
        return ast.Program(version, tuple(c[1:] if version else c), span=at)

    def reference_only(self, at: Span, c: Children) -> ast.Reference:
        return c[0]  # type: ignore[no-any-return]

    def version(self, at: Span, c: Children) -> ast.Version:
        return ast.Version(int(c[0]), span=at)

    def about(self, at: Span, c: Children) -> ast.About:
        return ast.About(tuple(c), span=at)

    def about_field(self, at: Span, c: Children) -> ast.AboutField:
        return ast.AboutField(self._name(c[0]), self._string(c[1]), span=at)

    def seed(self, at: Span, c: Children) -> ast.Seed:
        return ast.Seed(ast.Integer(int(c[0]), span=self._of(c[0])), span=at)

    def param(self, at: Span, c: Children) -> ast.Param:
        return ast.Param(str(c[0]), c[1], span=at, name_span=self._of(c[0]))

    def include(self, at: Span, c: Children) -> ast.Include:
        return ast.Include(self._string(c[0]), span=at)

    def model(self, at: Span, c: Children) -> ast.Model:
        return ast.Model(str(c[0]), c[1], c[2], span=at, name_span=self._of(c[0]))

    # heads and circuits

    def group(self, at: Span, c: Children) -> ast.Group:
        item = ast.GroupItem(str(c[0]), self._name(c[2]), c[3], span=at, name_span=self._of(c[0]))
        return ast.Group(self._name(c[1]), item, span=at)

    def circuit(self, at: Span, c: Children) -> ast.Circuit:
        return ast.Circuit(str(c[0]), self._name(c[1]), tuple(c[2:]), span=at, name_span=self._of(c[0]))

    def circuit_group(self, at: Span, c: Children) -> ast.GroupItem:
        return ast.GroupItem(str(c[0]), self._name(c[1]), c[2], span=at, name_span=self._of(c[0]))

    def best(self, at: Span, c: Children) -> ast.Best:
        return ast.Best(c[0], c[1], str(c[2] or ""), span=at)

    def head_list(self, at: Span, c: Children) -> ast.SiteList:
        return ast.SiteList(tuple(self._site(token) for token in c), span=at)

    def _site(self, token: Token) -> ast.SiteLiteral:
        pieces = token.split(".")
        kind = ast.HEAD if pieces[0].isdecimal() else pieces.pop(0)
        numbers = tuple(int(piece) for piece in takewhile(str.isdecimal, pieces))
        return ast.SiteLiteral(kind, numbers, ".".join(pieces[len(numbers) :]), span=self._of(token))

    def discover(self, at: Span, c: Children) -> ast.Discover:
        return ast.Discover(
            str(c[0]),
            self._name(c[1]),
            c[2],
            c[3],
            tuple(c[6:]),
            c[4],
            c[5],
            span=at,
            name_span=self._of(c[0]),
        )

    def screen(self, at: Span, c: Children) -> ast.Screen:
        return ast.Screen(c[0], c[1], c[2], span=at)

    def racing(self, at: Span, c: Children) -> ast.Racing:
        return ast.Racing(c[0], span=at)

    def score(self, at: Span, c: Children) -> ast.Score:
        return ast.Score(c[0], span=at)

    def hop(self, at: Span, c: Children) -> ast.Hop:
        name, senders, position, receivers, keep, ranking = c
        return ast.Hop(
            str(name),
            self._name(position),
            receivers,
            keep,
            senders or (),
            str(ranking or ""),
            span=at,
            name_span=self._of(name),
        )

    def confirm(self, at: Span, c: Children) -> ast.Confirm:
        return ast.Confirm(c[0], span=at)

    def significant(self, at: Span, c: Children) -> ast.Significant:
        return ast.Significant(c[0], span=at)

    def called_significant(self, at: Span, c: Children) -> ast.Name:
        return ast.Name("significant", span=at)

    def amount(self, at: Span, c: Children) -> ast.Integer | ast.Name:
        return self._count(c[0])

    def senders(self, at: Span, c: Children) -> tuple[ast.Name, ...]:
        return tuple(self._name(token) for token in c)

    def receivers(self, at: Span, c: Children) -> tuple[ast.Reference, ...]:
        return tuple(c)

    def prompts(self, at: Span, c: Children) -> ast.Prompts:
        count, of = (None, c[0]) if len(c) == 1 else c
        if count is None and isinstance(of, ast.Reference):
            count, of = _counted(of)
        return ast.Prompts(count, of, span=at)

    def count_name(self, at: Span, c: Children) -> ast.Name:
        return self._name(c[0])

    # vectors

    def vector(self, at: Span, c: Children) -> ast.Vector:
        signs = ("+", *map(str, c[3::2]))
        terms = tuple(evolve(term, sign=sign) for sign, term in zip(signs, c[2::2], strict=True))
        return ast.Vector(str(c[0]), self._name(c[1]), terms, span=at, name_span=self._of(c[0]))

    def term(self, at: Span, c: Children) -> ast.Term:
        factor, times, of = c
        return ast.Term("+", of, factor, str(times or "*"), span=at)

    # interventions and measures

    def intervention(self, at: Span, c: Children) -> ast.Intervention:
        parameters = tuple(item for item in c[1:] if isinstance(item, ast.Name))
        acts = tuple(item for item in c[1:] if item is not None and not isinstance(item, ast.Name))
        return ast.Intervention(str(c[0]), parameters, acts, span=at, name_span=self._of(c[0]))

    def keep(self, at: Span, c: Children) -> ast.Keep:
        return ast.Keep(c[0], span=at)

    def zero(self, at: Span, c: Children) -> ast.Set:
        return ast.Set(c[0], ast.sources.Zero(span=at), span=at)

    def mean(self, at: Span, c: Children) -> ast.Set:
        return ast.Set(c[0], ast.sources.Mean(c[1], span=at), span=at)

    def patch(self, at: Span, c: Children) -> ast.Set:
        target, given = c
        source = given if isinstance(given, ast.Source) else ast.sources.NamedRun(given, span=given.span)
        return ast.Set(target, source, span=at)

    def freeze(self, at: Span, c: Children) -> ast.Freeze:
        return ast.Freeze(c[0], span=at)

    def add(self, at: Span, c: Children) -> ast.Add:
        return ast.Add(c[0], c[1], span=at)

    def noise(self, at: Span, c: Children) -> ast.Noise:
        return ast.Noise(c[0], c[1], span=at)

    def project(self, at: Span, c: Children) -> ast.Project:
        return ast.Project(c[0], c[1], span=at)

    def scale(self, at: Span, c: Children) -> ast.Scale:
        return ast.Scale(c[0], c[1], span=at)

    def elsewhere(self, at: Span, c: Children) -> ast.Elsewhere:
        return ast.Elsewhere(span=at)

    def placed(self, at: Span, c: Children) -> ast.At:
        return ast.At(c[0], c[1], span=at)

    def named_positions(self, at: Span, c: Children) -> tuple[ast.Name, ...]:
        return tuple(self._name(token) for token in c)

    def every_token(self, at: Span, c: Children) -> ast.EveryToken:
        return ast.EveryToken(span=at)

    def sites(self, at: Span, c: Children) -> ast.Sites:
        return ast.Sites(tuple(c), span=at)

    def literal(self, at: Span, c: Children) -> ast.SiteLiteral:
        return self._site(c[0])

    def computed(self, at: Span, c: Children) -> ast.Computed:
        kind, layers, index, part = c
        return ast.Computed(str(kind), layers, index, str(part or ""), span=at)

    def called_sample(self, at: Span, c: Children) -> ast.Reference:
        return ast.Reference("sample", span=at)

    def other(self, rule: str, at: Span, c: Children) -> ast.Source | ast.Metric:
        """A source of an act, or a metric, by its rule."""
        if rule in SOURCES:
            return SOURCES[rule](*c, span=at)
        of = tuple(word for word in c if isinstance(word, ast.Name | ast.WholeWord | ast.AnyWord))
        return ast.Metric(rule.replace("_", " "), any(isinstance(word, Token) for word in c), of, span=at)

    def block(self, at: Span, c: Children) -> ast.Block:
        return ast.Block(self._name(c[0]), c[1], c[2], span=at)

    def readings(self, at: Span, c: Children) -> tuple[ast.Name, ...]:
        return tuple(self._name(token) for token in c)

    def layer_span(self, at: Span, c: Children) -> ast.Layers:
        return ast.Layers(c[0], c[2] if len(c) == 3 else None, len(c) == 3 and c[2] is None, span=at)

    def measure(self, at: Span, c: Children) -> ast.Measure | ast.Examine | ast.Overlap:
        name, what = c
        return evolve(what, name=str(name), span=at, name_span=self._of(name))  # type: ignore[no-any-return]

    def measured(self, at: Span, c: Children) -> ast.Measure:
        metric, subject, given, prompts, draws, *loops = c
        swept = isinstance(given, Swept)
        items = tuple(given) if isinstance(given, Swept) else () if given is None else (given,)
        return ast.Measure("", metric, subject, items, prompts, swept=swept, draws=draws, loops=tuple(loops))

    def loop(self, at: Span, c: Children) -> ast.Loop:
        return ast.Loop(str(c[0]), c[1], span=at)

    def all_of(self, at: Span, c: Children) -> ast.All:
        return ast.All(str(c[0]), span=at)

    def examined(self, at: Span, c: Children) -> ast.Examine:
        kind, circuit, amount, model, over, prompts = c
        return ast.Examine("", str(kind), circuit, amount, self._name(model), over, prompts)

    def compared_circuits(self, at: Span, c: Children) -> ast.Overlap:
        return ast.Overlap("", c[0], c[1])

    def mask(self, at: Span, c: Children) -> ast.Mask:
        name, circuit, model, desiderata, *settings = c
        return ast.Mask(
            str(name),
            circuit,
            self._name(model),
            desiderata,
            tuple(settings),
            span=at,
            name_span=self._of(name),
        )

    def desiderata(self, at: Span, c: Children) -> tuple[ast.Name, ...]:
        return tuple(self._name(token) for token in c)

    def setting(self, at: Span, c: Children) -> ast.Setting:
        return ast.Setting(self._name(c[0]), c[1], span=at)

    def random(self, at: Span, c: Children) -> ast.Random:
        return ast.Random(c[0], span=at)

    def with_sweep(self, at: Span, c: Children) -> Swept:
        return Swept(c)

    def claim(self, at: Span, c: Children) -> ast.Claim:
        relation, right, tolerance = c[2]
        text, left, _, certified, published = c
        return ast.Claim(self._string(text), left, relation, right, tolerance, published, certified, span=at)

    def compared(self, at: Span, c: Children) -> tuple[str, ast.Expression, None]:
        return str(c[0]), c[1], None

    def near(self, at: Span, c: Children) -> tuple[str, ast.Expression, ast.Expression]:
        return "within", c[1], c[0]

    def certified(self, at: Span, c: Children) -> ast.Certified:
        return ast.Certified(c[0], c[1], span=at)

    def most(self, at: Span, c: Children) -> ast.Integer | ast.Name:
        return self._count(c[0])

    def figure(self, at: Span, c: Children) -> ast.Figure:
        return ast.Figure(self._string(c[0]), self._name(c[1]), c[2], tuple(c[3:]), span=at)

    def figure_option(self, at: Span, c: Children) -> tuple[str, ast.Name]:
        return str(c[0]), self._name(c[1])

    def table(self, at: Span, c: Children) -> ast.Table:
        return ast.Table(self._string(c[0]), c[1], span=at)


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
