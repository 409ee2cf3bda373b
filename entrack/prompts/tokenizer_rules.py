"""Static analysis of a tokenizer.json, made before the tokenizers library sees the file.

`read` gives the file's text with `Rules`: how many characters its rules may make of one, how many tokens they may add,
and whether all of it is of shapes that are known to be cheap (`plain`). A file that says more than that is refused by
the name of the rule, as `normalizer.normalizers[3]`. What only trying can tell - expressions, lattices, maps, words
that are not known here - is not plain; such a tokenizer is used in a process with limits
(`entrack/prompts/tokenizer_sandbox.py`).

Growth is bounded as a factor: a rule that puts a prefix before every piece of a text is counted as if every character
were a piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import define, field

from entrack.frozen import frozen
from entrack.models.strict_json import strict
from entrack.prompts.bad_tokenizer import BadTokenizer, refused
from entrack.prompts.tokenizer_cuts import Cut, cut_of
from entrack.prompts.tokenizer_parts import DECODERS, NORMALIZERS, PRE_TOKENIZERS, PROCESSORS, Kind, is_count, is_plain
from entrack.prompts.tokenizer_vocabulary import LONGEST_PIECE, model_is_plain

MOST_BYTES = 48 << 20
MOST_OBJECTS, MOST_LISTS, MOST_VALUES = 100_000, 1_000_000, 4_000_000
"""Brackets and commas in a file, those in words too: 64 bytes of memory may stand behind three of its bytes."""
MOST_ADDED, MOST_ADDED_TEXT = 20_000, 1 << 20
"""Tokens beside the vocabulary, and characters in all of them."""
MOST_RULES, DEEPEST = 64, 8
MOST_TIMES = 1_000
"""Characters that one character may become."""
MOST_CHARACTERS = 1 << 20
"""Characters that a text may become: about 300 MB of tokens, should each be one."""
MOST_SPECIAL = 256
"""Tokens that may be added to a text."""
INNER = {
    "normalizer": "normalizers",
    "pre_tokenizer": "pretokenizers",
    "post_processor": "processors",
    "decoder": "decoders",
}
PARTS = {"normalizer": NORMALIZERS, "pre_tokenizer": PRE_TOKENIZERS, "post_processor": PROCESSORS, "decoder": DECODERS}
WORDS = {"version", "truncation", "padding", "added_tokens", "model", *PARTS}
TOKEN = {
    "content": str,
    "single_word": bool,
    "lstrip": bool,
    "rstrip": bool,
    "normalized": bool,
    "special": bool,
    "id": int,
}


@frozen
class Rules:
    """`times` is the most characters that one may become, and `plain` that reading has told all there is to tell.

    `unknown` is the token for words that are not in the vocabulary, where the file names one; `cut` says how a text
    may be told by its pieces, where it may.
    """

    times: int
    plain: bool
    unknown: int | None = None
    cut: Cut | None = None


def read(path: Path) -> tuple[bytes, Rules]:
    """The bytes of a tokenizer.json, and its rules. Raises BadTokenizer."""
    raw = _bytes(path)
    try:
        said = strict(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadTokenizer(f"{path} is no tokenizer: {str(error)[:200]}") from None
    if not isinstance(said, dict):
        raise BadTokenizer(f"{path} is no tokenizer: it is no object")
    return raw, _Reading(path).rules(said)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            raw = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise BadTokenizer(f"{path} cannot be read: {error.strerror}") from None
    if len(raw) > MOST_BYTES:
        raise BadTokenizer(f"{path} is no tokenizer: it has over {MOST_BYTES >> 20} MiB")
    if raw.count(b"{") > MOST_OBJECTS or raw.count(b"[") > MOST_LISTS or raw.count(b",") > MOST_VALUES:
        raise BadTokenizer(
            f"{path} is no tokenizer: it has over {MOST_OBJECTS:,} objects, {MOST_LISTS:,} lists or "
            f"{MOST_VALUES:,} values"
        )
    return raw


def _unknown(said: dict[str, Any]) -> int | None:
    """The id of the piece that a model's `unk_token` names, of a file whose rules have been read."""
    model, added = said["model"], said.get("added_tokens") or ()
    piece, pieces = model.get("unk_token"), model.get("vocab")
    ids = {token.get("content"): token.get("id") for token in added}
    found = ids.get(piece, pieces.get(piece) if isinstance(pieces, dict) else None) if isinstance(piece, str) else None
    return found if isinstance(found, int) else None


@define
class _Reading:
    """One file being read: what its rules come to so far."""

    path: Path
    plain: bool = field(default=True, init=False)

    def rules(self, said: dict[str, Any]) -> Rules:
        self._hold(
            plain=said.keys() <= WORDS
            and said.get("version") == "1.0"
            and said.get("truncation") is None
            and said.get("padding") is None
        )
        self._hold(plain=model_is_plain(self.path, said.get("model")))
        normal = self._chain("normalizer", said.get("normalizer"))
        times = self._chain("pre_tokenizer", said.get("pre_tokenizer"), normal)
        self._chain("decoder", said.get("decoder"))
        self._added_tokens(said.get("added_tokens"), normal)
        self._special(said.get("post_processor"))
        return Rules(times, self.plain, _unknown(said), cut_of(said))

    def _hold(self, *, plain: bool) -> None:
        self.plain = self.plain and plain

    # --- rules one after the other

    def _chain(self, section: str, said: Any, times: int = 1) -> int:
        """What one character may become by the rules of a section, when it may be `times` characters before."""
        for place, rule, kind in self._flat(section, said):
            grown = times * kind.times(rule)
            if grown > MOST_TIMES:
                more = "" if times == 1 else f", with the rules before it up to {grown:,}"
                raise refused(
                    self.path,
                    place,
                    f"makes up to {kind.times(rule):,} characters of one{more}; allowed are {MOST_TIMES:,}",
                )
            times = grown
        return times

    def _flat(self, section: str, said: Any) -> Iterator[tuple[str, dict[str, Any], Kind]]:
        """The rules of a section with their places, those of inner lists where the list stands."""
        waiting, count = [(section, said, 0)] if said is not None else [], 0
        while waiting:
            place, rule, depth = waiting.pop()
            count += 1
            if count > MOST_RULES or depth > DEEPEST:
                raise refused(
                    self.path, section, f"has more than {MOST_RULES} rules, or lists more than {DEEPEST} deep"
                )
            name = rule.get("type") if isinstance(rule, dict) else None
            if name == "Sequence":
                waiting += reversed(self._inner(section, place, rule, depth))
                continue
            kind = PARTS[section].get(name) if isinstance(name, str) else None
            if kind is None:
                raise refused(
                    self.path,
                    place,
                    f"is of the kind {str(name)[:40]!r}, which is not known; known are "
                    f"{', '.join(sorted(PARTS[section]))}",
                )
            yield f"{place} ({name})", rule, self._known(rule, kind)

    def _inner(self, section: str, place: str, rule: dict[str, Any], depth: int) -> list[tuple[str, Any, int]]:
        inner = rule.get(INNER[section])
        if not isinstance(inner, list):
            raise refused(self.path, place, f"is a sequence without {INNER[section]}")
        self._hold(plain=rule.keys() == {"type", INNER[section]})
        if len(inner) > MOST_RULES:
            raise refused(self.path, place, f"has more than {MOST_RULES} rules")
        return [(f"{place}.{INNER[section]}[{number}]", one, depth + 1) for number, one in enumerate(inner)]

    def _known(self, rule: dict[str, Any], kind: Kind) -> Kind:
        self._hold(plain=is_plain(rule, kind))
        return kind

    # --- tokens that are added

    def _special(self, said: Any) -> None:
        """That the post-processors add few tokens."""
        added = 0
        for place, rule, kind in self._flat("post_processor", said):
            if kind.added is None:
                continue
            count, copies = kind.added(rule)
            if copies != 1:
                raise refused(
                    self.path, place, f"puts the text {copies} times into what a model reads; allowed is once"
                )
            added += count
            if added > MOST_SPECIAL:
                raise refused(self.path, place, f"adds {count:,} tokens to every text; allowed are {MOST_SPECIAL:,}")

    def _added_tokens(self, said: Any, times: int) -> None:
        """`times` is what the normalizer may make of a character of those that it is applied to."""
        if said is None:
            return
        if not isinstance(said, list) or len(said) > MOST_ADDED:
            raise refused(self.path, "added_tokens", f"should be a list of up to {MOST_ADDED:,}")
        text = 0
        for number, token in enumerate(said):
            content = token.get("content") if isinstance(token, dict) else None
            if not isinstance(content, str) or len(content) > LONGEST_PIECE:
                raise refused(
                    self.path, f"added_tokens[{number}]", f"should have a content of up to {LONGEST_PIECE:,} characters"
                )
            text += len(content) * (1 if token.get("normalized") is False else times)
            self._hold(
                plain=token.keys() == TOKEN.keys()
                and content != ""
                and all(type(token[word]) is kind for word, kind in TOKEN.items())
                and is_count(token["id"])
            )
        if text > MOST_ADDED_TEXT:
            raise refused(
                self.path, "added_tokens", f"may have {text:,} characters in all; allowed are {MOST_ADDED_TEXT:,}"
            )


def hold(rules: Rules, characters: int) -> None:
    """That a text of so many characters cannot become more than fits in memory. Raises BadTokenizer."""
    grown = rules.times * characters
    if grown > MOST_CHARACTERS:
        raise BadTokenizer(
            f"a text of {characters:,} characters may become {grown:,} by the tokenizer's rules; allowed are "
            f"{MOST_CHARACTERS:,}"
        )
