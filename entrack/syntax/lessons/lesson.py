"""A lesson: small wrong programs, and what to say about each that fails as they do."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen


@frozen
class Lesson:
    """What to say about programs that fail as `examples` do. `text` has one a line, each to follow all of `begin`."""

    code: str
    message: str
    help: str
    text: str
    begin: tuple[str, ...] = ("",)

    def examples(self) -> Iterator[str]:
        """The wrong programs."""
        return (begin + line.strip() for begin in self.begin for line in self.text.strip().splitlines())
