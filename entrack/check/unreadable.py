"""What is said of a file that cannot be used."""

from __future__ import annotations

from entrack.diagnostics import Diagnostic


class Unreadable(Exception):
    """A file of the spec cannot be used; carries the diagnostic."""

    def __init__(self, problem: Diagnostic) -> None:
        super().__init__(problem.message)
        self.problem = problem


def few(names: list[str]) -> str:
    """Some names of a file, which may have any number of any length."""
    return (", ".join(name[:40] for name in names[:8]) or "nothing") + (" ..." if len(names) > 8 else "")
