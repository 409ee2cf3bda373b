"""`discover` becomes, hop by hop: a capture of the alternates, a path patch per batch and layer, and the selection of
heads.

    discover cir in base on 100 boxes against scrambled {
      group a at last -> logits  keep 3      Capture(alternates at last) ... PathPatch(layer 0..L, receivers ()) ...
      Select a
      group b at last -> a.query keep 2      the same capture            ... PathPatch(layer 0..L, receivers a)  ...
      Select b
    }

With a screen, every hop begins with an estimate of all heads, and only some are patched:

    ... screen 20 { group a ... }            Attribute ... Screen a ... PathPatch(layer 0..L, senders of Screen a) ...
    Select a
"""

from __future__ import annotations

from typing import Any

from entrack import budget
from entrack.check.resolved import Discovery, Hop
from entrack.plan.builder import batch_of, batches
from entrack.plan.lower.asked import ADDED_UP, asked_of, rows, sizes, statistics_of
from entrack.plan.lower.context import Lowering
from entrack.plan.plan import Asked, DiscoveryPlan, GroupPlan
from entrack.plan.refs import Sizes
from entrack.plan.steps import Attribute, Capture, Chosen, Evaluate, PathPatch, Receivers, Ref, Screen, Screened, Select
from entrack.prompts.tokenise import Prompt, TokenisedPrompts


def lower_discovery(given: Discovery, lowering: Lowering) -> DiscoveryPlan:
    """Add the steps of a discovery. Raises Unmakeable when its prompts cannot be made."""
    realised = lowering.prompts(given.alternates, given.model, given.originals.count)
    originals = tuple(pair.original for pair in realised.pairs)
    apart = given.score.kind == ADDED_UP
    asked = asked_of(given.originals, originals, given.score.of, given.model, lowering, apart=apart)
    lowering.asked[given.name] = asked
    groups = tuple(_hop(given, place, realised, lowering) for place in range(len(given.hops)))
    return DiscoveryPlan(given.name, given.model, given.score.name, len(originals), groups)


def _hop(given: Discovery, place: int, realised: TokenisedPrompts, lowering: Lowering) -> GroupPlan:
    hop = given.hops[place]
    model = lowering.keys[given.model]
    cells = _cells(realised)
    clean = tuple(_clean(given, realised, cell, lowering) for cell in cells)
    words = _words(lowering.asked[given.name], cells)
    screen = _screen(given, place, realised, cells, clean, lowering)
    patched = tuple(
        tuple(_patched(given, hop, realised, cell, layer, screen, lowering) for cell in cells)
        for layer in range(model.facts.layers)
    )
    budget.spend(budget.STEP_PARTS, place)
    taken = tuple(
        Chosen(lowering.selects[given.name, other.name])
        for other in given.hops[:place]
        if other.position == hop.position
    )
    select = Select(
        given.score.key, hop.keep, model.facts.layers, model.facts.heads, clean, patched, taken, screen, words
    )
    id = lowering.nodes.add(select, f"{given.name}.{hop.name}: keep {hop.keep}")
    lowering.selects[given.name, hop.name] = id
    names = tuple(f"{receiver.group}.{receiver.component.value}" for receiver in hop.receivers) or ("logits",)
    return GroupPlan(
        hop.name, id, hop.position, names, *((screen.id, given.screen.steps) if screen and given.screen else ())
    )


def _asked(given: Discovery, cell: tuple[int, ...], lowering: Lowering) -> tuple[tuple[int, ...], ...]:
    """The tokens that outcomes are wanted for, prompt by prompt of a batch."""
    return rows(lowering.asked[given.name], cell)


def _words(asked: Asked, cells: tuple[tuple[int, ...], ...]) -> tuple[Sizes, ...]:
    """How many tokens each word has, batch by batch; empty where all have one."""
    words = tuple(sizes(asked, cell) for cell in cells)
    return words if any(words) else ()


def _cells(realised: TokenisedPrompts) -> tuple[tuple[int, ...], ...]:
    originals, alternates = _sides(realised)
    return batches(originals, [alternates])


def _sides(realised: TokenisedPrompts) -> tuple[tuple[Prompt, ...], tuple[Prompt, ...]]:
    originals = tuple(pair.original for pair in realised.pairs)
    return originals, tuple(pair.alternate for pair in realised.pairs if pair.alternate is not None)


def _clean(given: Discovery, realised: TokenisedPrompts, cell: tuple[int, ...], lowering: Lowering) -> Ref:
    originals, _ = _sides(realised)
    also = statistics_of(given.score)
    step = Evaluate(lowering.keys[given.model], batch_of(originals, cell), (), _asked(given, cell, lowering), also)
    return lowering.nodes.ref(step, f"{given.name}: clean runs")


def _screen(
    given: Discovery,
    place: int,
    realised: TokenisedPrompts,
    cells: tuple[tuple[int, ...], ...],
    clean: tuple[Ref, ...],
    lowering: Lowering,
) -> Screened | None:
    """What says which heads of a hop are patched; None where all are."""
    if given.screen is None:
        return None
    hop, facts = given.hops[place], lowering.keys[given.model].facts
    estimates = tuple(
        lowering.nodes.ref(
            Attribute(**_hop_of(given, hop, realised, cell, lowering), steps=given.screen.steps),
            f"{given.name}.{hop.name}: attribution patching",
        )
        for cell in cells
    )
    receivers = tuple(Chosen(lowering.selects[given.name, receiver.group]) for receiver in hop.receivers)
    through, check = given.screen.through, given.screen.check
    node = Screen(
        given.score.key,
        through,
        check,
        lowering.resolved.seed,
        place,
        facts.layers,
        facts.heads,
        clean,
        estimates,
        receivers,
        _words(lowering.asked[given.name], cells),
    )
    id = lowering.nodes.add(node, f"{given.name}.{hop.name}: screen {through} check {check}")
    return Screened(id, min(through + check, facts.layers * facts.heads))


def _patched(
    given: Discovery,
    hop: Hop,
    realised: TokenisedPrompts,
    cell: tuple[int, ...],
    layer: int,
    screen: Screened | None,
    lowering: Lowering,
) -> Ref:
    step = PathPatch(
        **_hop_of(given, hop, realised, cell, lowering),
        layer=layer,
        senders=screen,
        also=statistics_of(given.score),
    )
    return lowering.nodes.ref(step, f"{given.name}.{hop.name}: path patching")


def _hop_of(
    given: Discovery, hop: Hop, realised: TokenisedPrompts, cell: tuple[int, ...], lowering: Lowering
) -> dict[str, Any]:
    """What path patching and attribution patching of a hop have in common."""
    originals, alternates = _sides(realised)
    model = lowering.keys[given.model]
    budget.spend(budget.STEP_PARTS, 2 * len(cell) + len(hop.receivers))
    capture = Capture(
        model, batch_of(alternates, cell), tuple(alternates[place].positions[hop.position] for place in cell)
    )
    return {
        "model": model,
        "batch": batch_of(originals, cell),
        "asked": _asked(given, cell, lowering),
        "at": tuple(originals[place].positions[hop.position] for place in cell),
        "alternate": lowering.nodes.ref(capture, f"{given.name}: alternates at {hop.position}"),
        "receivers": tuple(
            Receivers(r.component, Chosen(lowering.selects[given.name, r.group])) for r in hop.receivers
        ),
    }
