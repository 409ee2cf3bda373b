"""Prompts that run together, as token ids, and token indices in them."""

from __future__ import annotations

from attrs import Attribute as Field
from attrs import field

from entrack.address import Digested, tagged
from entrack.frozen import frozen

Indices = tuple[int, ...]
"""One token index per prompt of a batch."""


def _equally_many(_: object, __: Field[tuple[Indices, ...]], at: tuple[Indices, ...]) -> None:
    many = sorted({len(tokens) for tokens in at})
    if len(many) != 1 or not many[0]:
        said = " and ".join(map(str, many)) or "no"
        raise ValueError(f"spans that are taken together need one length, at least 1; these have {said} tokens")
    if any(list(tokens) != sorted(set(tokens)) for tokens in at):
        raise ValueError("the tokens of a span are named once each, in rising order")


@tagged("spans", "at")
@frozen
class Spans:
    """Some tokens of each prompt of a batch, in rising order; of all prompts equally many. Raises ValueError where they
    are not."""

    at: tuple[Indices, ...] = field(repr=False, validator=_equally_many)

    @property
    def many(self) -> int:
        """How many tokens of each prompt."""
        return len(self.at[0])


Position = Indices | Spans | None
"""Which tokens of each prompt: one, some, or, with None, every one."""


def _rectangular(_: object, __: Field[tuple[tuple[int, ...], ...]], tokens: tuple[tuple[int, ...], ...]) -> None:
    lengths = sorted({len(prompt) for prompt in tokens})
    if len(lengths) != 1 or not lengths[0]:
        said = " and ".join(f"{length}" for length in lengths) or "no"
        raise ValueError(f"prompts that run together need one token length, at least 1; these have {said} tokens")


@tagged("batch", "tokens")
@frozen(slots=False)
class Batch(Digested):
    """Prompts that run together: token ids, prompts x tokens, all of one length. Raises ValueError where they are
    not."""

    tokens: tuple[tuple[int, ...], ...] = field(repr=False, validator=_rectangular)

    @property
    def prompts(self) -> int:
        return len(self.tokens)

    @property
    def length(self) -> int:
        return len(self.tokens[0])
