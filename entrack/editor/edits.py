"""Changes of texts: a span and what stands there instead."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

from entrack.frozen import frozen
from entrack.source import Source, Span


@frozen
class Edit:
    """`text` in place of a span; a span of no length is where it is put in."""

    span: Span
    text: str


def edited(source: Source, edits: Iterable[Edit]) -> Source:
    """A text with edits made that do not overlap; those of other texts are passed over."""
    text = source.text
    own = {edit for edit in edits if edit.span.file == source.name}
    for edit in sorted(own, key=lambda edit: -edit.span.start):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return Source(source.name, text)


def line_edits(source: Source, text: str) -> tuple[Edit, ...]:
    """The edits, whole lines each, that make a text of a source: what stays is not touched, nor is a cursor in it."""
    old, new = source.text.splitlines(keepends=True), text.splitlines(keepends=True)
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line))
    return tuple(
        Edit(Span(source.name, starts[first], starts[last]), "".join(new[start:end]))
        for kind, first, last, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        if kind != "equal"
    )
