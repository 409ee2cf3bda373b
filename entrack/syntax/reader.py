"""Reading a text by the parser's tables: what is built of it, where nothing is wrong with it.

Lark works out the tables and says what is wrong with a text (`grammar.py`). What most texts need is less: the next
token that may stand in a state, and what is built where a rule ends, at once and without a tree between. Both are here
what they are in lark, and loading lark, and having it compile what its lexers look for, takes three times as long as
reading a short spec. A text that cannot be read here is read again by lark, for its error.

Rows and rules stay as they are in the file until the reader stands in a state, or a rule ends.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any, Protocol

from attrs import define, field

from entrack.frozen import frozen
from entrack.syntax.kept_tables import TABLES, grammar_digest

END, SEMICOLON = "$END", "SEMICOLON"
NOWHERE = -1
"""Where something begins and ends that takes no room in a text."""
Match = Callable[[str, int], re.Match[str] | None]


class Unreadable(Exception):
    """A text is none of the language; lark says why."""


class Token(str):
    """A piece of a text, and its terminal."""

    __slots__ = ("end_pos", "start_pos", "type")

    def __new__(cls, type: str, value: str, start: int) -> Token:
        token = super().__new__(cls, value)
        token.type, token.start_pos, token.end_pos = type, start, start + len(value)
        return token

    type: str
    start_pos: int
    end_pos: int


class Builder(Protocol):
    """What makes values of what was read."""

    def built(self, rule: str, children: list[Any], start: int, end: int) -> Any: ...


@frozen
class Rule:
    """What is done where a rule ends. `parts` are the symbols that stand in what is built, each with whether it is a
    list of more of them, and how many absent ones come before it; `absent` how many come last."""

    name: str
    origin: str
    size: int
    parts: Sequence[tuple[int, bool, int]]
    absent: int
    inlined: bool
    """Whether a single part stands for the whole."""
    listed: bool
    """Whether it is a list of parts of another rule."""

    @classmethod
    def of(cls, short: Sequence[Any], options: Sequence[Any]) -> Rule:
        origin, written, _, alias, _ = short
        _, inlined, _, _, empty = options
        symbols = written.split()
        gaps = _gaps(empty) if empty else [0] * (len(symbols) + 1)
        parts, absent = [], 0
        for place, symbol in enumerate(symbols):
            absent += gaps[place]
            if symbol[0] != "!":
                parts.append((place, symbol[0] == "_", absent))
                absent = 0
        last = absent + gaps[-1]
        return cls(alias or origin, origin, len(symbols), parts, last, inlined and not alias, origin[0] == "_")


def _gaps(empty: Sequence[bool]) -> list[int]:
    """How many absent symbols stand before each, and after the last. Lark says True for an absent one."""
    gaps = [0]
    for absent in empty:
        if absent:
            gaps[-1] += 1
        else:
            gaps.append(0)
    return gaps


@frozen
class Signs:
    """What may come in a state: its terminals in the order in which they are tried, each with its text, or what
    matches it; and the words that are terminals of their own among the matches of each."""

    tried: Sequence[tuple[str, str, Match | None]]
    words: Mapping[str, Mapping[str, str]]


@define
class Reader:
    """Reads by the tables that `parser_tables.packed` gives. It knows nothing of any one text, so that many threads may
    use it at once: two that meet a state make the same of it."""

    _kept: Mapping[str, Any]
    _ignored: Match
    _rows: dict[int, dict[str, int]] = field(factory=dict)
    _rules: dict[int, Rule] = field(factory=dict)
    _signs: dict[int, Signs] = field(factory=dict)
    _patterns: dict[str, Match] = field(factory=dict)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Reader:
        return cls(kept, re.compile(kept["lexer"]["ignored"]).match)

    @property
    def _tables(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._kept["data"]["parser"]["parser"]
        return found

    def read(self, text: str, builder: Builder, start: str = "start") -> Any:
        """What is built of a text. Raises Unreadable."""
        state, end = self._tables["start_states"][start], self._tables["end_states"][start]
        states, token = [state], self._token(state, text, 0)
        values: list[tuple[Any, int, int]] = []
        while True:
            code = self._row(state).get(token.type)
            if code is None:
                raise Unreadable
            if code & 1:
                rule = self._rule(code >> 1)
                first = len(states) - rule.size
                read = values[first - 1 :]
                del states[first:], values[first - 1 :]
                values.append(_reduced(rule, read, builder))
                state = self._row(states[-1])[rule.origin] >> 1
                states.append(state)
                if state == end and token.type == END:
                    return values[-1][0]
            else:
                state = code >> 1
                states.append(state)
                values.append((token, token.start_pos, token.end_pos))
                token = self._token(state, text, token.end_pos)

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of the language."""
        return frozenset(self._words.values())

    @cached_property
    def apart(self) -> frozenset[str]:
        """The words that are read as such where a line of a block may end, but not after a `;` that a name may follow:
        a variable called so begins a line only there."""
        ends = [row for row in map(self._row, range(len(self._tables["states"]))) if SEMICOLON in row]
        after = [self._row(row[SEMICOLON] >> 1) for row in ends if not row[SEMICOLON] & 1]
        return self._words_in(ends) - self._words_in(row for row in after if "NAME" in row)

    def _words_in(self, rows: Iterable[Mapping[str, int]]) -> frozenset[str]:
        words = self._words
        return frozenset(words[name] for row in rows for name in row if name in words)

    @cached_property
    def _words(self) -> Mapping[str, str]:
        """Terminals that are a word."""
        signs = self._kept["lexer"]["terminals"]
        return {name: written for name, written, is_pattern in signs if not is_pattern and written.isalpha()}

    def _token(self, state: int, text: str, place: int) -> Token:
        """The next token in a state. A word or number ends where it ends in the text: `inbase` is not `in base`."""
        ignored = self._ignored(text, place)
        place = ignored.end() if ignored else place
        if place == len(text):
            return Token(END, "", place)
        signs = self._signs.get(state) or self._met(state)
        name, value = _first(signs, text, place)
        after = text[place + len(value) : place + len(value) + 1]
        if value[-1].isalnum() and (after.isalnum() or after == "_"):
            raise Unreadable
        words = signs.words.get(name)
        return Token(words.get(value, name) if words else name, value, place)

    def _row(self, state: int) -> dict[str, int]:
        """What is done in a state at each symbol: twice the state to which it leads, or twice the rule that ends before
        it and one more."""
        row = self._rows.get(state)
        if row is None:
            tables = self._tables
            numbers, tokens = map(int, tables["states"][state].split()), tables["tokens"]
            row = self._rows[state] = {tokens[token]: code for token, code in zip(numbers, numbers, strict=True)}
        return row

    def _rule(self, number: int) -> Rule:
        rule = self._rules.get(number)
        if rule is None:
            short = self._kept["rules"][str(number)]
            rule = self._rules[number] = Rule.of(short, self._kept["options"][short[-1]])
        return rule

    def _met(self, state: int) -> Signs:
        row, lexer = self._row(state), self._kept["lexer"]
        words = {
            name: {word: of for word, of in found.items() if of in row}
            for name, found in lexer["words"].items()
            if name in row
        }
        among = {of for found in words.values() for of in found.values()}
        tried = [
            (name, written, self._pattern(name, written) if matches else None)
            for name, written, matches in lexer["terminals"]
            if name in row and name not in among
        ]
        signs = self._signs[state] = Signs(tried, words)
        return signs

    def _pattern(self, name: str, written: str) -> Match:
        match = self._patterns.get(name)
        if match is None:
            match = self._patterns[name] = re.compile(written).match
        return match


def _first(signs: Signs, text: str, place: int) -> tuple[str, str]:
    """The first terminal that stands at a place, and its text there. Raises Unreadable."""
    for name, written, match in signs.tried:
        if match is None:
            if text.startswith(written, place):
                return name, written
        elif found := match(text, place):
            return name, found.group()
    raise Unreadable


def _reduced(rule: Rule, read: Sequence[tuple[Any, int, int]], builder: Builder) -> tuple[Any, int, int]:
    """What a rule makes of what was read of it, and where that begins and ends."""
    start = next((start for _, start, _ in read if start != NOWHERE), NOWHERE)
    end = next((end for _, _, end in reversed(read) if end != NOWHERE), NOWHERE)
    children: list[Any] = []
    for place, several, absent in rule.parts:
        children.extend([None] * absent)
        value = read[place][0]
        if not several:
            children.append(value)
        elif children:
            children.extend(value)
        else:
            children = value  # nobody else has it, and a long list is not made anew with each of its parts
    children.extend([None] * rule.absent)
    if rule.listed:
        return children, start, end
    if rule.inlined and len(children) == 1:
        only = children[0]
        return (only, only.start_pos, only.end_pos) if isinstance(only, Token) else (only, start, end)
    return builder.built(rule.name, children, start, end), start, end


@cache
def reader() -> Reader:
    """The one reader of this process."""
    return Reader.of(_kept())


def _kept() -> Mapping[str, Any]:
    """The tables beside this file, where they are of this grammar; else these are worked out."""
    try:
        kept: Mapping[str, Any] = json.loads(TABLES.read_text(encoding="utf-8"))
        if kept["grammar"] == grammar_digest():
            return kept
    except (OSError, ValueError, LookupError, TypeError):
        pass
    from entrack.syntax.grammar import tables

    worked_out: Mapping[str, Any] = json.loads(tables())
    return worked_out
