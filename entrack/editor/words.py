"""What a word of the language means, from the pages of the language and the glossary: their sections and tables."""

from __future__ import annotations

import re
from functools import cache

from entrack.documentation import documented
from entrack.frozen import frozen
from entrack.vocabulary import GIVEN, words

LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
CODE = re.compile(r"`([^`]+)`")
WORD = re.compile(r"[A-Za-z]+")
SECTION = re.compile(r"^##+ (.*)$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
MOST = 3
"""Rows of tables that are shown of a word."""


@frozen
class Row:
    """A line of a table: the words that its first cell writes as code, which of them begin what is written, and the
    whole line."""

    words: frozenset[str]
    first: frozenset[str]
    text: str


def meaning(word: str, *, called: bool = False) -> str:
    """What a word means, as Markdown; empty where it is no word of the language, or no page says anything of it. What
    is `called` is a name before a bracket, such as `column`, which the language's page has with its bracket."""
    if called and word not in words():
        return _of_function(word)
    if word not in words() and word not in GIVEN:
        return ""
    rows = [row for row in _rows() if word in row.words]
    rows.sort(key=lambda row: word not in row.first)
    said = [_sections().get(word, ""), *(row.text for row in rows[:MOST])]
    return "\n\n".join(part for part in said if part) or _mentioned(word)


def _of_function(name: str) -> str:
    """The rows, else a paragraph, that write a name with a bracket: one where code begins with it, if there is."""
    rows = [row.text for row in _rows() if name in row.first and f"`{name}(" in row.text]
    call = re.compile(rf"\b{re.escape(name)}\(")
    having = [part for part in _prose() if any(call.search(code) for code in CODE.findall(part))]
    having.sort(key=lambda part: f"`{name}(" not in part)
    return "\n\n".join(rows[:MOST] or having[:1])


def _mentioned(word: str) -> str:
    """The first paragraph of the language's page that writes a word as code, at its beginning if there is one; else
    that of the section whose example has the word."""
    having = [part for part in _prose() if word in WORD.findall(" ".join(CODE.findall(part)))]
    first = (part for part in having if any(code.split()[0] == word for code in CODE.findall(part)))
    return next(first, having[0] if having else _shown_in(word))


def _shown_in(word: str) -> str:
    for _, body in _parts():
        if word in WORD.findall(" ".join(FENCE.findall(body))):
            return _paragraph(body)
    return ""


@cache
def _prose() -> tuple[str, ...]:
    """The paragraphs and points of the language's page."""
    parts = (part.strip() for part in re.split(r"\n\n|\n(?=- )", FENCE.sub("", _page("language.md"))))
    return tuple(
        _plain(part.removeprefix("- ")) for part in parts if part and not part.startswith(("|", "<", "#", "- ["))
    )


@cache
def _parts() -> tuple[tuple[str, str], ...]:
    """The sections of the language's page, each its heading and what stands under it."""
    text = _page("language.md")
    heads = list(SECTION.finditer(text))
    ends = [*(head.start() for head in heads[1:]), len(text)]
    return tuple((head.group(1), text[head.end() : end]) for head, end in zip(heads, ends, strict=True))


def _paragraph(body: str) -> str:
    """The first paragraph under a heading."""
    prose = (part.strip() for part in FENCE.sub("", body).split("\n\n"))
    return _plain(next((part for part in prose if part and not part.startswith(("|", "<", "-"))), ""))


@cache
def _page(name: str) -> str:
    path = documented(name)
    return path.read_text(encoding="utf-8") if path.is_file() else ""


@cache
def _sections() -> dict[str, str]:
    """The first paragraph of the section of each word that has one."""
    found: dict[str, str] = {}
    for head, body in _parts():
        for word in CODE.findall(head):
            found.setdefault(word, _paragraph(body))
    return found


@cache
def _rows() -> tuple[Row, ...]:
    """The lines of all tables whose first cell has code; then those of the glossary's own words."""
    found: list[Row] = []
    for line in _page("language.md").splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        codes = CODE.findall(cells[0]) if line.startswith("| ") else []
        if codes and len(cells) > 1:
            first = frozenset(match.group() for code in codes if (match := WORD.match(code)))
            all_words = frozenset(word for code in codes for word in WORD.findall(code))
            found.append(Row(all_words, first, _plain(f"{cells[0]}: {' — '.join(cells[1:])}")))
    _, _, own = _page("glossary.md").partition("## The language's own words")
    for line in own.splitlines():
        name, _, said = line.strip("| ").partition(" | ")
        if line.startswith("| ") and name in words():
            found.append(Row(frozenset({name}), frozenset({name}), _plain(f"`{name}`: {said}")))
    return tuple(found)


def _plain(text: str) -> str:
    """Without links, which lead nowhere outside of the page."""
    return LINK.sub(r"\1", text)
