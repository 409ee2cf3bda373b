"""Close names: what somebody who wrote `scrambeld` may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known name that is close to `word`, if one is: a `cutoff` of 1 wants the same letters."""
    names = sorted(set(known))
    lowered = {name.lower(): name for name in names}
    if word.lower() in lowered:
        return lowered[word.lower()]
    hits = get_close_matches(word, names, n=1, cutoff=cutoff)
    return hits[0] if hits else None


def did_you_mean(word: str, known: Iterable[str], what: str = "") -> str:
    """A help text: the near name, else the few that there are."""
    names = sorted(set(known))
    near = nearest(word, names)
    if near is not None:
        return f"did you mean `{near}`?"
    if not names:
        return f"there is no {what} yet; declare one first" if what else ""
    return f"known: {', '.join(f'`{name}`' for name in names[:12])}{' ...' if len(names) > 12 else ''}"
