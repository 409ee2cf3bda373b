"""Circuits as names of TransformerLens' hooks, with the index of a head or a neuron: `{"circuit": NAME, "groups":
[{"name", "position", "hooks": [{"hook": "blocks.3.attn.hook_z", "head": 5}, {"hook": "blocks.3.hook_mlp_out"}]}]}`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

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
from entrack.sites import PER_HEAD, Part, Site

HOOKS: Mapping[Part, str] = {
    Part.RESIDUAL: "hook_resid_pre",
    Part.QUERY: "attn.hook_q",
    Part.KEY: "attn.hook_k",
    Part.VALUE: "attn.hook_v",
    Part.OUTPUT: "attn.hook_z",
    Part.ATTENTION: "hook_attn_out",
    Part.MID: "hook_resid_mid",
    Part.NEURON: "mlp.hook_post",
    Part.MLP: "hook_mlp_out",
    Part.POST: "hook_resid_post",
}
"""Hooks of a block by the part whose activations they see."""
INDEX = {**dict.fromkeys(PER_HEAD, "head"), Part.NEURON: "neuron"}
"""What an index is called, of parts that have one."""
PARTS = {hook: part for part, hook in HOOKS.items()}
NAME = re.compile(r"blocks\.(\d{1,7})\.([a-z_.]{1,40})", re.ASCII)


def write(circuit: Circuit) -> str:
    """The text. Raises CircuitRefused for a site without a hook."""
    only_parts(circuit, tuple(HOOKS), "TransformerLens")
    groups = [
        {"name": group.name, "position": group.position, "hooks": [_hook(site) for site in group.sites]}
        for group in circuit.groups
    ]
    return json.dumps({"circuit": circuit.name, "groups": groups}, indent=1) + "\n"


def read(text: str, name: str, model: str, position: str) -> Circuit:
    """The circuit of a file. Raises CircuitRefused."""
    groups = (mapping(group, "a group") for group in listed(parsed(text).get("groups"), "`groups`"))
    return circuit_of(name, model, tuple(_group(group, position) for group in groups))


def _group(group: dict[str, Any], position: str) -> Group:
    sites = tuple(_site(mapping(hook, "a hook")) for hook in listed(group.get("hooks"), "`hooks`"))
    return Group(str(group.get("name")), str(group.get("position", position)), sites)


def _hook(site: Site) -> dict[str, Any]:
    index = {} if site.index is None else {INDEX[site.part]: site.index}
    return {"hook": f"blocks.{site.layer}.{HOOKS[site.part]}", **index}


def _site(hook: dict[str, Any]) -> Site:
    match = NAME.fullmatch(str(hook.get("hook")))
    part = PARTS.get(match[2]) if match else None
    if match is None or part is None:
        raise CircuitRefused(f"{str(hook.get('hook'))[:60]!r} is no hook that is known: {', '.join(PARTS)} of a block")
    index = INDEX.get(part)
    if index is None:
        return Site(int(match[1]), part)
    return Site(int(match[1]), part, counted(hook.get(index), f"`{index}` of {match[0]}"))
