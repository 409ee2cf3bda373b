"""Where an act takes the values from that it sets, as written.

A class says in `FORM` how an act with this source is written; what stands in braces is the act's target, or a field of
the class. A source that stands after `from` has a rule of the grammar whose name is the class's, in small letters, and
whose parts are its fields.
"""

from __future__ import annotations

from typing import ClassVar

from entrack.frozen import frozen
from entrack.source import Span
from entrack.syntax.ast.base import span_field
from entrack.syntax.ast.expressions import Expression
from entrack.syntax.ast.heads import Prompts


@frozen
class Zero:
    FORM: ClassVar[str] = "zero {target}"
    span: Span = span_field()


@frozen
class Mean:
    """The mean over prompts."""

    FORM: ClassVar[str] = "mean {target} over {over}"
    over: Prompts
    span: Span = span_field()


@frozen
class Sample:
    """Each prompt takes what another prompt has, one of these."""

    FORM: ClassVar[str] = "patch {target} from sample of {of}"
    of: Prompts
    span: Span = span_field()


@frozen
class NamedRun:
    """An alternate or a model, by its name."""

    FORM: ClassVar[str] = "patch {target} from {named}"
    named: Expression
    span: Span = span_field()


Source = Zero | Mean | Sample | NamedRun
