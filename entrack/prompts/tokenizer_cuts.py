"""Texts cut before their spaces: for tokenizers whose tokens never reach from one word into the space after it, a text
has the tokens of its pieces, one piece after the other, and each piece is encoded once.

Which tokenizers these are is read off their rules (`cut_of`). No normalizer changes ASCII there, and the first rule
that splits a text either takes white space away or is an expression in which a space can only begin a match or be among
spaces. So a token begins where a visible character is followed by a space and another visible character, and what
stands before and after it does not change it. Tokens that are added to a vocabulary are found before any rule is
applied - as they are, or as the normalizer makes them - so a text with one of them in it is not cut; nor is one that
is not ASCII.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import Any

from entrack.frozen import frozen
from entrack.prompts.tokenizer_parts import WITH_SPACES

CUT = re.compile(r"(?<=[!-~])(?= [!-~])")
CLAUSES = re.compile(r"(?<=[,.;:!?])(?= [!-~])")
"""Some of these places. Prompts have whole clauses in common: in most, fewer pieces are put together so."""
BEFORE = "a"
"""What a piece is encoded after."""
KEPT, LONGEST = 1 << 13, 64
"""Pieces whose tokens are kept, at the beginning of texts and later in them, and characters of each: some 20 MB a
tokenizer, at most 80. All are forgotten when there are more."""
MOST_ADDED, MOST_ADDED_TEXT = 1 << 10, 1 << 14
"""Added tokens that a text is searched for, and characters in all of them: at each place each of them is tried."""
INSIDE_WORDS = ("Punctuation", "Digits", "Split")
"""Rules that split each piece of a text by itself."""


@frozen
class Cut:
    """How a tokenizer is told by pieces: it puts `after` tokens after each text, and finds `added` in one."""

    after: int
    added: re.Pattern[str] | None

    def allows(self, text: str) -> bool:
        return text.isascii() and (self.added is None or self.added.search(text) is None)


NOWHERE = Cut(0, re.compile(""))
"""Of a tokenizer that is not known to be told by pieces: every text holds what is looked for."""


def cut_of(said: Mapping[str, Any]) -> Cut | None:
    """How the tokenizer of a file whose rules were read may be told by pieces; None where that is not known."""
    whole = said.get("truncation") is None and said.get("padding") is None
    normal, after = said.get("normalizer"), _after(said.get("post_processor"))
    if not whole or after is None or normal not in (None, {"type": "NFC"}) or not _splits(said.get("pre_tokenizer")):
        return None
    if not _reads_all(said["model"]):
        return None
    contents = (token["content"] for token in said.get("added_tokens") or ())
    added = [form for content in contents for form in dict.fromkeys((content, unicodedata.normalize("NFC", content)))]
    if len(added) > MOST_ADDED or sum(map(len, added)) > MOST_ADDED_TEXT:
        return None
    if any(content.startswith(BEFORE) and content[1:2] in ("", " ") for content in added):
        return None
    return Cut(after, re.compile("|".join(map(re.escape, added))) if added else None)


def _reads_all(model: Mapping[str, Any]) -> bool:
    """That a model fails at no word, so that pieces may be read by themselves."""
    match model:
        case {"vocab": dict(known), "unk_token": str(unknown)}:
            return unknown in known
        case {"vocab": dict(), "type": "BPE", **rest}:
            return rest.get("unk_token") is None
    return False


def _splits(said: Any) -> bool:
    """That the rules which split a text split it before a space."""
    match said:
        case {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit" | "Whitespace"}, *rest]}:
            return all(isinstance(rule, dict) and rule.get("type") in INSIDE_WORDS for rule in rest)
        case {"type": "Sequence", "pretokenizers": [{"type": "Digits"}, inner]}:
            return _bytes(inner, use_regex=True)
        case {"type": "Sequence", "pretokenizers": [{"type": "Split"} as split, inner]}:
            known = split.get("pattern") in [{"Regex": pattern} for pattern in WITH_SPACES]
            isolated = split.get("behavior") == "Isolated" and split.get("invert") is False
            return known and isolated and _bytes(inner, use_regex=False)
        case {"type": "WhitespaceSplit" | "Whitespace"}:
            return True
    return _bytes(said, use_regex=True)


def _bytes(said: Any, *, use_regex: bool) -> bool:
    """That a rule writes bytes as letters, splits by GPT-2's expression where it is to, and puts no space before."""
    match said:
        case {"type": "ByteLevel", "add_prefix_space": False, **rest}:
            return rest.get("use_regex", True) is use_regex
    return False


def _after(said: Any) -> int | None:
    """How many tokens are put after a text; None where something else may be done to it."""
    match said:
        case None | {"type": "ByteLevel"}:
            return 0
        case {"type": "TemplateProcessing", "single": list(single), "special_tokens": dict(special)}:
            names = [_special(piece) for piece in single]
            if names.count(None) == 1 and {"Sequence": {"id": "A", "type_id": 0}} in single:
                place = names.index(None)
                given = (_ids(special.get(name)) for name in names[:place] + names[place + 1 :])
                counts = [count for count in given if count is not None]
                return sum(counts[place:]) if len(counts) == len(names) - 1 else None
    return None


def _special(piece: Any) -> str | None:
    match piece:
        case {"SpecialToken": {"id": str(name)}}:
            return name
    return None


def _ids(said: Any) -> int | None:
    match said:
        case {"ids": list(ids)}:
            return len(ids)
    return None


@frozen
class Tokens:
    """The tokens of a text, or of a piece of one: their ids, their first and last characters, and these themselves."""

    ids: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]
    texts: tuple[str, ...]

    @classmethod
    def of(cls, text: str, ids: Sequence[int], offsets: Sequence[tuple[int, int]]) -> Tokens:
        return cls(tuple(ids), tuple(offsets), tuple([text[start:end] for start, end in offsets]))

    def from_on(self, place: int) -> Tokens:
        """Those from a place on."""
        return Tokens(self.ids[place:], self.offsets[place:], self.texts[place:])


Placed = tuple[int, Tokens]
"""A piece of a text: the character at which it begins, and its tokens."""


def offsets(placed: Sequence[Placed]) -> tuple[tuple[int, int], ...]:
    """The first and last characters, in a text, of the tokens of its pieces."""
    return tuple([(start + first, start + last) for start, tokens in placed for first, last in tokens.offsets])


def joined(placed: Sequence[Placed]) -> Tokens:
    """The tokens of a text from those of its pieces."""
    return Tokens(
        tuple(chain.from_iterable([tokens.ids for _, tokens in placed])),
        offsets(placed),
        tuple(chain.from_iterable([tokens.texts for _, tokens in placed])),
    )


class Pieces:
    """The tokens of texts, by their pieces, from what `encode` makes of a text. Raises what it raises."""

    def __init__(self, cut: Cut | None, encode: Callable[[str], tuple[list[int], list[tuple[int, int]]]]) -> None:
        self._cut, self._encode = cut or NOWHERE, encode
        self._first: dict[str, Tokens] = {}
        """Of pieces at the beginning of a text."""
        self._later: dict[str, Tokens] = {}
        """Of pieces after others."""

    def encode(self, text: str) -> list[Placed]:
        """The tokens of a text, piece by piece."""
        if not self._cut.allows(text):
            return [(0, Tokens.of(text, *self._encode(text)))]
        placed = self._placed(CLAUSES.split(text), self._first)
        if self._cut.after:
            placed.append((0, self._frame.from_on(len(self._frame.ids) - self._cut.after)))
        return placed

    def _placed(self, pieces: Sequence[str], known: dict[str, Tokens]) -> list[Placed]:
        """The tokens of pieces, one after the other."""
        placed, start = [], 0
        for piece in pieces:
            placed.append((start, known.get(piece) or self._read(piece, known)))
            start, known = start + len(piece), self._later
        return placed

    def following(self, text: str, more: str) -> tuple[int, ...] | None:
        """The tokens that a text has more when something follows it; None where that is not told by pieces."""
        begins = text != "" and CUT.match(text[-1:] + more, 1) is not None
        if not begins or self._cut.after or not self._cut.allows(text + more):
            return None
        known = self._later.get(more)
        return known.ids if known else self._read(more, self._later).ids

    def _read(self, piece: str, known: dict[str, Tokens]) -> Tokens:
        """The tokens of a piece that are not known, and then are."""
        words = CUT.split(piece)
        first = known is self._first
        tokens = joined(self._placed(words, known)) if len(words) > 1 else self._word(piece, first=first)
        if len(piece) <= LONGEST:
            if len(known) >= KEPT:  # more, where threads met
                known.clear()
            known[piece] = tokens
        return tokens

    def _word(self, word: str, *, first: bool) -> Tokens:
        """The tokens of a word after `BEFORE`, or of the first of a text, with those that are put before that."""
        before = "" if first else BEFORE
        ids, offsets = self._encode(before + word)
        own = slice(0 if first else len(self._frame.ids) - self._cut.after, len(ids) - self._cut.after)
        return Tokens.of(word, ids[own], [(start - len(before), end - len(before)) for start, end in offsets[own]])

    @cached_property
    def _frame(self) -> Tokens:
        return Tokens.of(BEFORE, *self._encode(BEFORE))
