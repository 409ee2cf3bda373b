"""Text of figures: characters that the font can show, widths in inches, and line breaking. Nothing is cut off.

Widths are those of the font that figures are drawn with, letter by letter, so that a W and an i are not taken for one
another.
"""

from __future__ import annotations

import re
from functools import lru_cache

from matplotlib.font_manager import FontProperties, findfont, get_font

from entrack.report.format import visible

WORD = re.compile(r"(?:[^ _.]|\.(?=\d))*[ _.]+|(?:[^ _.]|\.(?=\d))+")
"""A piece of text after which a line may end: not in a number or site, such as 15.66."""
LINE = 1.25
"""From one line to the next, in sizes of the font."""
SPARE = 1.03
"""Letters that are drawn on whole pixels are a little wider than the font says."""


def inches(text: str, size: float, weight: str = "normal", family: str = "DejaVu Sans") -> float:
    """The width of the widest line, at a size in points."""
    return (
        max(sum(_advance(letter, weight, family) for letter in line) for line in text.split("\n")) * size * SPARE / 72
    )


def height(text: str, size: float) -> float:
    """Inches from the top of the first line to the foot of the last."""
    return (text.count("\n") + 1) * LINE * size / 72


def drawable(text: str) -> str:
    """Visible text in which a character that the font lacks is its number: two of them would be the same empty box."""
    known = _known("normal", "DejaVu Sans")
    return "".join(
        letter if letter == "\n" or ord(letter) in known else f"⟨U+{ord(letter):04X}⟩" for letter in visible(text)
    )


def fold(text: str, room: float, size: float, weight: str = "normal") -> str:
    """Visible text in lines of at most `room` inches, broken after a space, `_` or `.`, and inside a word or number
    only where one is wider."""
    rows = [""]
    for word in WORD.findall(" ".join(drawable(text).split())):
        if rows[-1] and inches(rows[-1] + word.rstrip(), size, weight) > room:
            rows.append("")
        rows[-1] += word
        while len(rows[-1]) > 1 and inches(rows[-1].rstrip(), size, weight) > room:
            first = _beginning(rows[-1], room, size, weight)
            rows[-1:] = [first, rows[-1][len(first) :]]
    return "\n".join(row.rstrip() for row in rows if row.strip())


def broken(text: str, room: float, size: float) -> bool:
    """Whether a word of the text would have to be broken to fit."""
    return any(inches(word.rstrip(), size) > room for word in WORD.findall(drawable(text)))


def _beginning(text: str, room: float, size: float, weight: str) -> str:
    """As many letters as fit, and one at least."""
    taken, wide = 0, 0.0
    for letter in text:
        wide += inches(letter, size, weight)
        if taken and wide > room:
            break
        taken += 1
    return text[:taken]


@lru_cache(maxsize=8192)
def _advance(letter: str, weight: str, family: str) -> float:
    """The width of a letter, in sizes of the font."""
    font = get_font(findfont(FontProperties(family=family, weight=weight)))
    font.set_size(100, 72)
    return (
        float(font.load_char(ord(letter)).linearHoriAdvance) / 65536 / 100
        if ord(letter) in _known(weight, family)
        else 1.0
    )


@lru_cache(maxsize=4)
def _known(weight: str, family: str) -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family=family, weight=weight))).get_charmap())
