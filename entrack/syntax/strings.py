r"""Strings: what a literal stands for, and the literal for a text.

`\"`, `\\`, `\n` and `\t` are known escapes, and `\u{FE0F}` is the character with that number: characters that nobody
sees stand in a text only so. Another character after a backslash stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from entrack.diagnostics import Diagnostic
from entrack.diagnostics.escape import CONTROLS, HIDDEN, NO_CHARACTERS
from entrack.source import Span

ESCAPES = {"n": "\n", "t": "\t"}
ESCAPE = re.compile(r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|(.))")
COMMENT_OR_STRING = re.compile(r'#[^\n]*|"(?:[^"\\\n]|\\.)*"')
NO_TEXT = re.compile(f"[\t\n\r{CONTROLS}{NO_CHARACTERS}]")
"""What `\\u{...}` does not give: controls, halves of characters, and numbers that are no characters."""


def comments_in(text: str) -> tuple[tuple[int, int], ...]:
    """Where the comments of a text that can be parsed begin and end."""
    return tuple(match.span() for match in COMMENT_OR_STRING.finditer(text) if match.group()[0] == "#")


def unescape(literal: str) -> str:
    """What a string literal stands for."""
    return ESCAPE.sub(_meant, literal[1:-1])


def quoted(value: str) -> str:
    """A string literal for `value`."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{HIDDEN.sub(_numbered, escaped)}"'


def bad_escapes(file: str, text: str) -> Iterator[Diagnostic]:
    """The escapes by number that stand for no character, in a text that can be parsed."""
    for literal in COMMENT_OR_STRING.finditer(text):
        if literal.group()[0] == '"':
            for escape in ESCAPE.finditer(text, literal.start(), literal.end()):
                if escape.group(2) == "u" or (escape.group(1) and _character(escape.group(1)) is None):
                    yield _said(Span(file, escape.start(), escape.end()))


def instead_of(code: int) -> str:
    """What to do about a hidden character."""
    return "delete it" if NO_TEXT.match(chr(code)) else f"delete it; a text that needs it says `\\u{{{code:X}}}`"


def _said(span: Span) -> Diagnostic:
    help = (
        "write `\\u{FE0F}`, with the number of a character in braces, but not of a control; for the letter u, write `u`"
    )
    return Diagnostic("E133", "this escape stands for no character", span, "", help)


def _meant(match: re.Match[str]) -> str:
    number, other = match.groups()
    if number is None:
        return ESCAPES.get(other, other)
    return _character(number) or "u"


def _character(number: str) -> str | None:
    """The character with a number in hexadecimal; None where there is none, or only a control."""
    code = int(number, 16)
    return None if code > 0x10FFFF or NO_TEXT.match(chr(code)) else chr(code)


def _numbered(match: re.Match[str]) -> str:
    return "".join(f"\\u{{{ord(character):X}}}" for character in match.group())
