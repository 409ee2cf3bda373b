"""`discover` becomes, hop by hop: a capture of the alternates, a path patch per batch and layer, and the selection of heads.

    discover cir in base on 100 boxes against scrambled {
      group a at last -> logits  keep 3      Capture(alternates at last) ... PathPatch(layer 0..L, receivers ()) ... Select a
      group b at last -> a.query keep 2      the same capture            ... PathPatch(layer 0..L, receivers a)  ... Select b
    }
"""

from __future__ import annotations

from entrack.check.resolved import Discovery, Hop
from entrack.plan.build import batch_of, batches
from entrack.plan.lower.context import Lowering
from entrack.plan.plan import DiscoveryPlan, GroupPlan
from entrack.plan.steps import Capture, Chosen, Evaluate, PathPatch, Receivers, Ref, Select
from entrack.prompts.realise import Prompt, Realised
from entrack.prompts.values import CannotDraw
from entrack.source import NOWHERE


def lower_discovery(given: Discovery, lowering: Lowering) -> DiscoveryPlan:
    """Add the steps of a discovery. Raises Unmakeable when its prompts cannot be made."""
    realised = lowering.prompts(given.alternates, given.model, given.originals.count)
    originals = tuple(pair.original for pair in realised.pairs)
    lowering.told(given.originals, originals, given.score.of)
    groups = tuple(_hop(given, place, realised, lowering) for place in range(len(given.hops)))
    return DiscoveryPlan(given.name, given.model, given.score.name, len(originals), groups)


def asked_of(prompts: tuple[Prompt, ...], places: tuple[int, ...], of: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
    """Prompt by prompt, the first token of each word that outcomes are wanted for. Raises CannotDraw where a word has none."""
    return tuple(tuple(_first(prompts[place], name) for name in of) for place in places)


def _first(prompt: Prompt, name: str) -> int:
    ids = prompt.ids.get(name)
    if not ids:
        raise CannotDraw("E430", f"`{name}` cannot follow the prompt", NOWHERE, f"{prompt.words.get(name, '')!r} has no token of its own there", "measure another word")
    return ids[0]


def _hop(given: Discovery, place: int, realised: Realised, lowering: Lowering) -> GroupPlan:
    hop = given.hops[place]
    model = lowering.keys[given.model]
    cells = _cells(realised)
    clean = tuple(_clean(given, realised, cell, lowering) for cell in cells)
    patched = tuple(
        tuple(_patched(given, hop, realised, cell, layer, lowering) for cell in cells) for layer in range(model.facts.layers)
    )
    taken = tuple(Chosen(lowering.selects[given.name, other.name]) for other in given.hops[:place] if other.position == hop.position)
    select = Select(given.score.key, hop.keep, model.facts.layers, model.facts.heads, clean, patched, taken)
    id = lowering.nodes.add(select, f"{given.name}.{hop.name}: keep {hop.keep}")
    lowering.selects[given.name, hop.name] = id
    names = tuple(f"{receiver.group}.{receiver.component.value}" for receiver in hop.receivers) or ("logits",)
    return GroupPlan(hop.name, id, hop.position, names)


def _cells(realised: Realised) -> tuple[tuple[int, ...], ...]:
    originals, alternates = _sides(realised)
    return batches(originals, alternates)


def _sides(realised: Realised) -> tuple[tuple[Prompt, ...], tuple[Prompt, ...]]:
    originals = tuple(pair.original for pair in realised.pairs)
    return originals, tuple(pair.alternate for pair in realised.pairs if pair.alternate is not None)


def _clean(given: Discovery, realised: Realised, cell: tuple[int, ...], lowering: Lowering) -> Ref:
    originals, _ = _sides(realised)
    step = Evaluate(lowering.keys[given.model], batch_of(originals, cell), (), asked_of(originals, cell, given.score.of))
    return lowering.nodes.ref(step, f"{given.name}: clean runs")


def _patched(given: Discovery, hop: Hop, realised: Realised, cell: tuple[int, ...], layer: int, lowering: Lowering) -> Ref:
    originals, alternates = _sides(realised)
    model = lowering.keys[given.model]
    capture = Capture(model, batch_of(alternates, cell), tuple(alternates[place].positions[hop.position] for place in cell))
    step = PathPatch(
        model=model,
        batch=batch_of(originals, cell),
        asked=asked_of(originals, cell, given.score.of),
        at=tuple(originals[place].positions[hop.position] for place in cell),
        layer=layer,
        alternate=lowering.nodes.ref(capture, f"{given.name}: alternates at {hop.position}"),
        receivers=tuple(Receivers(r.component, Chosen(lowering.selects[given.name, r.group])) for r in hop.receivers),
    )
    return lowering.nodes.ref(step, f"{given.name}.{hop.name}: path patching")
