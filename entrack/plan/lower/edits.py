"""Acts of an intervention become edits of a batch: targets here, the values that they are set to in `sources.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from entrack import budget
from entrack.check.resolved import BlockAct, Elsewhere, Group, HeadsOf, Intervention, KeepAct, SetAct
from entrack.check.sources import FromModel
from entrack.plan.lower.context import Lowering
from entrack.plan.lower.measured import A_PLACE, Measured, Places, at_of
from entrack.plan.lower.sources import Donor, donor_of, inputs_at, values_at, values_everywhere
from entrack.plan.steps import BlockAttention, Edit, Kept, SetElsewhere, SetHeads, SetInputs
from entrack.prompts.tokenise import Prompt
from entrack.sites import Component


def edits_of(intervention: Intervention, on: Measured, places: Places, lowering: Lowering) -> tuple[Edit, ...]:
    """The edits of an intervention on one batch. `elsewhere` is where no other act says anything. Raises Deferred,
    and Unmakeable where prompts do not fit."""
    kept = [group for act in intervention.acts if act.circuit is not None for group in act.circuit.groups]
    edits: list[Edit] = []
    for act in intervention.acts:
        match act:
            case SetAct():
                edits.extend(_set(act, kept, on, places, lowering))
            case BlockAct():
                edits.append(_blocked(act, on, places, lowering))
            case KeepAct():
                pass  # what it keeps is in `kept`, for the other acts
            case _:
                assert_never(act)
    return tuple(edits)


def partners(intervention: Intervention, on: Measured, lowering: Lowering) -> tuple[tuple[Prompt, ...], ...]:
    """The prompts that its acts take values from, act by act, one for each that is measured: prompts run together when
    each of these has one length too."""
    budget.spend(budget.STEP_PARTS, len(intervention.acts))
    donors = (donor_of(act.source, on, lowering) for act in intervention.acts if isinstance(act, SetAct))
    return tuple(donor.prompts for donor in donors if isinstance(donor, Donor) and donor.prompts is not on.prompts)


def _set(act: SetAct, kept: Sequence[Group], on: Measured, places: Places, lowering: Lowering) -> list[Edit]:
    match act.target:
        case Elsewhere():
            keeps = tuple(
                Kept(lowering.heads(group, on.model, on.draw), at_of(group.position, on.prompts, places))
                for group in kept
            )
            return [SetElsewhere(keeps, values_everywhere(act.source, on, places, act.span, lowering))]
        case HeadsOf(circuit, Component.OUTPUT):
            return [_set_group(act, group, on, places, lowering) for group in circuit.groups]
        case HeadsOf(circuit, component):
            return [_set_inputs(act, component, group, on, places, lowering) for group in circuit.groups]
        case _:
            assert_never(act.target)


def _set_group(act: SetAct, group: Group, on: Measured, places: Places, lowering: Lowering) -> SetHeads:
    values = values_at(act.source, group, on, places, act.span, lowering)
    heads, at = lowering.heads(group, on.model, on.draw), at_of(group.position, on.prompts, places)
    return SetHeads(heads, at, values)


def _set_inputs(
    act: SetAct, component: Component, group: Group, on: Measured, places: Places, lowering: Lowering
) -> SetInputs:
    assert isinstance(act.source, FromModel)  # the checker: what heads read is patched from a model
    inputs = inputs_at(act.source.model, component, group, on, places, lowering)
    heads, at = lowering.heads(group, on.model, on.draw), at_of(group.position, on.prompts, places)
    return SetInputs(heads, at, component, inputs)


def _blocked(act: BlockAct, on: Measured, places: Places, lowering: Lowering) -> BlockAttention:
    top = lowering.keys[on.model].facts.layers - 1
    budget.spend(budget.STEP_PARTS, A_PLACE + len(places) * len(act.read))
    read = tuple(tuple(on.prompts[place].positions[name] for name in act.read) for place in places)
    return BlockAttention(act.first, min(act.last, top), at_of(act.reader, on.prompts, places), read)
