"""What a claim rests on: the cells and discoveries that its left side names, or that are behind those."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from entrack.check.resolved import (
    Arithmetic,
    CellOf,
    Circuit,
    Claim,
    Constant,
    Found,
    Group,
    Heads,
    Masked,
    Quantity,
    RandomLike,
    Resolved,
    Size,
    Summary,
    carries,
)
from entrack.results import Basis


def basis_of(claim: Claim, resolved: Resolved) -> Basis:
    """Each cell, measure and discovery once, in the order in which the claim comes to it."""
    leaves = _sides(claim)
    circuits = (group for leaf in leaves for group in _groups(leaf, resolved))
    return Basis(
        tuple(dict.fromkeys((leaf.measure, leaf.labels) for leaf in leaves if isinstance(leaf, CellOf))),
        tuple(dict.fromkeys(leaf.measure for leaf in leaves if isinstance(leaf, Summary))),
        tuple(dict.fromkeys(name for group in circuits for name in _discoveries(group.heads, resolved))),
    )


def masks_of(claim: Claim, resolved: Resolved) -> frozenset[Masked]:
    """The trained masks whose heads a claim rests on."""
    groups = (group for leaf in _sides(claim) for group in _groups(leaf, resolved))
    return frozenset(group.heads for group in groups if isinstance(group.heads, Masked))


def _sides(claim: Claim) -> list[Quantity]:
    return [leaf for side in (claim.left, claim.right) for leaf in _leaves(side)]


def _leaves(quantity: Quantity) -> Iterator[Quantity]:
    if isinstance(quantity, Arithmetic):
        for part in (quantity.first, *(operand for _, operand in quantity.rest)):
            yield from _leaves(part)
    else:
        yield quantity


def _groups(leaf: Quantity, resolved: Resolved) -> Iterator[Group]:
    """The groups of sites that are behind a quantity."""
    match leaf:
        case Size(circuit):
            yield from circuit.groups
        case CellOf(name, labels):
            yield from _of_measure(name, resolved, (("", label) for label in labels))
        case Summary(_, name, labels):
            yield from _of_measure(name, resolved, labels)
        case Constant() | Arithmetic():
            return
        case _:
            assert_never(leaf)


def _of_measure(name: str, resolved: Resolved, labels: Iterable[tuple[str, str]]) -> Iterator[Group]:
    wanted = tuple(labels)
    for measure in resolved.measures:
        axes = [axis for axis, _ in measure.axes]
        if measure.name == name:
            for cell in measure.cells:
                if carries(cell.labels, axes, wanted):
                    yield from (group for act in cell.intervention.acts for group in act.groups)
    yield from (group for circuit in _examined(name, resolved) for group in circuit.groups)


def _examined(name: str, resolved: Resolved) -> Iterator[Circuit]:
    yield from (spec.circuit for spec in resolved.examinations if spec.name == name)
    yield from (circuit for spec in resolved.overlaps if spec.name == name for circuit in (spec.first, spec.second))


def _discoveries(heads: Heads, resolved: Resolved) -> Iterator[str]:
    match heads:
        case Found(discovery=name):
            yield name
        case RandomLike(like):
            yield from _discoveries(like, resolved)
        case Masked(mask=name):
            for mask in resolved.masks:
                if mask.name == name:
                    yield from (found for group in mask.circuit.groups for found in _discoveries(group.heads, resolved))
        case tuple():
            return
        case _:
            assert_never(heads)
