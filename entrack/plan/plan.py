"""A plan: every step of a spec, the selections between them, and which steps each number of the results is made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import field, frozen

from entrack.models.model import ModelKey, ModelSource
from entrack.plan.steps import Chosen, Node, Ref, Select, Step
from entrack.prompts.realise import Prompt

BATCH = 50
"""Prompts that run together. Part of the language: which prompts share a batch is part of a step's address."""


@frozen
class GroupPlan:
    """One hop: its `Select` node and the position of its senders."""

    name: str
    select: str
    position: str
    receivers: tuple[str, ...]


@frozen
class DiscoveryPlan:
    name: str
    model: str
    score: str
    n: int
    groups: tuple[GroupPlan, ...]


@frozen
class CellPlan:
    """A cell of a measure: an `Evaluate` node per batch, and for each the places of its prompts in the population."""

    labels: tuple[str, ...]
    evaluations: tuple[str, ...]
    places: tuple[tuple[int, ...], ...]
    prompts: tuple[Prompt, ...] = field(repr=False)
    of: tuple[str, ...] = ()


@frozen
class Plan:
    """`nodes` in an order in which each comes after what it needs; `what` says in words what each is for."""

    nodes: Mapping[str, Node] = field(repr=False)
    what: Mapping[str, str] = field(repr=False)
    discoveries: tuple[DiscoveryPlan, ...]
    cells: Mapping[str, tuple[CellPlan, ...]] = field(repr=False)
    models: Mapping[str, ModelKey]
    sources: Mapping[ModelKey, ModelSource] = field(repr=False)

    @property
    def steps(self) -> tuple[str, ...]:
        """The nodes that run a model and are stored."""
        return tuple(id for id, node in self.nodes.items() if not isinstance(node, Select))


def needs(node: object) -> Iterator[str]:
    """The nodes whose values a node needs, in the order of its fields."""
    import attrs

    if isinstance(node, Ref | Chosen):
        yield node.id
    elif isinstance(node, tuple):
        for part in node:
            yield from needs(part)
    elif attrs.has(type(node)):
        for attribute in attrs.fields(type(node)):
            if attribute.name not in ("batch", "asked", "at", "model"):  # large, and never a reference
                yield from needs(getattr(node, attribute.name))


def is_step(node: Node) -> bool:
    return isinstance(node, Step)
