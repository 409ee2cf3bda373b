"""The pages of `entrack explain`: one Markdown file a code, the same that the documentation shows."""

from __future__ import annotations

import re
from pathlib import Path

from entrack.documentation import documented

CODE = re.compile(r"[EW][0-9]{3}")


def folder() -> Path:
    """Where the pages are."""
    return documented("errors")


def codes() -> tuple[str, ...]:
    """Every code that has a page."""
    return tuple(sorted(path.stem for path in folder().glob("*.md") if CODE.fullmatch(path.stem)))


def page(code: str) -> str | None:
    """The page of a code, if there is one."""
    if not CODE.fullmatch(code):
        return None
    path = folder() / f"{code}.md"
    return path.read_text(encoding="utf-8") if path.is_file() else None
