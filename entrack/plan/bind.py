"""Binding: a node's references become what they turned out to be. Only a bound step has an address.

before: Set(At(Chosen("cir.value_fetcher"), at), FromCapture(Ref("node 3")))
after:  Set(At((14.13, 15.2), at), FromCapture(Ref("sha256 of the captured values")))

A path patch of some sites is bound to those of its own layer and part, and to None where these are all: so its address
follows from what it runs, not from what a screen let through elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, cast

from entrack.address import address
from entrack.plan.executor_kind import ExecutorKind
from entrack.plan.refs import refers_to_nothing
from entrack.plan.steps import Chosen, Ref, Screened, Step, kind_of
from entrack.sites import Site
from entrack.tree import rebuilt

STORE_VERSION = 2
"""Of the text that addresses are taken of: another one for each change of it. A store's format goes up with it."""

T = TypeVar("T")


def bind(node: T, objects: Mapping[str, str], chosen: Mapping[str, tuple[Site, ...]]) -> T:
    """The node with object hashes for its `Ref`s and heads for its `Chosen`s. Raises KeyError where one is not known
    yet."""
    bound = _bound(node, objects, chosen)
    return cast(T, kind_of(bound).settled(bound) if isinstance(bound, Step) else bound)


def step_address(step: Step, kind: ExecutorKind = ExecutorKind.OPTIMISED) -> str:
    """The address of a bound step. The reference executor keeps its values apart, or it would check nothing."""
    return address([STORE_VERSION, kind_of(step).version_of(step), kind.value, step])


def known_zero(step: Step) -> bool:
    """Whether a bound step is a hop's whose senders cannot reach any receiver: they all stand in the same layer or
    above."""
    return kind_of(step).known_zero(step)


def screened_out(step: Step) -> bool:
    """Whether a bound step is a path patch of no head: a screen let none of its layer through, or
    a race had decided them."""
    return kind_of(step).nothing_is_left(step)


def _bound(value: object, objects: Mapping[str, str], chosen: Mapping[str, tuple[Site, ...]]) -> object:
    match value:
        case Ref(id):
            return Ref(objects[id])
        case Chosen(id):
            return value.among(chosen[id])
        case Screened(id):
            return chosen[id]
    return value if refers_to_nothing(value) else rebuilt(value, lambda part: _bound(part, objects, chosen))
