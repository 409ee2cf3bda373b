"""Screens and selections as a run has made them: which heads each lets through, and the scores that say so. They are
worked out from stored values each time, and are not stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import assert_never

from entrack.analysis.screening import Screening, screen
from entrack.analysis.selection import Selection, select
from entrack.execution.value_check import Tensors
from entrack.plan.steps import Choice, Ref, Screen, Select
from entrack.sites import Site

Value = Callable[[str], Tensors]
"""The value of a step of the plan."""


class Choices:
    """By the identifiers of their nodes."""

    def __init__(self) -> None:
        self.selections: dict[str, Selection] = {}
        self.screenings: dict[str, Screening] = {}

    def make(self, id: str, node: Choice, value: Value, is_idle: Callable[[str], bool]) -> tuple[Site, ...]:
        """Apply a screen or selection whose needs are known; steps that are idle have no value. -> the heads that it
        lets through. Raises NotANumber."""
        clean = [value(ref.id) for ref in node.clean]

        def values(refs: tuple[Ref, ...]) -> list[Tensors] | None:
            return None if any(is_idle(ref.id) for ref in refs) else [value(ref.id) for ref in refs]

        match node:
            case Screen():
                receivers = [self.selections[chosen.id].heads for chosen in node.receivers]
                self.screenings[id] = screen(node, clean, values(node.estimates), receivers)
                return self.screenings[id].heads
            case Select():
                earlier = [self.selections[chosen.id].heads for chosen in node.taken]
                screening = self.screenings[node.screen.id] if node.screen else None
                self.selections[id] = select(node, clean, [values(refs) for refs in node.patched], earlier, screening)
                return self.selections[id].heads
        assert_never(node)

    def heads(self) -> dict[str, tuple[Site, ...]]:
        """What each lets through."""
        screened = {id: screening.heads for id, screening in self.screenings.items()}
        return screened | {id: selection.heads for id, selection in self.selections.items()}

    def forget(self, ids: Iterable[str]) -> None:
        """What these were is not known any more."""
        for id in ids:
            self.selections.pop(id, None)
            self.screenings.pop(id, None)

    def copy(self) -> Choices:
        new = Choices()
        new.selections.update(self.selections)
        new.screenings.update(self.screenings)
        return new
