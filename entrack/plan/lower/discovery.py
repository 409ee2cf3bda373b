"""`discover` becomes, hop by hop: a capture of the alternates, a path patch per batch and layer, and the selection of
sites.

    discover cir in base on 100 boxes against scrambled {
      group a at last -> logits  keep 3      Capture(alternates at last) ... PathPatch(layer 0..L, receivers ()) ...
      Select a
      group b at last -> a.query keep 2      the same capture            ... PathPatch(layer 0..L, receivers a)  ...
      Select b
    }

With a screen, every hop begins with an estimate of all senders, and only some are patched:

    ... screen 20 { group a ... }            Attribute ... Screen a ... PathPatch(layer 0..L, senders of Screen a) ...
    Select a

With a race, the prompts are run in rounds, and each begins with a look at who is decided:

    ... racing at 95 % { group a ... }       PathPatch(round 1) ... Race a ... PathPatch(round 2, senders of Race a) ...
    Race a ... Select a

MLPs that send have a capture and path patches of their own, so that those of heads are the same with them and without.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve

from entrack import budget
from entrack.check.evidence import CONFIRM
from entrack.check.resolved import Discovery, Hop, Receiver
from entrack.frozen import frozen
from entrack.models.key import ModelKey
from entrack.plan.builder import batch_of, batches
from entrack.plan.lower.asked import ADDED_UP, asked_of, rows, sizes, statistics_of
from entrack.plan.lower.context import Lowering
from entrack.plan.lower.racing import Cells, Patched, in_rounds, look, together
from entrack.plan.plan import AgainPlan, Asked, DiscoveryPlan, GroupPlan
from entrack.plan.refs import Sizes
from entrack.plan.steps import (
    Attribute,
    Capture,
    Chosen,
    Evaluate,
    PathPatch,
    Receivers,
    Ref,
    Screen,
    Screened,
    Select,
    Sites,
)
from entrack.prompts.tokenise import Prompt, TokenisedPrompts
from entrack.ranking import significant
from entrack.sites import PER_HEAD, RECEIVING, Part, every_sender

PATCHED, UNDECIDED = "path patching", "path patching of the undecided"
"""What the steps of a hop are called: of all senders, and in the later rounds of a race."""
Clean = dict[tuple[int, ...], Ref]
"""The clean runs, by the places of their prompts."""


def lower_discovery(given: Discovery, lowering: Lowering) -> DiscoveryPlan:
    """Add the steps of a discovery. Raises Unmakeable when its prompts cannot be made."""
    realised = realised_of(given, lowering)
    groups = tuple(_hop(given, place, realised, lowering) for place in range(len(given.hops)))
    return DiscoveryPlan(given.name, given.model, given.score.name, len(realised.pairs), groups)


def realised_of(given: Discovery, lowering: Lowering) -> TokenisedPrompts:
    """Its prompts with their alternates, once it is known which words are asked for. Raises Unmakeable."""
    realised = lowering.prompts(given.alternates, given.model, given.originals.count)
    originals = tuple(pair.original for pair in realised.pairs)
    apart = given.score.kind in ADDED_UP
    asked = asked_of(given.originals, originals, given.score.of, given.model, lowering, apart=apart)
    lowering.asked[key_of(given)] = asked
    return realised


def key_of(given: Discovery) -> tuple[str, str]:
    """What the prompts of a discovery are known by: it is found on some, and confirmed on others."""
    return given.name, given.originals.purpose


def _why(given: Discovery) -> str:
    return " to confirm" if given.originals.purpose == CONFIRM else ""


@frozen
class _Hop:
    """A hop of a discovery, with its prompts: `rounds` are the places of those that run together, all in one but in a
    race."""

    given: Discovery
    place: int
    realised: TokenisedPrompts
    rounds: tuple[Cells, ...]
    lowering: Lowering

    @property
    def cells(self) -> Cells:
        return tuple(cell for cells in self.rounds for cell in cells)

    @property
    def hop(self) -> Hop:
        return self.given.hops[self.place]

    @property
    def model(self) -> ModelKey:
        return self.lowering.keys[self.given.model]

    @property
    def sides(self) -> tuple[tuple[Prompt, ...], tuple[Prompt, ...]]:
        """Originals and alternates."""
        return _sides(self.realised)

    def named(self, what: str) -> str:
        return f"{self.given.name}.{self.hop.name}: {what}{_why(self.given)}"


def _hop(given: Discovery, place: int, realised: TokenisedPrompts, lowering: Lowering) -> GroupPlan:
    one = _Hop(given, place, realised, _rounds(given, realised), lowering)
    hop = one.hop
    clean = {cell: _clean(given, realised, cell, lowering) for cell in one.cells}
    screen = _screen(one, tuple(clean.values()))
    budget.spend(budget.STEP_PARTS, place)
    taken = tuple(
        Chosen(lowering.selects[given.name, other.name])
        for other in given.hops[:place]
        if other.position == hop.position
    )
    patched, race = _raced(one, clean, screen) if given.racing else (_run(one, one.cells, screen), None)
    select = evolve(_choice(one, clean, patched, screen), taken=taken, race=race)
    id = lowering.nodes.add(select, one.named(f"keep {hop.keep if hop.rate is None else significant(hop.rate)}"))
    lowering.selects[given.name, hop.name] = id
    names = tuple(receiver.label for receiver in hop.receivers) or ("logits",)
    plan = GroupPlan(hop.name, id, hop.position, names, one.cells, race=race.id if race else None)
    return evolve(plan, screen=screen.id, steps=given.screen.steps) if screen and given.screen else plan


def _run(one: _Hop, cells: Cells, senders: Screened | None, what: str = PATCHED) -> Patched:
    """Path patches of some batches."""
    return {
        part: tuple(
            tuple(_patched(one, part, cell, layer, senders, what) for cell in cells)
            for layer in range(one.model.facts.layers)
        )
        for part in one.hop.senders
    }


def _raced(one: _Hop, clean: Clean, screen: Screened | None) -> tuple[Patched, Screened | None]:
    """Path patches round by round, each of the senders that are not decided before it; and the last look."""
    rounds: list[Patched] = []
    race: Screened | None = None
    for cells in one.rounds:
        rounds.append(_run(one, cells, race or screen, UNDECIDED if race else PATCHED))
        select = _choice(one, {cell: clean[cell] for cell in cells}, rounds[-1], screen)
        race = _look(one, select, race)
    return together(rounds), race


def _look(one: _Hop, select: Select, before: Screened | None) -> Screened:
    """The senders that run on after a round, of which `select` would choose."""
    level = one.given.racing
    assert level is not None  # there is a race
    node = look(select, level, len(one.realised.pairs), len(one.rounds) - 1, before)
    id = one.lowering.nodes.add(node, one.named("race"))
    return Screened(id, select.screen.most if select.screen else _every(one))


def _choice(one: _Hop, clean: Clean, patched: Patched, screen: Screened | None) -> Select:
    """The selection from some batches alone."""
    given, hop, facts = one.given, one.hop, one.model.facts
    return Select(
        given.score.key,
        hop.keep if hop.rate is None else _most(one),
        facts.layers,
        facts.heads,
        tuple(clean.values()),
        patched.get(Part.OUTPUT, ()),
        (),
        screen,
        patched.get(Part.MLP, ()),
        hop.ranking,
        _words(one.lowering.asked[key_of(given)], tuple(clean)),
        hop.rate,
    )


def again(given: Discovery, place: int, realised: TokenisedPrompts, senders: Screened, lowering: Lowering) -> AgainPlan:
    """Clean runs and path patches of the senders that a hop kept, on other prompts."""
    one = _Hop(given, place, realised, (_cells(realised),), lowering)
    clean = tuple(_clean(given, realised, cell, lowering).id for cell in one.cells)
    patched = {
        part: tuple(tuple(ref.id for ref in refs) for refs in layers)
        for part, layers in _run(one, one.cells, senders).items()
    }
    words = _words(lowering.asked[key_of(given)], one.cells)
    return AgainPlan(clean, patched, words, len(realised.pairs), one.cells)


def _most(one: _Hop) -> int:
    """How many senders may be kept: all, or those that a screen lets through."""
    screen = one.given.screen
    return min(screen.through, _every(one)) if screen else _every(one)


def _every(one: _Hop) -> int:
    """How many senders a hop has."""
    return sum(len(every_sender(part, one.model.facts.layers, one.model.facts.heads)) for part in one.hop.senders)


def _rounds(given: Discovery, realised: TokenisedPrompts) -> tuple[Cells, ...]:
    return in_rounds(*_sides(realised)) if given.racing else (_cells(realised),)


def _cells(realised: TokenisedPrompts) -> Cells:
    originals, alternates = _sides(realised)
    return batches(originals, [alternates])


def _asked(given: Discovery, cell: tuple[int, ...], lowering: Lowering) -> tuple[tuple[int, ...], ...]:
    """The tokens that outcomes are wanted for, prompt by prompt of a batch."""
    return rows(lowering.asked[key_of(given)], cell)


def _words(asked: Asked, cells: tuple[tuple[int, ...], ...]) -> tuple[Sizes, ...]:
    """How many tokens each word has, batch by batch; empty where all have one."""
    words = tuple(sizes(asked, cell) for cell in cells)
    return words if any(words) else ()


def _sides(realised: TokenisedPrompts) -> tuple[tuple[Prompt, ...], tuple[Prompt, ...]]:
    originals = tuple(pair.original for pair in realised.pairs)
    return originals, tuple(pair.alternate for pair in realised.pairs if pair.alternate is not None)


def _clean(given: Discovery, realised: TokenisedPrompts, cell: tuple[int, ...], lowering: Lowering) -> Ref:
    originals, _ = _sides(realised)
    also = statistics_of(given.score)
    step = Evaluate(lowering.keys[given.model], batch_of(originals, cell), (), _asked(given, cell, lowering), also)
    return lowering.nodes.ref(step, f"{given.name}: clean runs{_why(given)}")


def _screen(one: _Hop, clean: tuple[Ref, ...]) -> Screened | None:
    """What says which senders of a hop are patched; None where all are."""
    screen, hop, facts = one.given.screen, one.hop, one.model.facts
    if screen is None:
        return None
    estimates = tuple(
        one.lowering.nodes.ref(_estimate(one, cell, screen.steps), one.named("attribution patching"))
        for cell in one.cells
    )
    node = Screen(
        one.given.score.key,
        screen.through,
        screen.check,
        one.lowering.resolved.seed,
        one.place,
        facts.layers,
        facts.heads,
        clean,
        estimates,
        tuple(_sites(one, receiver) for receiver in hop.receivers),
        hop.senders,
        facts.parallel,
        hop.ranking,
        _words(one.lowering.asked[key_of(one.given)], one.cells),
    )
    id = one.lowering.nodes.add(node, one.named(f"screen {screen.through} check {screen.check}"))
    return Screened(id, min(screen.through + screen.check, _every(one)))


def _estimate(one: _Hop, cell: tuple[int, ...], steps: int) -> Attribute:
    known = {part: _alternate(one, part, cell) for part in one.hop.senders}
    heads, mlps = known.get(Part.OUTPUT), known.get(Part.MLP)
    return Attribute(**_of_both(one, cell), alternate=heads, mlps=mlps, steps=steps)


def _patched(one: _Hop, part: Part, cell: tuple[int, ...], layer: int, senders: Screened | None, what: str) -> Ref:
    step = PathPatch(
        **_of_both(one, cell),
        alternate=_alternate(one, part, cell),
        layer=layer,
        senders=senders,
        part=part,
        also=statistics_of(one.given.score),
    )
    return one.lowering.nodes.ref(step, one.named(what))


def _alternate(one: _Hop, part: Part, cell: tuple[int, ...]) -> Ref:
    """What the senders of a part give on the alternates."""
    _, alternates = one.sides
    at = tuple(alternates[place].positions[one.hop.position] for place in cell)
    capture = Capture(one.model, batch_of(alternates, cell), at, part=part)
    of = "" if part in PER_HEAD else "MLPs of "
    return one.lowering.nodes.ref(capture, f"{one.given.name}: {of}alternates at {one.hop.position}{_why(one.given)}")


def _of_both(one: _Hop, cell: tuple[int, ...]) -> dict[str, Any]:
    """What path patching and attribution patching of a hop have in common."""
    originals, _ = one.sides
    budget.spend(budget.STEP_PARTS, 2 * len(cell) + len(one.hop.receivers))
    return {
        "model": one.model,
        "batch": batch_of(originals, cell),
        "asked": _asked(one.given, cell, one.lowering),
        "at": tuple(originals[place].positions[one.hop.position] for place in cell),
        "receivers": tuple(Receivers(r.component, _sites(one, r)) for r in one.hop.receivers),
    }


def _sites(one: _Hop, receiver: Receiver) -> Sites:
    """The sites of a group that receive: all, or those of the part that reads so."""
    part = Part.OUTPUT if receiver.component in RECEIVING else receiver.component
    if receiver.written is not None:
        sites = one.lowering.heads_now(receiver.written, one.given.model)
        return tuple(site for site in sites if site.part is part)
    return Chosen(one.lowering.selects[one.given.name, receiver.group], part if receiver.mixed else None)
