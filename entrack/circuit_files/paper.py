"""Circuits as the study of entity tracking published them (specs/paper/circuits.json): `{"circuits": {NAME: {GROUP:
[[layer, head], ...]}}}`. Positions are not in it; what is written here has them beside, under `positions`."""

from __future__ import annotations

import json

from entrack.circuit_files.circuit import (
    Circuit,
    CircuitRefused,
    Group,
    circuit_of,
    listed,
    mapping,
    only_parts,
    parsed,
)
from entrack.circuit_files.circuit import whole as counted
from entrack.sites import Part, Site


def write(circuit: Circuit) -> str:
    """The text. Raises CircuitRefused for sites that are no heads."""
    only_parts(circuit, (Part.OUTPUT,), "the paper's JSON")
    heads = {group.name: [[site.layer, site.head] for site in group.sites] for group in circuit.groups}
    positions = {group.name: group.position for group in circuit.groups}
    return json.dumps({"circuits": {circuit.name: heads}, "positions": {circuit.name: positions}}, indent=1) + "\n"


def read(text: str, name: str, model: str, position: str) -> Circuit:
    """The circuit of that name, or the only one. Raises CircuitRefused."""
    document = parsed(text)
    found = mapping(document.get("circuits"), "`circuits`")
    wanted = name if name in found else next(iter(found), "") if len(found) == 1 else ""
    if not wanted:
        raise CircuitRefused(f"which circuit? --name is one of {', '.join(map(str, list(found)[:20])) or 'none'}")
    said = mapping(mapping(document.get("positions", {}), "`positions`").get(wanted, {}), "the positions")
    groups = tuple(
        Group(
            group,
            str(said.get(group, position)),
            tuple(_head(pair) for pair in listed(pairs, f"the group {group[:40]}")),
        )
        for group, pairs in mapping(found[wanted], f"the circuit {wanted[:40]}").items()
    )
    notes = () if said else (f"the file names no positions: all groups stand at {position}",)
    return circuit_of(name, model, groups, notes=notes)


def _head(pair: object) -> Site:
    if not isinstance(pair, list) or len(pair) != 2:
        raise CircuitRefused(f"a head is [layer, head], not {str(pair)[:40]}")
    return Site.of_head(counted(pair[0], "a layer"), counted(pair[1], "a head"))
