"""Heads as other tools write them - `L2H1`, `a2.h1`, `2:1`, pairs, commas - and how this language writes them."""

from __future__ import annotations

import re

from entrack.diagnostics import Diagnostic
from entrack.source import Source, Span

SPELLED = re.compile(
    r"(?<![\w.])(?:[LlAa](?:ayer)?(\d+)[._]?[Hh](?:ead)?(\d+)|[Hh](\d+)\.(\d+)|(\d+)[.:/](\d+))(?![\w.])"
)
PAIRS = re.compile(r"[(\[]\s*(\d+)\s*,\s*(\d+)\s*[)\]]")
HEADS = re.compile(r"=\s*([\[({]?[\s\d.,()\[\]]+)")


def misspelled(span: Span, heads: str) -> Diagnostic:
    """That what stands at `span` are `heads`."""
    message = "heads are written layer.head, with spaces between"
    return Diagnostic("E118", message, span, help=f"write `{heads}`")


def heads_spelled(source: Source, start: int, offset: int) -> Diagnostic | None:
    """Heads that are written as `L2H1`, among those of the group that a failure at `offset` of the item at `start`
    is about."""
    equals = source.text.rfind("=", start, offset)
    if equals < 0:
        return None
    end = source.text.find("\n", equals)
    heads = list(SPELLED.finditer(source.text, equals, end if end >= 0 else len(source.text)))
    foreign = next((head for head in heads if not re.fullmatch(r"\d+\.\d+", head.group())), None)
    if foreign is None:
        return None
    numbers = ([number for number in head.groups() if number is not None] for head in heads[:12])
    written = " ".join(f"{int(layer[:9])}.{int(head[:9])}" for layer, head in numbers)
    return misspelled(Span(source.name, *foreign.span()), written)


def heads_written(text: str) -> str | None:
    """Heads that were written as pairs or with commas, as this language writes them."""
    found = HEADS.search(text)
    if found is None:
        return None
    if text[found.end() : found.end() + 1].isalpha():
        return None  # a site that is no head, which is written otherwise
    pairs = PAIRS.findall(found.group(1)) or re.findall(r"(\d+)\.(\d+)", found.group(1))
    return " ".join(f"{int(layer)}.{int(head)}" for layer, head in pairs[:12]) or None
