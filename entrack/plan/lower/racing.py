"""The rounds of a race: which prompts each takes, and how far a look goes.

A look takes the prompts so far for a sample of all. Prompts are drawn one by one, so the first of them are; batches of
one length, in the order of the whole discovery, are not: its first batch may hold the short prompts alone. So prompts
are dealt to rounds before they are put into batches.

    prompts of 7 8 7 7 8 7 tokens, batches of 2     batches (0 2) (3 5) (1 4); rounds of 2: (0) (1), (2 3), (4) (5)
"""

from __future__ import annotations

from entrack.check.resolved import BATCH
from entrack.plan.builder import batches
from entrack.plan.refs import Ref, Screened
from entrack.plan.steps import Race, Select
from entrack.prompts.tokenise import Prompt
from entrack.sites import Part

Cells = tuple[tuple[int, ...], ...]
"""Places of prompts that run together, batch by batch."""
Patched = dict[Part, tuple[tuple[Ref, ...], ...]]
"""Per part that sends, per layer, per batch."""


def in_rounds(originals: tuple[Prompt, ...], alternates: tuple[Prompt, ...], size: int = BATCH) -> tuple[Cells, ...]:
    """The batches of each round: `size` prompts as they were drawn, those of one length together."""
    return tuple(
        tuple(tuple(start + place for place in cell) for cell in batches(originals[start:end], [alternates[start:end]]))
        for start in range(0, len(originals), size)
        for end in [min(start + size, len(originals))]
    )


def together(rounds: list[Patched]) -> Patched:
    """The steps of all rounds, layer by layer."""
    return {part: tuple(map(_joined, zip(*(one[part] for one in rounds), strict=True))) for part in rounds[0]}


def _joined(layers: tuple[tuple[Ref, ...], ...]) -> tuple[Ref, ...]:
    """A layer's steps, of all rounds."""
    return tuple(ref for one in layers for ref in one)


def look(select: Select, level: float, prompts: int, looks: int, before: Screened | None) -> Race:
    """The look after a round, of which `select` would choose."""
    return Race(
        score=select.score,
        keep=select.keep,
        level=level,
        prompts=prompts,
        looks=looks,
        layers=select.layers,
        heads=select.heads,
        clean=select.clean,
        patched=select.patched,
        mlps=select.mlps,
        before=before,
        screen=select.screen,
        ranking=select.ranking,
        words=select.words,
    )
