"""Rules for spans: where one token is wanted."""

from __future__ import annotations

from entrack.check.resolved import Task, Where
from entrack.check.scope import Scope
from entrack.source import Span


def one_token(scope: Scope, task: Task, position: Where, span: Span, what: str) -> bool:
    """Whether a position is one token, as `what` does."""
    if position not in task.spans:
        return True
    scope.report(
        "E666",
        f"`{position}` is a span of tokens, and {what} at one",
        span,
        "",
        "give the task a position of one token too, without `span of`",
    )
    return False
