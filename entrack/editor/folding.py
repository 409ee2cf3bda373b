"""Folding: what an editor can show as one line - items of several lines, and comments of several lines."""

from __future__ import annotations

from collections.abc import Iterator

from entrack.editor.document import Document
from entrack.editor.placed import placed
from entrack.frozen import frozen
from entrack.highlight.pieces import Kind
from entrack.source import Span
from entrack.syntax import ast


@frozen
class Fold:
    span: Span
    comment: bool = False


def folds(document: Document) -> tuple[Fold, ...]:
    """In the order of the text."""
    found = [*_blocks(document), *_comments(document)]
    return tuple(sorted(found, key=lambda fold: fold.span.start))


def _blocks(document: Document) -> Iterator[Fold]:
    for item in document.program.items:
        spans = [item.span, *([item.changes_span] if isinstance(item, ast.Desideratum) else [])]
        yield from (Fold(span) for span in spans if "\n" in document.source.text[span.start : span.end])


def _comments(document: Document) -> Iterator[Fold]:
    """Runs of comments that stand on lines of their own, with no empty line between."""
    text, run = document.source.text, list[Span]()
    for span in (*_alone(document), Span("", len(text), len(text))):
        if run and text[run[-1].end : span.start].strip(" \t\r") != "\n":
            if len(run) > 1:
                yield Fold(run[0].to(run[-1]), comment=True)
            run = []
        run.append(span)


def _alone(document: Document) -> Iterator[Span]:
    before = "\n"
    for kind, place, piece in placed(document.source.text):
        if kind is Kind.COMMENT and "\n" in before:
            yield Span(document.source.name, place, place + len(piece.rstrip()))
        before = piece if kind is Kind.BLANK else "."
