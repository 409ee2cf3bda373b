"""A diagnostic: one problem, as a value. Every code has a page, `entrack explain CODE`."""

from __future__ import annotations

from collections.abc import Iterable

from entrack.frozen import frozen
from entrack.source import Span


@frozen
class Label:
    """Another place that matters, and what it has to do with the problem."""

    span: Span
    text: str


@frozen
class Diagnostic:
    """`message` says what is wrong, `label` stands under the span, `help` is the one fix that is likely right."""

    code: str
    message: str
    span: Span
    label: str = ""
    help: str = ""
    related: tuple[Label, ...] = ()

    @property
    def is_error(self) -> bool:
        return self.code.startswith("E")

    @property
    def severity(self) -> str:
        return "error" if self.is_error else "warning"


def errors(problems: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Those that stop a run."""
    return tuple(problem for problem in problems if problem.is_error)
