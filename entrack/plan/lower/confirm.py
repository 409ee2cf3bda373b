"""`confirm on 100` in a discovery: what each hop kept is patched again, alone, on prompts that chose nothing.

    ... { confirm on 100                     ...
      group a at last -> logits keep 3 }     Select a
                                             Capture(fresh alternates at last) ...
                                             PathPatch(layer 0..L, fresh originals, sites of Select a) ...

Receivers are the groups as they were found. Which layers have sites that were kept is known when the hop has run.
"""

from __future__ import annotations

from attrs import evolve

from entrack.check.resolved import Discovery
from entrack.plan.lower.context import Lowering
from entrack.plan.lower.discovery import again, lower_discovery, realised_of
from entrack.plan.plan import DiscoveryPlan, GroupPlan
from entrack.plan.steps import Screened, Select


def lower_confirmed(given: Discovery, lowering: Lowering) -> DiscoveryPlan:
    """Add the steps of a discovery, and those that confirm it. Raises Unmakeable."""
    found = lower_discovery(given, lowering)
    if given.confirm is None:
        return found
    originals, alternates = given.confirm
    fresh = evolve(given, originals=originals, alternates=alternates)
    realised = realised_of(fresh, lowering)

    def confirmed(place: int, group: GroupPlan) -> GroupPlan:
        return evolve(group, again=again(fresh, place, realised, _kept(group, lowering), lowering))

    return evolve(found, groups=tuple(confirmed(place, group) for place, group in enumerate(found.groups)))


def _kept(group: GroupPlan, lowering: Lowering) -> Screened:
    select = lowering.nodes.nodes[group.select]
    assert isinstance(select, Select)
    return Screened(group.select, select.keep)
