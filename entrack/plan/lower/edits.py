"""Acts of an intervention become edits of a batch: targets here, the values that they are set to in `sources.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from attrs import frozen

from entrack import budget
from entrack.check import resolved
from entrack.check.resolved import Act, BlockAct, Group, HeadsOf, Intervention, KeepAct, SetAct
from entrack.plan.lower.context import Lowering
from entrack.plan.lower.measured import A_PLACE, Measured, Places, at_of
from entrack.plan.lower.sources import Donor, Given, given_by, values_at, values_everywhere
from entrack.plan.steps import At, BlockAttention, Edit, Elsewhere, Set
from entrack.prompts.tokenise import Prompt
from entrack.sites import Part


@frozen
class Prepared:
    """An act whose source is drawn: `given` is None for an act that sets nothing."""

    act: Act
    given: Given | None


def prepared(intervention: Intervention, on: Measured, lowering: Lowering) -> tuple[Prepared, ...]:
    """The acts of an intervention for all prompts that are measured. Raises Unmakeable."""
    budget.spend(budget.STEP_PARTS, len(intervention.acts))
    return tuple(
        Prepared(act, given_by(act.source, on, lowering) if isinstance(act, SetAct) else None)
        for act in intervention.acts
    )


def partners(acts: Sequence[Prepared], on: Measured) -> tuple[tuple[Prompt, ...], ...]:
    """The prompts that acts take values from, act by act, one for each that is measured: prompts run together when
    each of these has one length too."""
    donors = (one.given for one in acts if isinstance(one.given, Donor))
    return tuple(donor.prompts for donor in donors if donor.prompts is not on.prompts)


def edits_of(acts: Sequence[Prepared], on: Measured, places: Places, lowering: Lowering) -> tuple[Edit, ...]:
    """The edits of acts in force together on one batch. `elsewhere` is where no other act says anything. Raises
    Deferred, and Unmakeable where prompts do not fit."""
    kept = [group for one in acts for group in one.act.groups]
    edits: list[Edit] = []
    for one in acts:
        match one.act:
            case SetAct():
                assert one.given is not None  # it is an act that sets something
                edits.extend(_set(one.act, one.given, kept, on, places, lowering))
            case BlockAct():
                edits.append(_blocked(one.act, on, places, lowering))
            case KeepAct():
                pass  # what it keeps is in `kept`, for the other acts
            case _:
                assert_never(one.act)
    return tuple(edits)


def _set(
    act: SetAct, given: Given, kept: Sequence[Group], on: Measured, places: Places, lowering: Lowering
) -> list[Edit]:
    match act.target:
        case resolved.Elsewhere():
            keeps = tuple(_at(group, Part.OUTPUT, on, places, lowering) for group in kept)
            return [Set(Elsewhere(keeps), values_everywhere(given, on, places, act.span, lowering))]
        case HeadsOf(circuit, part):
            return [
                Set(
                    _at(group, part, on, places, lowering),
                    values_at(given, group, part, on, places, act.span, lowering),
                )
                for group in circuit.groups
            ]
        case _:
            assert_never(act.target)


def _at(group: Group, part: Part, on: Measured, places: Places, lowering: Lowering) -> At:
    """A part of the heads of a group, at their position."""
    at = at_of(group.position, on.prompts, places)
    return At(lowering.heads(group, on.model, on.draw), at, None if part is Part.OUTPUT else part)


def _blocked(act: BlockAct, on: Measured, places: Places, lowering: Lowering) -> BlockAttention:
    top = lowering.keys[on.model].facts.layers - 1
    budget.spend(budget.STEP_PARTS, A_PLACE + len(places) * len(act.read))
    read = tuple(tuple(on.prompts[place].positions[name] for name in act.read) for place in places)
    return BlockAttention(act.first, min(act.last, top), at_of(act.reader, on.prompts, places), read)
