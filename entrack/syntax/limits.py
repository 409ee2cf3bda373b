"""Limits: a text is looked at before it is parsed, so that no spec, however hostile, costs more than a moment.

`text -> diagnostics`. What passes has a bounded size, bounded nesting, and names, numbers and strings of bounded
length. How much each is: `entrack/budget.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from entrack import budget
from entrack.diagnostics import Diagnostic
from entrack.diagnostics.escape import HIDDEN
from entrack.source import Span
from entrack.syntax.strings import instead_of

MOST_CHARACTERS = budget.CHARACTERS.most
MOST_BYTES = 4 * MOST_CHARACTERS
MOST_DEPTH = budget.DEPTH.most
MOST_DIGITS = budget.DIGITS.most
MOST_NUMBER = 10**MOST_DIGITS - 1
"""No number of a spec has more digits, and none that is given for one."""
MOST_ERRORS = 20
"""Of one kind that are said of one text."""
MOST_STRING = budget.TEXT.most
MOST_PIECES = budget.PIECES.most
MOST_NAME = budget.NAME.most
PIECE = re.compile(r'#[^\n]*|"(?:[^"\\\n]|\\.)*"|[0-9]+|[\[({]|[\])}]|[+*/-]|[^\W\d]\w*', re.ASCII)


def problems_of(file: str, text: str) -> tuple[Diagnostic, ...]:
    """The limits that a text breaks. Where there is one, the text is not parsed."""
    if len(text) > MOST_CHARACTERS:
        return (
            Diagnostic(
                "E701",
                f"a spec has at most {MOST_CHARACTERS:,} characters; this one has {len(text):,}",
                Span(file, 0, 1),
                help="split it and `include` the parts",
            ),
        )
    return (*_hidden(file, text), *_pieces(file, text))


def _hidden(file: str, text: str) -> Iterator[Diagnostic]:
    found = HIDDEN.search(text)
    if found is not None:
        code = ord(found.group()[0])
        yield Diagnostic(
            "E105",
            f"the hidden character U+{code:04X} may not stand in a spec",
            Span(file, found.start(), found.start() + 1),
            "it can make a text read differently from what it is",
            instead_of(code),
        )


def _pieces(file: str, text: str) -> Iterator[Diagnostic]:
    """The first piece that is too much."""
    depth = signs = count = 0
    for count, match in enumerate(PIECE.finditer(text)):
        piece = match.group()
        depth += (piece in "([{") - (piece in ")]}")
        signs = signs + 1 if piece in "+-" else 0
        wrong = _too_much(piece, count, max(depth, signs), Span(file, *match.span()))
        if wrong is not None:
            yield wrong
            return
    budget.spend(budget.READ, count)


def _too_much(piece: str, count: int, depth: int, span: Span) -> Diagnostic | None:
    """What is wrong with a piece after `count` others and inside `depth` brackets, or after so many signs."""
    if count == MOST_PIECES:
        message = f"a spec has at most {MOST_PIECES:,} words, numbers and signs"
        return Diagnostic("E701", message, span, "one too many", "split it and `include` the parts")
    if piece[0].isdigit() and len(piece) > MOST_DIGITS:
        message = f"a number has at most {MOST_DIGITS} digits; this one has {len(piece)}"
        return Diagnostic("E702", message, span, help="write a smaller number")
    if piece[0] == '"' and len(piece) > MOST_STRING:
        message = f"a text has at most {MOST_STRING:,} characters"
        return Diagnostic("E703", message, span, help="shorten it, or draw its parts from a column")
    if len(piece) > MOST_NAME and (piece[0].isalpha() or piece[0] == "_"):
        message = f"a name has at most {MOST_NAME} letters; this one has {len(piece):,}"
        return Diagnostic("E708", message, span, help="choose a shorter name")
    if depth > MOST_DEPTH:
        message = f"brackets or signs are nested more than {MOST_DEPTH} deep"
        return Diagnostic("E704", message, span, "one too many", "flatten the expression")
    return None
