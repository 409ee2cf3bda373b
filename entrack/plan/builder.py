"""A plan in the making: nodes are added, equal ones only once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from attrs import define, field

from entrack import budget, interrupts
from entrack.address import address_and_size
from entrack.plan.plan import BATCH
from entrack.plan.steps import Batch, Node, Ref
from entrack.prompts.tokenise import Prompt

BYTES_OF_A_PART = 16
"""Bytes of a step that are written out, for its address, as quickly as one of its parts is made."""


@define
class Nodes:
    """Nodes by identifier, in the order added. A node's identifier follows from what it says, so that a step wanted
    twice is one."""

    nodes: dict[str, Node] = field(factory=dict)
    what: dict[str, str] = field(factory=dict)
    asked: int = 0
    """How many times a node was wanted."""

    def add(self, node: Node, what: str) -> str:
        interrupts.check()
        budget.spend(budget.STEPS)
        self.asked += 1
        id, size = address_and_size(node)
        budget.spend(budget.STEP_PARTS, size // BYTES_OF_A_PART)
        if id not in self.nodes:
            self.nodes[id] = node
            self.what[id] = what
        return id

    def again(self, many: int) -> None:
        """So many nodes that were added before are wanted once more."""
        self.asked += many

    def ref(self, node: Node, what: str) -> Ref:
        return Ref(self.add(node, what))


@define
class Sketch(Nodes):
    """The nodes of a plan that is only looked at for its problems: numbered, not addressed, which would be most of
    the work."""

    def add(self, node: Node, what: str) -> str:
        budget.spend(budget.STEPS)
        id = str(len(self.nodes))
        self.nodes[id] = node
        return id


def batches(
    prompts: tuple[Prompt, ...],
    others: Sequence[tuple[Prompt, ...]] = (),
    size: int = BATCH,
    common: Sequence[tuple[int, ...]] = (),
) -> tuple[tuple[int, ...], ...]:
    """Places of prompts that run together: one token length, at most `size`, in the order of the prompts.

    `others` are what is read beside them, each prompt by prompt: alternates that acts take values from. Each has one
    length in a batch too. `common` are other numbers, prompt by prompt, that are one in a batch: lengths of spans that
    acts are at, the word that follows.
    """
    by_length: dict[tuple[int, ...], list[int]] = {}
    lengths = [[len(many[place].token_ids) for place in range(len(prompts))] for many in (prompts, *others)]
    for place, alike in enumerate(zip(*lengths, *common, strict=False)):
        by_length.setdefault(alike, []).append(place)
    return tuple(
        tuple(many[start : start + size]) for many in by_length.values() for start in range(0, len(many), size)
    )


def batch_of(prompts: tuple[Prompt, ...], places: tuple[int, ...]) -> Batch:
    """Prompts that run together as tokens; equal ones are one value, so that their digest is taken once."""
    return _batch(tuple(prompts[place].token_ids for place in places))


@lru_cache(maxsize=1 << 14)
def _batch(tokens: tuple[tuple[int, ...], ...]) -> Batch:
    return Batch(tokens)
