"""Formatting of text and numbers for display, the same in tables, figures and HTML: control characters are made
visible."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from entrack.diagnostics.escape import clip, visible
from entrack.files import reserved
from entrack.results.numbers import decimals_for, estimate, number

__all__ = ["clip", "decimals_for", "estimate", "number", "visible"]

MOST = 400
"""Characters up to which a text is shown whole where a figure or a line must hold it."""


def told_apart(labels: Sequence[str]) -> tuple[str, ...]:
    """Labels as they are shown, no two alike: the middle of a very long one is left out, and those that then look
    the same are numbered."""
    found: list[str] = []
    seen: dict[str, int] = {}
    for label in labels:
        said = shown = _middle_out(" ".join(visible(label).split()))
        while said in seen:
            seen[shown] += 1
            said = f"{shown} ({seen[shown]})"
        seen[said] = 1
        found.append(said)
    return tuple(found)


def _middle_out(text: str) -> str:
    return text if len(text) <= MOST else f"{text[: MOST * 2 // 3]} … {text[len(text) - MOST // 3 :]}"


def slug(text: str) -> str:
    """A file name without suffix that is safe everywhere: lower-case ASCII letters, digits and dashes."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", plain)[:80].strip("-")
    return f"figure-{name}".rstrip("-") if not name or reserved(name) else name


def short(address: str) -> str:
    """Enough of a hexadecimal digest to recognise it."""
    return address[:12] if re.fullmatch(r"[0-9a-f]{16,}", address) else address


def spread(values: Iterable[int]) -> str:
    """`500`, or `480 to 500`."""
    low, high = min(found := sorted(set(values))), found[-1]
    return f"{low}" if low == high else f"{low} to {high}"


def change_in(score: str) -> str:
    """A discovery's score in words: it is how far a patch moves a metric."""
    relative = score.startswith("relative ")
    return f"{'relative ' if relative else ''}change in {score.removeprefix('relative ')}"
