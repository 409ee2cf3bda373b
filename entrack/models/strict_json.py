"""JSON of files that may come from strangers: where readers differ in what a text means, it is refused."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def strict(text: str | bytes) -> Any:
    """What a text says, if no object of it has a name twice and its numbers are numbers. Raises ValueError,
    RecursionError."""
    return json.loads(text, object_pairs_hook=_once, parse_constant=no_number)


def no_number(word: str) -> NoReturn:
    """Refuse `NaN` and `Infinity`, which Python takes."""
    raise ValueError(f"{word} is no number in JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands in it twice")
    return found
