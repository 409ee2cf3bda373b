"""Tokenizer: text to token ids, and character positions to token indices. Reads tokenizer.json without torch or
transformers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field

from entrack import budget
from entrack.address import bytes_digest
from entrack.frozen import frozen
from entrack.prompts.bad_tokenizer import BadTokenizer
from entrack.prompts.tokenizer_cuts import Pieces, Placed, offsets
from entrack.prompts.tokenizer_rules import hold, read

if TYPE_CHECKING:
    from entrack.prompts.tokenizer_sandbox import Apart

__all__ = ["BadTokenizer", "Encoded", "Tokenizer", "tokenizer"]


@frozen
class Encoded:
    """The tokens of a text: their ids, the characters that each stands for, and, piece by piece, where these are;
    special tokens stand for none."""

    ids: tuple[int, ...]
    texts: tuple[str, ...]
    placed: Sequence[Placed] = field(repr=False)

    @classmethod
    def of(cls, placed: Sequence[Placed]) -> Encoded:
        return cls(
            tuple(chain.from_iterable([tokens.ids for _, tokens in placed])),
            tuple(chain.from_iterable([tokens.texts for _, tokens in placed])),
            placed,
        )

    @property
    def offsets(self) -> tuple[tuple[int, int], ...]:
        """Per token, the characters that it stands for (start, end)."""
        return offsets(self.placed)

    def token_of(self, start: int, end: int) -> int | None:
        """The last token that stands for any of the characters `start` to `end`."""
        place = len(self.ids)
        for begin, tokens in reversed(self.placed):
            place -= len(tokens.ids)
            if begin < end:
                low, high = start - begin, end - begin
                found = [number for number, (first, last) in enumerate(tokens.offsets) if first < high and last > low]
                if found:
                    return place + found[-1]
        return None

    def tokens_of(self, start: int, end: int) -> tuple[int, ...]:
        """All tokens that stand for any of the characters `start` to `end`."""
        return tuple(place for place, (first, last) in enumerate(self.offsets) if first < end and last > start)


class Tokenizer:
    """The tokenizer of one model. `encode` adds the special tokens that the model's own tokenizer adds.

    Its rules are read first. One of a shape that is known to be cheap is used here, any other in a process with limits.
    """

    def __init__(self, path: Path) -> None:
        raw, self._rules = read(path)
        self.digest = bytes_digest(raw)
        """The SHA-256 of its file."""
        self._used: _Here | Apart = _Here(raw, path) if self._rules.plain else _apart(raw, path)
        self._pieces = Pieces(self._rules.cut if self.plain else None, self._used.encode)

    @property
    def plain(self) -> bool:
        """That it is used in this process."""
        return self._rules.plain

    def encode(self, text: str) -> Encoded:
        """The text as tokens. Raises BadTokenizer."""
        budget.spend(budget.ENCODED, len(text))
        hold(self._rules, len(text))
        return Encoded.of(self._pieces.encode(text))

    def following(self, text: str, ids: Sequence[int], more: str) -> tuple[int, ...]:
        """The tokens of what follows a text of these `ids`; none where it is not simply added. Raises BadTokenizer."""
        budget.spend(budget.ENCODED, len(text) + len(more))
        hold(self._rules, len(text) + len(more))
        told = self._pieces.following(text, more)
        if told is not None:
            return told
        longer = Encoded.of(self._pieces.encode(text + more)).ids
        return longer[len(ids) :] if longer[: len(ids)] == tuple(ids) else ()

    @property
    def unknown(self) -> int | None:
        """The token for words that it does not know, where it has one."""
        return self._rules.unknown

    def word(self, token: int) -> str:
        """A token as a person reads it. Raises BadTokenizer."""
        return self._used.word(token)


class _Here:
    """The library in this process."""

    def __init__(self, raw: bytes, path: Path) -> None:
        from tokenizers import Tokenizer as Library

        with _named(f"{path} is no tokenizer"):
            self._library: Any = Library.from_buffer(raw)

    def encode(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        with _named("the tokenizer fails"):
            encoding = self._library.encode(text)
        return encoding.ids, encoding.offsets

    def word(self, token: int) -> str:
        with _named("the tokenizer fails"):
            return str(self._library.decode([token], skip_special_tokens=False))


def _apart(raw: bytes, path: Path) -> Apart:
    from entrack.prompts.tokenizer_sandbox import Apart

    return Apart(raw, f"the tokenizer {path}")


@contextmanager
def _named(what: str) -> Iterator[None]:
    """The library raises plain Exception, and where it gives up a PanicException, which is none."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        raise BadTokenizer(f"{what}: {str(error)[:200]}") from None


@lru_cache(maxsize=16)
def tokenizer(path: Path) -> Tokenizer:
    """The tokenizer at a path, read once. Raises BadTokenizer."""
    return Tokenizer(path)
