"""Acts of an intervention become edits of a batch: targets here, the values that they are set to in `sources.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import assert_never

from attrs import evolve

from entrack import budget
from entrack.check import resolved
from entrack.check.resolved import (
    Act,
    AddAct,
    BlockAct,
    ChangeAct,
    Group,
    HeadsOf,
    Intervention,
    KeepAct,
    NoiseAct,
    ProjectAct,
    ScaleAct,
    SetAct,
    Where,
)
from entrack.check.sources import MeanOver
from entrack.frozen import frozen
from entrack.plan.lower.context import Lowering
from entrack.plan.lower.measured import A_PLACE, Measured, Places, at_of, span_lengths, token_of
from entrack.plan.lower.sources import Aim, Donor, Given, by_part, given_by, no_such_token, values_at, values_everywhere
from entrack.plan.lower.vectors import vector_of
from entrack.plan.steps import (
    Add,
    At,
    BlockAttention,
    Chosen,
    Edit,
    Elsewhere,
    FromNoise,
    ProjectOut,
    Scale,
    Set,
    Sites,
)
from entrack.prompts.tokenise import Prompt
from entrack.sites import HEADS, Part
from entrack.source import Span


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


def in_common(acts: Sequence[Prepared], on: Measured) -> tuple[tuple[int, ...], ...]:
    """What prompts that run together have in common, prompt by prompt: how many tokens each span has that acts are at,
    and sometimes the word that follows."""
    positions = dict.fromkeys(group.position for one in acts for group in one.act.groups)
    lengths = (span_lengths(position, on.prompts) for position in positions)
    return tuple(many for many in (*lengths, _words(acts, on)) if many is not None)


def _words(acts: Sequence[Prepared], on: Measured) -> tuple[int, ...] | None:
    """Which word follows each prompt, as a number, where a mean is set at its tokens too: what it is a mean over is
    followed by the same word."""
    if not on.numbers or not any(isinstance(one.given, MeanOver) and _everywhere(one.act) for one in acts):
        return None
    numbers: dict[tuple[int, ...], int] = {}
    return tuple(numbers.setdefault(prompt.follows, len(numbers)) for prompt in on.prompts)


def _everywhere(act: Act) -> bool:
    """Whether an act is about every token."""
    elsewhere = isinstance(act, SetAct) and isinstance(act.target, resolved.Elsewhere)
    return elsewhere or any(group.position is None for group in act.groups)


def edits_of(acts: Sequence[Prepared], on: Measured, places: Places, lowering: Lowering) -> tuple[Edit, ...]:
    """The edits of acts in force together on one batch. `elsewhere` is where no other act says anything. Raises
    Deferred, and Unmakeable where prompts do not fit."""
    kept = [group for one in acts for group in one.act.groups]
    kinds = kinds_of([group for one in acts if isinstance(one.act, KeepAct) for group in one.act.groups], lowering)
    edits: list[Edit] = []
    for one in acts:
        match one.act:
            case SetAct():
                assert one.given is not None  # it is an act that sets something
                edits.extend(_set(one.act, one.given, kept, kinds, on, places, lowering))
            case AddAct() | NoiseAct() | ProjectAct() | ScaleAct():
                edits.extend(_changes(one.act, on, places, lowering))
            case BlockAct():
                edits.append(_blocked(one.act, on, places, lowering))
            case KeepAct():
                pass  # what it keeps is in `kept`, for the other acts
            case _:
                assert_never(one.act)
    return tuple(edits)


def _set(
    act: SetAct,
    given: Given,
    kept: Sequence[Group],
    kinds: Sequence[Part],
    on: Measured,
    places: Places,
    lowering: Lowering,
) -> list[Edit]:
    match act.target:
        case resolved.Elsewhere():
            aims = [aim for group in kept for aim in _aimed(group, Part.OUTPUT, on, places, act.span, lowering)]
            return [
                Set(everywhere_but(aims, part), values_everywhere(given, part, on, places, act.span, lowering))
                for part in kinds
            ]
        case HeadsOf():
            return [
                Set(aim.at, values_at(given, aim, on, places, act.span, lowering))
                for aim in _aims(act.target, on, places, act.span, lowering)
            ]
        case _:
            assert_never(act.target)


def _changes(act: ChangeAct, on: Measured, places: Places, lowering: Lowering) -> list[Edit]:
    aims = [aim.at for aim in _aims(act.target, on, places, act.span, lowering)]
    match act:
        case AddAct(_, terms, factor):
            vector = vector_of(terms, on, lowering)
            return [Add(at, vector, factor) for at in aims]
        case NoiseAct(_, sd):
            noise = FromNoise(sd, lowering.resolved.seed + on.draw, on.numbered(places))
            return [Add(at, noise) for at in aims]
        case ProjectAct(_, terms):
            vector = vector_of(terms, on, lowering)
            return [ProjectOut(at, vector) for at in aims]
        case ScaleAct(_, factor):
            return [Scale(at, factor) for at in aims]
        case _:
            assert_never(act)


def _aims(target: HeadsOf, on: Measured, places: Places, span: Span, lowering: Lowering) -> Iterator[Aim]:
    """A target, piece by piece: each is of one part at one position."""
    for group in target.circuit.groups:
        yield from _aimed(group, target.component, on, places, span, lowering)


def _aimed(
    group: Group, component: Part, on: Measured, places: Places, span: Span, lowering: Lowering
) -> Iterator[Aim]:
    _within(group, on, places, span, lowering)
    at = at_of(group.position, on.prompts, places)
    heads = lowering.heads(group, on.model, on.draw)
    if component is not Part.OUTPUT:
        yield Aim(group.position, component, At(_only_heads(heads, lowering.kinds(group)), at, component))
    elif isinstance(heads, Chosen):
        for part, chosen in _chosen(heads, lowering.kinds(group)):
            yield Aim(group.position, part, At(chosen, at))
    else:
        for part, sites in by_part(heads, lowering.keys[on.model].facts):
            yield Aim(group.position, part, At(sites, at))


def _chosen(sites: Chosen, kinds: Sequence[Part]) -> list[tuple[Part, Chosen]]:
    """Sites that the run chooses, part by part."""
    return [(part, sites if tuple(kinds) == HEADS else evolve(sites, part=part)) for part in kinds]


def _only_heads(sites: Sites, kinds: Sequence[Part]) -> Sites:
    """Those of the sites that read something."""
    if isinstance(sites, Chosen):
        return sites if tuple(kinds) == HEADS else evolve(sites, part=Part.OUTPUT)
    return tuple(site for site in sites if site.part is Part.OUTPUT)


def kinds_of(groups: Iterable[Group], lowering: Lowering) -> tuple[Part, ...]:
    """The kinds of sites that are elsewhere when these groups are kept: of each that one of them has; heads where there
    are none."""
    return tuple(sorted({part for group in groups for part in lowering.kinds(group)})) or HEADS


def everywhere_but(aims: Iterable[Aim], part: Part) -> Elsewhere:
    """All sites of a part at all tokens, but for these."""
    return Elsewhere(tuple(aim.at for aim in aims if aim.part is part), (part,))


def _within(group: Group, on: Measured, places: Places, span: Span, lowering: Lowering) -> None:
    """That every prompt has a token that is named by its number, and that it is the same place in all: that they have
    one length. Raises Unmakeable."""
    if not isinstance(group.position, int):
        return
    shortest, longest = (
        (on.prompts[0], on.prompts[0])
        if not places
        else (
            min(on.prompts, key=lambda prompt: prompt.length),
            max(on.prompts, key=lambda prompt: prompt.length),
        )
    )
    if shortest.length != longest.length or group.position >= shortest.length:
        no_such_token(group.position, shortest, longest, on, span, lowering)


def _blocked(act: BlockAct, on: Measured, places: Places, lowering: Lowering) -> BlockAttention:
    top = lowering.keys[on.model].facts.layers - 1
    budget.spend(budget.STEP_PARTS, A_PLACE + len(places) * len(act.read))
    read = tuple(tuple(token for name in act.read for token in _tokens(on.prompts[place], name)) for place in places)
    return BlockAttention(act.first, min(act.last, top), token_of(act.reader, on.prompts, places), read)


def _tokens(prompt: Prompt, position: Where) -> tuple[int, ...]:
    """The tokens that are read at a position or in a span."""
    if isinstance(position, str):
        return prompt.spans.get(position) or (prompt.positions[position],)
    return () if position is None else (position,)
