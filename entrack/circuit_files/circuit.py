"""A circuit as files say it: groups of sites at positions, the model's shape where a form needs it, and scores."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from attrs import field

from entrack.errors import EntrackError
from entrack.frozen import frozen
from entrack.sites import Part, Site

MOST_BYTES = 1 << 26
"""Of a file."""
MOST_PARTS = 1 << 22
"""Lists and objects of a JSON file."""
MOST_SITES = 100_000
MOST_NUMBER = 1 << 20
"""Layers, heads and neurons are counted up to here."""
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
HEAD = re.compile(r"(\d{1,7})\.(\d{1,7})(?:\.(query|key|value))?", re.ASCII)
STREAM = re.compile(r"residual\.(\d{1,7})(?:\.(mid|post))?", re.ASCII)
WHOLE = re.compile(r"(mlp|attention)\.(\d{1,7})", re.ASCII)
NEURON = re.compile(r"neuron\.(\d{1,7})\.(\d{1,7})", re.ASCII)


class CircuitRefused(EntrackError):
    """A file that is no circuit of its form, or a circuit that a form cannot say; the message says why."""


@frozen
class Shape:
    """What a form wants to know of a model: layers, heads in each, the width of the residual stream, and whether
    attention and MLP of a layer read the same residual stream."""

    layers: int
    heads: int
    d_model: int
    parallel: bool = False


@frozen
class Group:
    """Sites, in the order of a file, at a named position. `scores` are those of sites that have one."""

    name: str
    position: str
    sites: tuple[Site, ...]
    scores: Mapping[Site, float] = field(factory=dict)


@frozen
class Circuit:
    """Groups under a name. `model` is what a spec calls the model; `notes` say what of a file is not in it."""

    name: str
    model: str
    groups: tuple[Group, ...]
    shape: Shape | None = None
    notes: tuple[str, ...] = ()


def circuit_of(
    name: str, model: str, groups: tuple[Group, ...], shape: Shape | None = None, notes: tuple[str, ...] = ()
) -> Circuit:
    """A circuit that can be written in a spec. Raises CircuitRefused for one that is empty, too large, or has a name
    that is none."""
    for word in (name, model, *(word for group in groups for word in (group.name, group.position))):
        if not NAME.fullmatch(word):
            raise CircuitRefused(f"{word[:80]!r} is no name that a spec may have: letters, digits and _")
    if not any(group.sites for group in groups):
        raise CircuitRefused("there is no site in this circuit")
    if sum(len(group.sites) for group in groups) > MOST_SITES:
        raise CircuitRefused(f"a circuit has at most {MOST_SITES:,} sites")
    names = [group.name for group in groups]
    if len(set(names)) < len(names):
        raise CircuitRefused("two groups of a circuit have the same name")
    empty = tuple(f"the group {group.name} has no site, and is not said" for group in groups if not group.sites)
    return Circuit(name, model, tuple(group for group in groups if group.sites), shape, (*notes, *empty))


def site_of(text: object) -> Site:
    """The site that is written as in a spec: `14.13`, `14.13.query`, `mlp.3`, `residual.3.mid`, `neuron.3.7`. Raises
    CircuitRefused."""
    said = text if isinstance(text, str) else ""
    if match := HEAD.fullmatch(said):
        return Site(int(match[1]), Part(match[3] or "output"), int(match[2]))
    if match := WHOLE.fullmatch(said):
        return Site(int(match[2]), Part(match[1]))
    if match := STREAM.fullmatch(said):
        return Site(int(match[1]), Part(match[2] or "residual"))
    if match := NEURON.fullmatch(said):
        return Site(int(match[1]), Part.NEURON, int(match[2]))
    raise CircuitRefused(f"{str(text)[:80]!r} is no site, such as 14.13 or mlp.3")


def whole(value: object, what: str) -> int:
    """A number that counts. Raises CircuitRefused."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_NUMBER:
        return value
    raise CircuitRefused(f"{what} is no whole number from 0 to {MOST_NUMBER:,}: {str(value)[:40]}")


def parsed(text: str) -> dict[str, Any]:
    """A JSON object. Raises CircuitRefused for what is none, or is too deep or too large."""
    if len(text) > MOST_BYTES or text.count("[") + text.count("{") > MOST_PARTS:
        raise CircuitRefused(f"a file has at most {MOST_BYTES:,} characters and {MOST_PARTS:,} lists and objects")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CircuitRefused(f"this is no JSON: {str(error)[:100]}") from None
    return mapping(found, "the file")


def mapping(value: object, what: str) -> dict[str, Any]:
    """An object of JSON. Raises CircuitRefused."""
    if isinstance(value, dict):
        return value
    raise CircuitRefused(f"{what} is no object with names")


def listed(value: object, what: str) -> list[Any]:
    """A list of JSON. Raises CircuitRefused."""
    if isinstance(value, list):
        return value
    raise CircuitRefused(f"{what} is no list")


def only_parts(circuit: Circuit, parts: tuple[Part, ...], form: str) -> None:
    """Raises CircuitRefused where a site is of another part, which the form cannot say."""
    for group in circuit.groups:
        for site in group.sites:
            if site.part not in parts or (site.part is Part.OUTPUT and site.index is None):
                raise CircuitRefused(f"{form} cannot say {site} (group {group.name})")
