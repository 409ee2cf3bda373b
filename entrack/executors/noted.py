"""What a note beside a value says, as far as it is said as we say it. Notes of stores from others hold anything: each word is of its type and bounded, or not there."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

TEXTS = ("torch", "transformers", "nnsight", "device", "executor", "kernel", "machine", "made", "beside", "what")
NUMBERS = ("threads", "memory", "seconds", "forwards")
LONGEST, MOST = 4000, 2**63
"""Letters of a text, and what a number is below."""

Note = Mapping[str, Any]


def noted(how: Note) -> Note:
    """The words of a note that are texts or numbers as we write them. The key, which has parts, is for `note.recorded`."""
    texts = {name: how[name] for name in TEXTS if _is_text(how.get(name))}
    return {**texts, **{name: how[name] for name in NUMBERS if _is_number(how.get(name))}}


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and isfinite(value) and 0 <= value < MOST  # type: ignore[arg-type,operator]  # one of the two
