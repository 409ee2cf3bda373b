"""Where a name is declared, and where it is used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from entrack.editor.document import Document
from entrack.editor.links import links
from entrack.editor.names import Occurrence, Symbol, at, names_of, occurrences
from entrack.editor.parsed import Parsed
from entrack.source import Span


def definitions(document: Document, offset: int) -> tuple[Span, ...]:
    """Where what stands at an offset is declared: a name, in any file of the spec; of the name of a file, the file. A
    name that has several meanings there, such as a word of two tasks, has several places."""
    for link in links(document):
        if link.span.start <= offset <= link.span.end:
            return (Span(str(link.path), 0, 0),)
    found = names_of(document)
    meant = {one.symbol for one in at(found, document.source.name, offset)}
    return tuple(one.span for one in found if one.declares and one.symbol in meant)


def references(specs: Iterable[tuple[Parsed, ...]], file: str, offset: int) -> tuple[Occurrence, ...]:
    """Every place of the name that stands at an offset of a file, in all the specs that the file is part of."""
    return references_among(tuple(occurrences(files) for files in specs), file, offset)


def references_among(names: Sequence[tuple[Occurrence, ...]], file: str, offset: int) -> tuple[Occurrence, ...]:
    """The same of the names of these specs."""
    meant = together(names, {one.symbol for found in names for one in at(found, file, offset)})
    return tuple(dict.fromkeys(one for found in names for one in found if one.symbol in meant))


def together(specs: Iterable[Iterable[Occurrence]], symbols: set[Symbol]) -> frozenset[Symbol]:
    """These symbols with those that can only be renamed with them: one place stands for both."""
    by_place: dict[Span, set[Symbol]] = {}
    for found in specs:
        for one in found:
            by_place.setdefault(one.span, set()).add(one.symbol)
    meant, size = set(symbols), -1
    while size != len(meant):
        size = len(meant)
        meant.update(*(shared for shared in by_place.values() if shared & meant))
    return frozenset(meant)
