"""Binding: a node's references become what they turned out to be. Only a bound step has an address.

before: SetHeads(Chosen("cir.value_fetcher"), at, FromCapture(Ref("node 3")))
after:  SetHeads((14.13, 15.2), at, FromCapture(Ref("sha256 of the captured values")))

A path patch of some heads is bound to those of its own layer, and to None where these are all: so its address follows
from what it runs, not from what a screen let through elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, cast

from attrs import evolve

from entrack.address import address
from entrack.models.key import ModelKey
from entrack.plan.steps import Attribute, Batch, Chosen, PathPatch, Ref, Screened, Step
from entrack.sites import Head
from entrack.tree import rebuilt

STORE_VERSION = 1
LEAVES = (Batch, ModelKey)
"""Large, and without a reference in them."""

T = TypeVar("T")


def bind(node: T, objects: Mapping[str, str], chosen: Mapping[str, tuple[Head, ...]]) -> T:
    """The node with object hashes for its `Ref`s and heads for its `Chosen`s. Raises KeyError where one is not known
    yet."""
    bound = _bound(node, objects, chosen)
    return cast(T, _own_senders(bound) if isinstance(bound, PathPatch) else bound)


def step_address(step: Step, reference: bool = False) -> str:
    """The address of a bound step. The reference executor keeps its values apart, or it would check nothing."""
    return address([STORE_VERSION, type(step).version, "reference" if reference else "optimised", step])


def known_zero(step: Step) -> bool:
    """Whether a bound step is a hop's whose senders cannot reach any receiver: they all stand in the same layer or
    above."""
    if not isinstance(step, PathPatch | Attribute) or not step.receivers:
        return False
    lowest = step.layer if isinstance(step, PathPatch) else 0
    layers = [head.layer for receivers in step.receivers for head in receivers.heads if isinstance(head, Head)]  # type: ignore[union-attr]
    return not any(step.model.facts.sends(lowest, layer) for layer in layers)


def screened_out(step: Step) -> bool:
    """Whether a bound step is a path patch of no head: a screen let none of its layer through."""
    return isinstance(step, PathPatch) and step.senders == ()


def _own_senders(step: PathPatch) -> PathPatch:
    if not isinstance(step.senders, tuple):
        return step
    own = tuple(sorted(head for head in step.senders if head.layer == step.layer))
    return evolve(step, senders=None if len(own) == step.model.facts.heads else own)


def _bound(value: object, objects: Mapping[str, str], chosen: Mapping[str, tuple[Head, ...]]) -> object:
    match value:
        case Ref(id):
            return Ref(objects[id])
        case int() | str() | float() | None | (int(), *_):
            return value
        case Chosen(id) | Screened(id):
            return chosen[id]
    return value if isinstance(value, LEAVES) else rebuilt(value, lambda part: _bound(part, objects, chosen))
