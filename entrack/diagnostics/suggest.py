"""Close names: what somebody who wrote `scrambeld` may have meant."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from entrack import budget
from entrack.source import Span

SHOWN = 12
MOST_LETTERS = 64
"""Of a name that is compared with others: comparing takes as long as the product of the letters."""


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known name that is close to `word`, if one is: a `cutoff` of 1 wants the same letters.

    None too where a command has compared as many letters as it may, or where a name is too long to be compared.
    """
    names = _names(known)
    return _nearest(word, names, cutoff) if names else None


def _nearest(word: str, names: list[str], cutoff: float = 0.6) -> str | None:
    lowered = {name.lower(): name for name in names}
    if word.lower() in lowered:
        return lowered[word.lower()]
    short = [name for name in names if len(name) <= MOST_LETTERS]
    if len(word) > MOST_LETTERS or not budget.affords(budget.COMPARED, len(short) * len(word) + sum(map(len, short))):
        return None
    from difflib import get_close_matches

    hits = get_close_matches(word, short, n=1, cutoff=cutoff)
    return hits[0] if hits else None


def _names(known: Iterable[str]) -> list[str]:
    """The names in order, each once; none where a command has looked at as many as it may."""
    names = known if isinstance(known, Collection) else list(known)
    return sorted(set(names)) if budget.affords(budget.COMPARED, len(names)) else []


class Suggestion(str):
    """A help text that knows more than it says: `word` was looked for among `names`."""

    word: str
    names: tuple[str, ...]
    span: Span | None = None
    """Where the word stands, where that is not the whole span of the problem."""

    @classmethod
    def of(cls, text: str, word: str, names: Iterable[str]) -> Suggestion:
        made = cls(text)
        made.word, made.names = word, tuple(names)
        return made

    def also(self, *names: str) -> Suggestion:
        """The same text, where these would have done too."""
        return Suggestion.of(self, self.word, (*self.names, *names))

    def at(self, span: Span) -> Suggestion:
        """The same, of a word that stands there."""
        made = Suggestion.of(self, self.word, self.names)
        made.span = span
        return made


def did_you_mean(word: str, known: Iterable[str], what: str = "") -> Suggestion:
    """A help text: the near name, else the few that there are. Empty where a command has looked at as many names as
    it may."""
    given = known if isinstance(known, Collection) else list(known)
    names = _names(given)
    return Suggestion.of(_said(word, names, what if not given else ""), word, names)


def _said(word: str, names: list[str], missing: str) -> str:
    """`missing` is what there is none of at all."""
    if not names:
        return f"there is no {missing} yet; declare one first" if missing else ""
    near = _nearest(word, names)
    if near is not None:
        return f"did you mean `{near}`?"
    return f"known: {', '.join(f'`{name}`' for name in names[:SHOWN])}{' ...' if len(names) > SHOWN else ''}"
