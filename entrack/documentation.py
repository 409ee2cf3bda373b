"""Pages of the documentation that entrack shows itself: explanations of codes, and what an editor says of a word."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent


def documented(name: str) -> Path:
    """A file or folder of docs/: in the installed package, else in the checkout around it."""
    packaged = PACKAGE / "pages" / name
    return packaged if packaged.exists() else PACKAGE.parent / "docs" / name
