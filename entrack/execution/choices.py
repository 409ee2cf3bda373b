"""Screens and selections as a run has made them: which sites each lets through, and the scores that say so. They are
worked out from stored values each time, and are not stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import assert_never

from entrack.analysis.screening import Screening, screen
from entrack.analysis.selection import Selection, select
from entrack.execution.value_check import Tensors
from entrack.plan.steps import Choice, Chosen, Ref, Screen, Select, Sites
from entrack.sites import Part, Site

Value = Callable[[str], Tensors]
"""The value of a step of the plan."""


class Choices:
    """By the identifiers of their nodes."""

    def __init__(self) -> None:
        self.selections: dict[str, Selection] = {}
        self.screenings: dict[str, Screening] = {}

    def make(self, id: str, node: Choice, value: Value, is_idle: Callable[[str], bool]) -> tuple[Site, ...]:
        """Apply a screen or selection whose needs are known; steps that are idle have no value. -> the sites that it
        lets through. Raises NotANumber."""
        clean = [value(ref.id) for ref in node.clean]

        def values(refs: tuple[Ref, ...]) -> list[Tensors] | None:
            return None if any(is_idle(ref.id) for ref in refs) else [value(ref.id) for ref in refs]

        match node:
            case Screen():
                receivers = [self._sites(sites) for sites in node.receivers]
                self.screenings[id] = screen(node, clean, values(node.estimates), receivers)
                return self.screenings[id].sites
            case Select():
                earlier = [self._sites(chosen) for chosen in node.taken]
                screening = self.screenings[node.screen.id] if node.screen else None
                sending = {Part.OUTPUT: node.patched, Part.MLP: node.mlps}
                patched = {part: [values(refs) for refs in layers] for part, layers in sending.items() if layers}
                self.selections[id] = select(node, clean, patched, earlier, screening)
                return self.selections[id].sites
        assert_never(node)

    def sites(self) -> dict[str, tuple[Site, ...]]:
        """What each lets through."""
        screened = {id: screening.sites for id, screening in self.screenings.items()}
        return screened | {id: selection.sites for id, selection in self.selections.items()}

    def _sites(self, sites: Sites) -> tuple[Site, ...]:
        return sites.among(self.selections[sites.id].sites) if isinstance(sites, Chosen) else sites

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
