"""What is said when a limit of work is spent."""

from __future__ import annotations

from entrack.budget import Limit, Spent
from entrack.diagnostics.diagnostic import Diagnostic
from entrack.source import Span


def told(spent: Spent, somewhere: Span) -> Diagnostic:
    """The one diagnostic of a spent limit, at what was being worked on, or `somewhere` where that is not known."""
    at = spent.at if spent.at.file else somewhere
    return Diagnostic(
        spent.limit.code,
        f"a limit of work is reached: {spent.most:,} {spent.limit.name}",
        at,
        "reached while this was worked on",
        spent.limit.help,
    )


def passed(limit: Limit) -> str:
    """What a long plan says at once."""
    return (
        f"this goes beyond a limit of work that `check` has, {limit.most:,} {limit.name}, so it may take a while; "
        f"it goes on to {limit.planned:,} (docs/language.md#limits)"
    )
