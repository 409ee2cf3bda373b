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
from functools import cached_property, lru_cache
from typing import Any

from entrack.frozen import frozen
from entrack.prompts.tokenizer_parts import WITH_SPACES

Tokens = tuple[tuple[int, ...], tuple[tuple[int, int], ...]]
"""Ids, and the first and last character of each."""
CUT = re.compile(r"(?<=[!-~])(?= [!-~])")
CLAUSES = re.compile(r"(?<=[,.;:!?])(?= [!-~])")
"""Some of these places. Prompts have whole clauses in common: in most, fewer pieces are put together so."""
BEFORE = "a"
"""What a piece is encoded after."""
KEPT, LONGEST = 1 << 12, 32
"""Pieces whose tokens are kept, and characters of each: at most 24 MB a tokenizer."""
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


class Pieces:
    """The tokens of texts, by their pieces, from what `encode` makes of a text. Raises what it raises."""

    def __init__(self, cut: Cut | None, encode: Callable[[str], tuple[list[int], list[tuple[int, int]]]]) -> None:
        self._cut, self._encode = cut or NOWHERE, encode
        self._kept = lru_cache(maxsize=KEPT)(self._piece)

    def encode(self, text: str) -> Tokens:
        """The tokens of a text."""
        if not self._cut.allows(text):
            return _frozen(*self._encode(text))
        ids, offsets = self._joined(CLAUSES.split(text), "")
        last = len(self._frame[0]) - self._cut.after
        return ids + self._frame[0][last:], offsets + self._frame[1][last:]

    def _joined(self, pieces: Sequence[str], before: str) -> Tokens:
        """The tokens of pieces, one after the other."""
        ids: list[int] = []
        offsets: list[tuple[int, int]] = []
        start = 0
        for piece in pieces:
            more, places = self._tokens(piece, before)
            ids += more
            offsets += [(start + first, start + last) for first, last in places]
            start, before = start + len(piece), BEFORE
        return tuple(ids), tuple(offsets)

    def following(self, text: str, more: str) -> tuple[int, ...] | None:
        """The tokens that a text has more when something follows it; None where that is not told by pieces."""
        begins = text != "" and CUT.match(text[-1:] + more, 1) is not None
        cut = begins and not self._cut.after and self._cut.allows(text + more)
        return tuple(id for piece in CUT.split(more) for id in self._tokens(piece, BEFORE)[0]) if cut else None

    def _tokens(self, piece: str, before: str) -> Tokens:
        return self._kept(piece, before) if len(piece) <= LONGEST else self._piece(piece, before)

    def _piece(self, piece: str, before: str) -> Tokens:
        """The tokens of a piece after `BEFORE`, or at the beginning of a text, with those that are put before that;
        offsets count from its start."""
        words = CUT.split(piece)
        if len(words) > 1:
            return self._joined(words, before)
        ids, offsets = self._encode(before + piece)
        first = len(self._frame[0]) - self._cut.after if before else 0
        last = len(ids) - self._cut.after
        return tuple(ids[first:last]), tuple(
            (start - len(before), end - len(before)) for start, end in offsets[first:last]
        )

    @cached_property
    def _frame(self) -> Tokens:
        return _frozen(*self._encode(BEFORE))


def _frozen(ids: list[int], offsets: list[tuple[int, int]]) -> Tokens:
    return tuple(ids), tuple(offsets)
