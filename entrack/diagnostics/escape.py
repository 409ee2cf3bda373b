"""Visible: text of a spec, a file or a model as a person may safely see it. It is shown, never obeyed.

What nobody sees is listed here once: the categories of Unicode that have no picture, `Default_Ignorable_Code_Point`,
and blanks that look like a space or like nothing. A spec may not hold it (`HIDDEN`); everywhere else its number is
shown.
"""

from __future__ import annotations

import re
import unicodedata

UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that steer a terminal or a browser, or that nobody can see: controls, bidi marks, surrogates."""
CONTROLS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufff9-\ufffb\U00013430-\U0001343f\ud800-\udfff"
NO_CHARACTERS = "\ufdd0-\ufdef" + "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)
IGNORED = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Default_Ignorable_Code_Point of Unicode 16, fillers and selectors among them, without the two joiners of letters."""
BLANKS = "\xa0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000"
"""Blanks other than the space, the tab and the ends of lines."""
JOINERS = "\u200c\u200d"
"""Spelling needs them in Persian and in the scripts of India; after an ASCII character they are seen by nobody."""
HIDDEN = re.compile(
    rf"(?:[{CONTROLS}{NO_CHARACTERS}{IGNORED}{BLANKS}]|\r(?!\n)|(?<![^\x00-\x7f])[{JOINERS}])[{JOINERS}]*"
)
"""What may not stand in a spec: a run of characters that nobody sees."""
_NOT_SHOWN = re.compile(f"[{IGNORED}{BLANKS}]")


def visible(text: str) -> str:
    """`text` with every control replaced by a picture: ESC is shown as U+241B, U+202E as its number."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_picture(character) if _unseen(character) else character for character in text)


def in_place(text: str) -> str:
    """The same with one character for each, so that what points at a place still does. A tab is a space."""
    return "".join(
        " " if character == "\t" else shown if len(shown := visible(character)) == 1 else "\ufffd" for character in text
    )


def clip(text: str, most: int) -> str:
    """Visible text of at most `most` characters."""
    shown = visible(text[: most + 1])  # each character is shown as one or more
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def _unseen(character: str) -> bool:
    return unicodedata.category(character) in UNSEEN or _NOT_SHOWN.match(character) is not None


def _picture(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"
