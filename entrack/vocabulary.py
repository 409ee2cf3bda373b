"""The words and signs of the language and the forms of its terminals, read from the text of its grammar."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ITEMS = re.compile(r"^\?item: (.*?)\n\n", re.MULTILINE | re.DOTALL)
TERMINAL = re.compile(r"^([A-Z_]+)(?:\.\d+)?: /(.*)/$", re.MULTILINE)
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
NOT_QUOTED = re.compile(r"//[^\n]*|/(?:[^/\\\n]|\\.)+/")
"""Comments of the grammar, and its regular expressions."""
GIVEN = ("logits", "nothing", "original")
"""Names that every spec has without declaring them."""


@cache
def grammar_text() -> str:
    """The grammar's own text: from the installed package, else from the checkout around it."""
    package = Path(__file__).parent
    packaged, beside = (folder / "grammars" / "entrack.lark" for folder in (package, package.parent))
    return (packaged if packaged.is_file() else beside).read_text(encoding="utf-8")


@cache
def words() -> tuple[str, ...]:
    """Every word that stands in quotes in the grammar."""
    return tuple(sorted({word for part in _quoted() for word in re.findall(r"[A-Za-z]+", part)}))


@cache
def item_words() -> tuple[str, ...]:
    """The words that items begin with, and the version line."""
    found = ITEMS.search(grammar_text())
    return tuple(sorted({"entrack", *(re.findall(r"[a-z]+", found.group(1)) if found else ())}))


@cache
def signs() -> tuple[str, ...]:
    """Every sign that stands in quotes in the grammar, the longest first."""
    found = {part for part in _quoted() if not re.search(r"[\w\s]", part)}
    return tuple(sorted(found, key=lambda sign: (-len(sign), sign)))


@cache
def terminals() -> dict[str, str]:
    """The regular expressions of the terminals that have one, such as INT and STRING."""
    return dict(TERMINAL.findall(re.sub(r"(?m)\s+//.*$", "", grammar_text())))


@cache
def _quoted() -> tuple[str, ...]:
    return tuple(QUOTED.findall(NOT_QUOTED.sub("", grammar_text())))
