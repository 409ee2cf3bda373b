"""The sites of a spec's groups and circuits: as they are written, or as results have found them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from entrack.check.resolved import Circuit, Found, Group, Masked, RandomLike, Resolved
from entrack.errors import ArgumentError, unknown
from entrack.results import Discovery, Results
from entrack.sites import Site


def sites_of(resolved: Resolved, name: str, results: Results | None) -> tuple[Site, ...]:
    """The sites of `CIRCUIT` or `CIRCUIT.GROUP`, group by group in the order of the spec, each once. Raises
    UnknownName, and ArgumentError for what a run has found and `results` are wanted for."""
    label, _, group = name.partition(".")
    if label not in resolved.circuits:
        raise unknown("the spec has no group, circuit or discovery", label, resolved.circuits)
    groups = _groups(resolved.circuits[label], group)
    return tuple(dict.fromkeys(site for each in groups for site in _sites(each, results)))


def _groups(circuit: Circuit, name: str) -> tuple[Group, ...]:
    if name and name not in circuit.by_name:
        raise unknown(f"{circuit.label} has no group", name, circuit.by_name)
    return (circuit.by_name[name],) if name else circuit.groups


def _sites(group: Group, results: Results | None) -> Iterator[Site]:
    match group.heads:
        case Found(discovery, name):
            yield from _found(discovery, name, results)
        case RandomLike() | Masked():
            raise ArgumentError(f"{group.name} is not declared in the spec, but made by an intervention")
        case tuple():
            yield from group.heads
        case _:
            assert_never(group.heads)


def _found(discovery: str, group: str, results: Results | None) -> tuple[Site, ...]:
    if results is None:
        raise ArgumentError(f"{discovery}.{group} is what a run found: give the results of one, `results=spec.run()`")
    found = results[discovery]
    assert isinstance(found, Discovery)  # by its name in the spec
    return found.group(group).sites
