"""Parsing: a `Source` in, a `Program` of what could be read and all syntax errors out.

After an error the item it stands in is passed over (items begin with their word at the start of a line) and reading
goes on, so that one run shows every error of a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from attrs import define, evolve, field
from lark import Token
from lark.exceptions import UnexpectedInput

from entrack import budget
from entrack.diagnostics import Diagnostic, nearest
from entrack.source import Source, Span
from entrack.syntax import ast, limits
from entrack.syntax.build import Build
from entrack.syntax.failure import completes, failure_of, inner_completes
from entrack.syntax.grammar import parser
from entrack.syntax.reading import Reading
from entrack.syntax.strings import bad_escapes, comments_in

if TYPE_CHECKING:
    from entrack.syntax.syntax_errors import Item

FIRST_WORDS = re.compile(r"([A-Za-z]\w*)(?:[ \t]+([A-Za-z_]\w*))?")
FIRST_OR_BRACKET = re.compile(
    r'#[^\n]*|"(?:[^"\\\n]|\\.)*"|[\[({})\]]|^(?P<indent>(?u:[^\S\n])*)(?P<word>[A-Za-z]\w*)', re.ASCII | re.MULTILINE
)
BRACKETS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}
INNER = re.compile(r"alternate\s*\{|group\s+\w+\s+at\b")
MOST_ERRORS = 20
MOST_READ = 1 << 18
EVERYTHING = "*"
"""Among the unread names: an include could not be read, so any name may have been declared."""


def parse(source: Source, reading: Reading | None = None) -> tuple[ast.Program, tuple[Diagnostic, ...]]:
    """The program and its syntax errors. `Program.unread` names what stood in the items that could not be read.
    `reading` knows of other texts that begin as this one."""
    problems = limits.problems_of(source.name, source.text)
    if problems:
        return _unread(problems)
    rest, reading = _Rest(source, source.text), reading or Reading()
    while True:
        try:
            tree = reading.tree(rest.text)
            program: ast.Program = Build(source.name).transform(tree)
        except UnexpectedInput as failure:
            problems = rest.pass_over(failure)
            if problems:
                return _unread(problems)
        else:
            break
    kept = () if rest.found else tuple(_comment(source, *place) for place in comments_in(rest.text))
    problems = (
        *rest.found,
        *islice(bad_escapes(source.name, rest.text), MOST_ERRORS),
        *_version(source, program, broken=bool(rest.found)),
    )
    items = sorted((*program.items, *rest.apart), key=lambda item: item.span.start)
    return evolve(program, items=tuple(items), comments=kept, unread=frozenset(rest.unread)), problems


def _unread(problems: tuple[Diagnostic, ...]) -> tuple[ast.Program, tuple[Diagnostic, ...]]:
    return ast.Program(None, (), unread=frozenset({EVERYTHING})), problems


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
            self.found.append(_explained(failure, Source(self.source.name, text), offset, item))
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


def parse_reference(text: str, file: str, offset: int) -> ast.Reference | None:
    """What stands in a hole of a text at `offset` of the file; None when it is no reference."""
    try:
        reference: ast.Reference = Build(file, offset).transform(parser().tree(text, "reference_only"))
    except UnexpectedInput:
        return None
    return evolve(reference, span=Span(file, offset, offset + len(text)))


def parse_items(text: str, file: str, offset: int) -> tuple[ast.Item, ...] | None:
    """The items of a part of the file that begins at `offset`; None where it does not parse."""
    try:
        program: ast.Program = Build(file, offset).transform(parser().tree(text))
    except UnexpectedInput:
        return None
    return program.items


def _offset(failure: UnexpectedInput, text: str) -> int:
    position = failure.pos_in_stream
    token = getattr(failure, "token", None)
    if position is None or (isinstance(token, Token) and token.type == "$END"):
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
    from entrack.syntax.syntax_errors import Item

    start = offset if own else before[-1]
    end = next((place for place in starts if place > start and place >= offset), len(text))
    return Item(start, end, _word_at(text, start), at_next=end == offset)


def _explained(failure: UnexpectedInput, source: Source, offset: int, item: Item) -> Diagnostic:
    from entrack.syntax.syntax_errors import explain  # what people mistype is read only where something is mistyped

    return explain(failure, source, offset, item)


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
    return {EVERYTHING} if "include" in names else names


def _reads(text: str) -> bool:
    return not _may_read(text) or failure_of(text) is None


def _may_read(text: str) -> bool:
    """Whether a text may be read again. Where it may not, what comes after a mistake is passed over in larger or
    smaller pieces than it should be."""
    return budget.affords(budget.READ_AGAIN, len(limits.PIECE.findall(text)))


def _comment(source: Source, start: int, end: int) -> ast.Comment:
    line, column = source.place(start)
    return ast.Comment(
        source.text[start:end].rstrip(), not source.line(line)[: column - 1].strip(), span=Span(source.name, start, end)
    )


def _no_spec(source: Source, failure: UnexpectedInput, item: Item) -> tuple[Diagnostic, ...]:
    """A text whose first word begins nothing: its first line is missing or mistyped, or it is no spec."""
    if nearest(item.word, ["entrack"]):
        return (_explained(failure, source, item.start, item),)
    return _version(source, ast.Program(None, ()), broken=False)


def _version(source: Source, program: ast.Program, *, broken: bool) -> tuple[Diagnostic, ...]:
    if program.version is None and not broken:
        return (
            Diagnostic(
                "E101",
                "a spec begins with the version of its language",
                Span(source.name, 0, 1),
                "here",
                "write `entrack 1` as the first line",
            ),
        )
    if program.version is not None and program.version.number != 1:
        return (
            Diagnostic(
                "E102",
                f"this entrack reads version 1 of the language, not {program.version.number}",
                program.version.span,
                help="write `entrack 1`, or install a newer entrack",
            ),
        )
    return ()
