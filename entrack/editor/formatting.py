"""Formatting: the canonical text of `entrack fmt`, as edits of lines."""

from __future__ import annotations

from entrack import api
from entrack.editor.edits import Edit, line_edits
from entrack.source import Source


def formatting(source: Source) -> tuple[Edit, ...]:
    """What `entrack fmt` would change; nothing where the text has syntax errors. Raises Miswritten."""
    text, _ = api.formatted(source)
    return () if text is None else line_edits(source, text)
