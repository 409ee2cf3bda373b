"""Visible: text of a spec, a file or a model as a person may safely see it. It is shown, never obeyed."""

from __future__ import annotations

import unicodedata

UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that steer a terminal or a browser, or that nobody can see: controls, bidi marks, surrogates."""


def visible(text: str) -> str:
    """`text` with every control replaced by a picture: ESC is shown as U+241B, U+202E as its number."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_picture(character) if unicodedata.category(character) in UNSEEN else character for character in text)


def in_place(text: str) -> str:
    """The same with one character for each, so that what points at a place still does. A tab is a space."""
    return "".join(" " if character == "\t" else shown if len(shown := visible(character)) == 1 else "\ufffd" for character in text)


def clip(text: str, most: int) -> str:
    """Visible text of at most `most` characters."""
    shown = visible(text[: most + 1])  # each character is shown as one or more
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def _picture(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"
