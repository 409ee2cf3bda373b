"""Sites of a model as written, with numbers or computed from a loop's variable; and the tokens that an act is about."""

from __future__ import annotations

from entrack.frozen import frozen
from entrack.source import Span
from entrack.syntax.ast.base import span_field
from entrack.syntax.ast.expressions import Expression, Integer, Name

HEAD = "head"
"""The kind of a site that is written as its numbers only."""


@frozen
class SiteLiteral:
    """`14.13`, `14.13.query`, `mlp.14`, `residual.14.mid`, `neuron.14.102`, `embedding`: what it is, the numbers, and
    what follows them."""

    kind: str
    numbers: tuple[int, ...]
    part: str = ""
    span: Span = span_field()


@frozen
class SiteList:
    """The sites of a group."""

    sites: tuple[SiteLiteral, ...]
    span: Span = span_field()


@frozen
class Layers:
    """`3`, `3..5`, `k - 2..k + 2`, `k..`: `last` None with `open_end` means up to the top."""

    first: Expression
    last: Expression | None = None
    open_end: bool = False
    span: Span = span_field()


@frozen
class Computed:
    """`heads[k, h].query`, `mlp[k - 2..k + 2]`, `neurons[k, 102]`: one site, or one of each layer."""

    kind: str
    layers: Layers
    index: Expression | None = None
    part: str = ""
    span: Span = span_field()


@frozen
class Sites:
    """The sites that an act names itself."""

    sites: tuple[SiteLiteral | Computed, ...]
    span: Span = span_field()


@frozen
class EveryToken:
    """`every token`."""

    span: Span = span_field()


@frozen
class At:
    """`cir at last`, `mlp[k] at every token`: sites at other tokens than a group says. A loop puts numbers of tokens in
    the place of names."""

    what: Expression | Sites
    where: tuple[Name | Integer, ...] | EveryToken
    span: Span = span_field()
