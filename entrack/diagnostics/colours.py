"""Colours for a background that is not known, as that of a notebook, which may be light or dark and does not say which.

Each is mixed with the colour of the text around it, so it stands out from whatever that text stands out from. Where a
browser cannot mix, it is the text's own.
"""

from __future__ import annotations

SHARE = 0.35
"""Of the text's own colour: with it, all colours here have a contrast of 4.5 on the themes of Jupyter and VS Code."""
ERROR, WARNING, FRAME = "D6405A", "A8751A", "4F7EC0"
"""Of diagnostics, as six hexadecimal digits."""


def mixed(colour: str) -> str:
    """A colour, as six hexadecimal digits, mixed with that of the text around, as CSS."""
    return f"color-mix(in srgb, currentColor {SHARE:.0%}, #{colour})"
