"""Formatting: the canonical text of `entrack fmt`, as edits of lines."""

from __future__ import annotations

from entrack import api
from entrack.diagnostics import errors
from entrack.editor.document import Document
from entrack.editor.edits import Edit, line_edits


def formatting(document: Document) -> tuple[Edit, ...]:
    """What `entrack fmt` would change; nothing where the text has syntax errors. Raises Miswritten."""
    source = document.source
    if errors(document.files[source.name].problems):
        return ()
    text, _ = api.formatted(source)
    return () if text is None else line_edits(source, text)
