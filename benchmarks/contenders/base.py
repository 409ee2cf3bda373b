"""What all contenders have in common: prompts run in batches, and a task is made ready once and run by turns.
Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.tasks import Done, Task, split

BATCH = 50
"""Prompts that run together, as in a plan of entrack's."""


class Contender:
    """`makers` have a maker per kind of task: from the contender and a task of at most `BATCH` prompts to what runs
    a turn of it."""

    makers: Mapping[type, Callable[[Any, Any], Callable[[int], Done]]]

    def __init__(self) -> None:
        self.parts: list[tuple[int, Callable[[int], Done]]] = []

    def forget(self) -> None:
        """Whatever was kept of the last task goes; the model stays, in memory."""
        self.parts = []

    def prepare(self, task: Task) -> None:
        """Make the clean runs, and what else a turn takes as given."""
        self.parts = [(len(part.originals), self.makers[type(part)](self, part)) for part in split(task, BATCH)]

    def run(self, turn: int) -> Done:
        prompts = sum(count for count, _ in self.parts)
        return merged([(count / prompts, part(turn)) for count, part in self.parts])


def merged(parts: list[tuple[float, Done]]) -> Done:
    """One from several batches, each with its share of the prompts."""
    first = parts[0][1]
    if len(parts) == 1:
        return first
    values = {name: [value for _, done in parts for value in done.values[name]] for name in first.values}
    return Done(
        values, sum(share * done.forwards for share, done in parts), sum(done.token_layers for _, done in parts)
    )
