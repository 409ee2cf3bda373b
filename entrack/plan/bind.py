"""Binding: a node's references become what they turned out to be. Only a bound step has an address.

before: SetHeads(Chosen("cir.value_fetcher"), at, FromCapture(Ref("node 3")))
after:  SetHeads((14.13, 15.2), at, FromCapture(Ref("sha256 of the captured values")))
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import attrs

from entrack.address import address
from entrack.plan.steps import Chosen, PathPatch, Ref, Step
from entrack.sites import Head

STORE_VERSION = 1
UNTOUCHED = frozenset({"batch", "asked", "at", "model"})

T = TypeVar("T")


def bind(node: T, objects: Mapping[str, str], chosen: Mapping[str, tuple[Head, ...]]) -> T:
    """The node with object hashes for its `Ref`s and heads for its `Chosen`s. Raises KeyError where one is not known yet."""
    return _bound(node, objects, chosen)  # type: ignore[no-any-return]  # the same type comes out


def step_address(step: Step, reference: bool = False) -> str:
    """The address of a bound step. The reference executor keeps its values apart, or it would check nothing."""
    return address([STORE_VERSION, type(step).version, "reference" if reference else "optimised", step])


def known_zero(step: Step) -> bool:
    """Whether a bound step is a path patch whose senders cannot reach any receiver: they stand in the same layer or above."""
    if not isinstance(step, PathPatch) or not step.receivers:
        return False
    layers = [head.layer for receivers in step.receivers for head in receivers.heads if isinstance(head, Head)]  # type: ignore[union-attr]
    return step.layer >= max(layers, default=0)


def _bound(value: object, objects: Mapping[str, str], chosen: Mapping[str, tuple[Head, ...]]) -> object:
    match value:
        case Ref(id):
            return Ref(objects[id])
        case Chosen(id):
            return chosen[id]
        case tuple():
            return tuple(_bound(part, objects, chosen) for part in value)
    if not attrs.has(type(value)):
        return value
    changed = {
        attribute.name: _bound(getattr(value, attribute.name), objects, chosen)
        for attribute in attrs.fields(type(value))
        if attribute.name not in UNTOUCHED
    }
    return attrs.evolve(value, **changed)  # type: ignore[misc]  # an attrs class: looked at above
