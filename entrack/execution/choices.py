"""Screens, races and selections as a run has made them: which sites each lets through, and the scores that say so. They
are worked out from stored values each time, and are not stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import assert_never

from entrack.analysis.racing import Racing, look
from entrack.analysis.screening import Screening, screen
from entrack.analysis.selection import Selection, select, select_raced
from entrack.execution.value_check import Tensors
from entrack.plan.steps import Choice, Chosen, Race, Ref, Screen, Select, Sites
from entrack.sites import Part, Site

Value = Callable[[str], Tensors]
"""The value of a step of the plan."""


class Choices:
    """By the identifiers of their nodes."""

    def __init__(self) -> None:
        self.selections: dict[str, Selection] = {}
        self.screenings: dict[str, Screening] = {}
        self.races: dict[str, Racing] = {}

    def make(self, id: str, node: Choice, value: Value, is_idle: Callable[[str], bool]) -> tuple[Site, ...]:
        """Apply a screen, race or selection whose needs are known; steps that are idle have no value. -> the sites that
        it lets through. Raises NotANumber."""

        def clean() -> list[Tensors]:
            return [value(ref.id) for ref in node.clean]

        def values(refs: tuple[Ref, ...]) -> list[Tensors] | None:
            return None if any(is_idle(ref.id) for ref in refs) else [value(ref.id) for ref in refs]

        match node:
            case Screen():
                receivers = [self._sites(sites) for sites in node.receivers]
                self.screenings[id] = screen(node, clean(), values(node.estimates), receivers)
                return self.screenings[id].sites
            case Race():
                before = self.races[node.before.id] if node.before else None
                self.races[id] = look(node, clean(), patched(node, values), before, self._screening(node))
                return self.races[id].running
            case Select():
                earlier = [self._sites(chosen) for chosen in node.taken]
                self.selections[id] = (
                    select_raced(node, self.races[node.race.id], earlier)
                    if node.race
                    else select(node, clean(), patched(node, values), earlier, self._screening(node))
                )
                return self.selections[id].sites
        assert_never(node)

    def sites(self) -> dict[str, tuple[Site, ...]]:
        """What each lets through."""
        screened = {id: screening.sites for id, screening in self.screenings.items()}
        raced = {id: racing.running for id, racing in self.races.items()}
        return screened | raced | {id: selection.sites for id, selection in self.selections.items()}

    def _screening(self, node: Race | Select) -> Screening | None:
        return self.screenings[node.screen.id] if node.screen else None

    def _sites(self, sites: Sites) -> tuple[Site, ...]:
        return sites.among(self.selections[sites.id].sites) if isinstance(sites, Chosen) else sites

    def forget(self, ids: Iterable[str]) -> None:
        """What these were is not known any more."""
        for id in ids:
            self.selections.pop(id, None)
            self.screenings.pop(id, None)
            self.races.pop(id, None)

    def copy(self) -> Choices:
        new = Choices()
        new.selections.update(self.selections)
        new.screenings.update(self.screenings)
        new.races.update(self.races)
        return new


def patched(
    node: Race | Select, values: Callable[[tuple[Ref, ...]], list[Tensors] | None]
) -> dict[Part, list[list[Tensors] | None]]:
    """What the path patches of each part that sends gave, layer by layer."""
    sending = {Part.OUTPUT: node.patched, Part.MLP: node.mlps}
    return {part: [values(refs) for refs in layers] for part, layers in sending.items() if layers}
