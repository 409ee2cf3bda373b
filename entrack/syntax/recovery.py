"""Reading on after an error: what of a text is passed over, and what is wrong with it.

The item that an error stands in is made blank, or the line of its block (items begin with their word at the start of a
line), until the rest can be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import define, field
from lark.exceptions import UnexpectedInput

from entrack import budget
from entrack.diagnostics import Diagnostic, nearest
from entrack.frozen import frozen
from entrack.source import Source
from entrack.syntax import ast, limits
from entrack.syntax.failure import completes, failure_of, inner_completes, token_type
from entrack.syntax.grammar import parser
from entrack.syntax.language_version import version_problems
from entrack.syntax.limits import MOST_ERRORS
from entrack.syntax.pieces import parse_items
from entrack.syntax.reading import Reading
from entrack.syntax.syntax_errors import Item, explain

FIRST_WORDS = re.compile(r"([A-Za-z]\w*)(?:[ \t]+([A-Za-z_]\w*))?")
FIRST_OR_BRACKET = re.compile(
    r'#[^\n]*|"(?:[^"\\\n]|\\.)*"|[\[({})\]]|^(?P<indent>(?u:[^\S\n])*)(?P<word>[A-Za-z]\w*)', re.ASCII | re.MULTILINE
)
BRACKETS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}
INNER = re.compile(r"alternate\s*\{|group\s+\w+\s+at\b")
MOST_READ = 1 << 18


@frozen
class Part:
    """What is left of a text when the items that cannot be read are blank, what is wrong with these, and the names that
    they may have declared. `apart` are those among them that can be read by themselves. No text, where reading does not
    go on."""

    text: str | None
    problems: tuple[Diagnostic, ...]
    unread: frozenset[str] = frozenset()
    apart: tuple[ast.Item, ...] = ()


def readable_part(source: Source, reading: Reading) -> Part:
    """The part of a text that can be read. `reading` knows of other texts that begin as this one."""
    rest = _Rest(source, source.text)
    while (failure := reading.failure(rest.text)) is not None:
        problems = rest.pass_over(failure)
        if problems:
            return Part(None, problems)
    return Part(rest.text, tuple(rest.found), frozenset(rest.unread), tuple(rest.apart))


@define
class _Rest:
    """What is left of a text when the items that cannot be read are blank; `found` is what is wrong with these. `apart`
    are those among them that can be read by themselves: their first word was taken for a name in the item before."""

    source: Source
    text: str
    found: list[Diagnostic] = field(factory=list)
    unread: set[str] = field(factory=set)
    apart: list[ast.Item] = field(factory=list)
    _last: int = -1

    def pass_over(self, failure: UnexpectedInput) -> tuple[Diagnostic, ...]:
        """Make blank what the parser failed in. -> all that is wrong, where reading does not go on"""
        text = self.text
        offset = _offset(failure, text)
        item = _item_round(text, offset, whole=completes(failure))
        if not self.found and not text[:offset].strip() and item.word not in parser().item_words:
            return _no_spec(self.source, failure, item)
        start, end = _line_round(text, offset, item, whole=inner_completes(failure))
        whole = (start, end) == (item.start, item.end)
        if not whole or item.start != self._last:  # else what is left of a line that was passed over
            self.found.append(explain(failure, Source(self.source.name, text), offset, item))
        self._last = -1 if whole else item.start
        apart = self._apart(start, end) if whole else ()
        self.apart += apart
        if not apart:
            self.unread |= _names_in(text[item.start : item.end]) | _names_in(text[start:end])
        many = len(self.found) >= MOST_ERRORS or len(self.found) * len(text) > MOST_READ
        if many or not text[start:end].strip() or not _may_read(text):
            return tuple(self.found)
        self.text = text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]
        return ()

    def _apart(self, start: int, end: int) -> tuple[ast.Item, ...]:
        text = self.text[start:end]
        return (parse_items(text, self.source.name, start) or ()) if _may_read(text) else ()


def _offset(failure: UnexpectedInput, text: str) -> int:
    position = failure.pos_in_stream
    if position is None or token_type(failure) == "$END":
        return len(text.rstrip())
    return int(position)


def _item_round(text: str, offset: int, *, whole: bool) -> Item:
    """The item that an error at `offset` belongs to. `whole`: what stands before the error is complete."""
    starts = list(item_starts(text))
    own = whole and not text[text.rfind("\n", 0, offset) + 1 : offset].strip()
    before = [0, *(start for start in starts if start < offset)]
    while (
        len(before) > 1
        and not own
        and _word_at(text, before[-1]) not in parser().item_words
        and not _reads(text[: before[-1]])
    ):
        before.pop()
    start = offset if own else before[-1]
    end = next((place for place in starts if place > start and place >= offset), len(text))
    return Item(start, end, _word_at(text, start), at_next=end == offset)


def _line_round(text: str, offset: int, item: Item, *, whole: bool) -> tuple[int, int]:
    """What is passed over of an item: the line of its block that the error stands in, where that is one line by
    itself; else all of it."""
    start, end = text.rfind("\n", 0, offset) + 1, text.find("\n", offset)
    end = len(text) if end < 0 else end
    first = not text[start:offset].strip()
    inside = (
        item.start < start
        and not item.at_next
        and end <= item.end
        and _depth(text[item.start : start]) == 1
        and _depth(text[start:end]) == 0
    )
    return (start, end) if inside and (whole or not first) else (item.start, item.end)


def _depth(text: str) -> int:
    """How many brackets are open at the end of a text."""
    return sum(BRACKETS.get(piece, 0) for piece in limits.PIECE.findall(text))


def item_starts(text: str) -> Iterator[int]:
    """Where items seem to begin: at any word that begins a line outside all brackets, and at an item's word that
    begins one at all."""
    depth = 0
    for match in FIRST_OR_BRACKET.finditer(text):
        indent, word = match.groups()
        if word is None:
            depth = max(0, depth + BRACKETS.get(match.group(), 0))
        elif _begins(match, indent, word, depth):
            depth = 0
            yield match.start("word")


def _begins(match: re.Match[str], indent: str, word: str, depth: int) -> bool:
    if word in parser().item_words and not INNER.match(match.string, match.start("word")):
        return indent == "" or depth == 0
    return depth == 0 and indent == ""


def _word_at(text: str, place: int) -> str:
    match = FIRST_WORDS.match(text, place)
    return match.group(1) if match else ""


def _names_in(lost: str) -> set[str]:
    """The names that an item which cannot be read may have declared."""
    match = FIRST_WORDS.match(lost.lstrip())
    names = {name for name in match.groups() if name} if match else set()
    return {ast.EVERYTHING} if "include" in names else names


def _reads(text: str) -> bool:
    return not _may_read(text) or failure_of(text) is None


def _may_read(text: str) -> bool:
    """Whether a text may be read again. Where it may not, what comes after a mistake is passed over in larger or
    smaller pieces than it should be."""
    return budget.affords(budget.READ_AGAIN, len(limits.PIECE.findall(text)))


def _no_spec(source: Source, failure: UnexpectedInput, item: Item) -> tuple[Diagnostic, ...]:
    """A text whose first word begins nothing: its first line is missing or mistyped, or it is no spec."""
    if nearest(item.word, ["entrack"]):
        return (explain(failure, source, item.start, item),)
    return version_problems(source, ast.Program(None, ()), broken=False)
