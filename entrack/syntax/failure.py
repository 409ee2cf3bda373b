"""What a failure of the parser says: its state, the token that could not be read, and what could have stood there."""

from __future__ import annotations

from functools import lru_cache

from lark import Token
from lark.exceptions import UnexpectedInput

from entrack.source import Source
from entrack.syntax.grammar import parser


def completes(failure: UnexpectedInput) -> bool:
    """Whether the text before the failure is whole: an item could begin, or the file end there."""
    return "$END" in terminals(failure)


def inner_completes(failure: UnexpectedInput) -> bool:
    """Whether the block round the failure could end before it."""
    return "RBRACE" in terminals(failure)


def terminals(failure: UnexpectedInput) -> frozenset[str]:
    """The terminals that could have stood where a parse failed."""
    inner = getattr(failure, "interactive_parser", None)
    if inner is None:
        return frozenset(getattr(failure, "allowed", None) or ())
    return _accepted(tuple(inner.parser_state.state_stack))


@lru_cache(maxsize=256)
def _accepted(states: tuple[int, ...]) -> frozenset[str]:
    return parser().accepts(states)


def state_of(failure: UnexpectedInput) -> object:
    """The parser's state: what it had read of the rule that it was in."""
    state = getattr(failure, "state", None)
    return getattr(state, "position", state)


def token_type(failure: UnexpectedInput) -> str:
    """The kind of the token that could not be read."""
    token = getattr(failure, "token", None)
    return token.type if isinstance(token, Token) else "?"


def word_of(failure: UnexpectedInput, source: Source, offset: int) -> str:
    """The token that could not be read, or the word where it stands."""
    token = getattr(failure, "token", None)
    return str(token) if isinstance(token, Token) and token.type != "$END" else word_at(source.text, offset)


def word_at(text: str, offset: int, most: int = 40) -> str:
    """The letters, digits and `_` from `offset` on."""
    end = offset
    while end < min(len(text), offset + most) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    return text[offset:end]


def failure_of(text: str) -> UnexpectedInput | None:
    """How the parser fails at a text; None where it does not."""
    try:
        parser().tree(text)
    except UnexpectedInput as failure:
        return failure
    return None
