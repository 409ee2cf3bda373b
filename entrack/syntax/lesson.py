"""Lessons: small wrong programs of the kinds that people write, and what to say about each (`lessons/*.txt`).

A lesson is a paragraph: its code and message, `help:` with the help, then wrong programs, one a line. Where lines begin
with `after:`, each program follows each of these. A program that fails as one of them does gets the words of the lesson
(`taught.py`); a failure like none of them gets those of the first lesson with programs that begin with the same word.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from entrack.frozen import frozen

FOLDER = Path(__file__).with_name("lessons")
FILES = ("headers", "tasks", "circuits", "measures", "interventions")


@frozen
class Lesson:
    """What to say about programs that fail as `examples` do."""

    code: str
    message: str
    help: str
    examples: tuple[str, ...]


@cache
def lessons() -> tuple[Lesson, ...]:
    """All lessons, in their order."""
    texts = ((FOLDER / f"{name}.txt").read_text(encoding="utf-8") for name in FILES)
    return tuple(_lesson(*part.splitlines()) for text in texts for part in text.split("\n\n"))


def _lesson(first: str, help: str, *lines: str) -> Lesson:
    code, _, message = first.partition(" ")
    after = [line.removeprefix("after: ") for line in lines if line.startswith("after: ")]
    examples = (f"{start} {line}".lstrip() for start in after or [""] for line in lines[len(after) :])
    return Lesson(code, message, help.removeprefix("help: "), tuple(examples))
