"""What every part of a program has: a span, which does not take part in comparison."""

from __future__ import annotations

from attrs import field

from entrack.source import NOWHERE, Span


def span_field() -> Span:
    """The place in the text: given by name, and equal to any other."""
    span: Span = field(default=NOWHERE, eq=False, repr=False, kw_only=True)
    return span
