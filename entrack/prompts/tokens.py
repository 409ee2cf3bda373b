"""Tokens: a text as token ids, and a place in a text as the index of a token. Reads tokenizer.json; imports neither torch nor transformers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from attrs import frozen


class BadTokenizer(Exception):
    """A tokenizer.json that cannot be used; the message says why."""


@frozen
class Encoded:
    """Token ids and, per token, the characters it stands for (start, end); special tokens stand for none."""

    ids: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]

    def token_of(self, start: int, end: int) -> int | None:
        """The last token that stands for any of the characters `start` to `end`."""
        for place in range(len(self.ids) - 1, -1, -1):
            first, last = self.offsets[place]
            if first < end and last > start:
                return place
        return None


class Tokenizer:
    """The tokenizer of one model. `encode` adds the special tokens that the model's own tokenizer adds."""

    def __init__(self, path: Path) -> None:
        from tokenizers import Tokenizer as Library

        with _named(f"{path} is no tokenizer"):
            self._library: Any = Library.from_file(str(path))
        self._library.no_truncation()
        self._library.no_padding()

    def encode(self, text: str) -> Encoded:
        """The text as tokens. Raises BadTokenizer."""
        with _named("the tokenizer fails"):
            encoding = self._library.encode(text)
        return Encoded(tuple(encoding.ids), tuple(encoding.offsets))

    @property
    def unknown(self) -> int | None:
        """The token for words that it does not know, where it has one."""
        name = getattr(self._library.model, "unk_token", None)
        return None if name is None else self._library.token_to_id(name)

    def word(self, token: int) -> str:
        """A token as a person reads it."""
        return str(self._library.decode([token], skip_special_tokens=False))


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
