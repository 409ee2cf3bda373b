"""Outline: the items of a text, with what stands in them."""

from __future__ import annotations

from collections.abc import Iterator

from entrack.editor.document import Document
from entrack.frozen import frozen
from entrack.source import Span
from entrack.syntax import ast


@frozen
class Symbol:
    """`kind` is the word that it is declared with; `name_span` lies within `span`."""

    name: str
    kind: str
    span: Span
    name_span: Span
    children: tuple[Symbol, ...] = ()


def symbols(document: Document) -> tuple[Symbol, ...]:
    """The items in the order of the text."""
    return tuple(symbol_of(item) for item in document.program.items)


def symbol_of(item: ast.Item) -> Symbol:
    """An item as a line of an outline."""
    match item:
        case ast.About():
            return Symbol("about", "about", item.span, _word(item.span, "about"))
        case ast.Seed():
            return Symbol("seed", "seed", item.span, item.value.span)
        case ast.Include():
            return Symbol(item.path.value, "include", item.span, item.path.span)
        case ast.Claim():
            return Symbol(item.text.value, "claim", item.span, item.text.span)
        case ast.Figure():
            return Symbol(item.title.value, "figure", item.span, item.title.span)
        case ast.Table():
            return Symbol(item.title.value, "table", item.span, item.title.span)
        case ast.Group():
            return Symbol(item.name, "group", item.span, item.group.name_span)
        case ast.Examine() | ast.Overlap():
            return Symbol(item.name, "measure", item.span, item.name_span)
        case _:
            return Symbol(item.name, type(item).__name__.lower(), item.span, item.name_span, tuple(_within(item)))


def _within(item: ast.Item) -> Iterator[Symbol]:
    parts: tuple[ast.Binding | ast.Position | ast.Hop | ast.GroupItem, ...] = ()
    match item:
        case ast.Task():
            parts = item.items
        case ast.Discover():
            parts = item.hops
        case ast.Circuit():
            parts = item.groups
        case _:
            pass
    kinds = {ast.Binding: "variable", ast.Position: "position", ast.Hop: "group", ast.GroupItem: "group"}
    for part in parts:
        yield Symbol(part.name, kinds[type(part)], part.span, part.name_span)


def _word(span: Span, word: str) -> Span:
    return Span(span.file, span.start, span.start + len(word))
