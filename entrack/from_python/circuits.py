"""Circuits of Python as a file that specs include."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from entrack.arguments import shown
from entrack.circuit_files.circuit import CircuitRefused, Group, circuit_of
from entrack.circuit_files.spec_text import write
from entrack.errors import ArgumentError, ArgumentTypeError
from entrack.from_python.made import (
    Made,
    commented,
    file_named,
    formatted,
    listed,
    member,
    name_of,
    named,
    provenance,
    written,
)
from entrack.sites import Site

ONLY = "heads"
"""The group of a circuit whose groups have no names."""


def circuit(
    heads: Any,
    path: str | os.PathLike[str],
    *,
    model: str = "base",
    at: str | Mapping[str, str] = "last",
    name: str | None = None,
    made_by: str = "",
) -> Made:
    """Write a circuit for specs, a file to `include`: `circuit NAME in MODEL { group ... }`.

    `heads` are sites as a spec writes them (`14.13`, `mlp.3`), or pairs (layer, head), in a list or an array, or a
    mapping from groups to such; `at` is the position of all groups, or of each. `model`, `name` and `made_by` are as of
    `vector`. Raises ArgumentError, OSError.
    """
    where, told = file_named(path, ".et"), provenance(made_by)
    groups = heads if isinstance(heads, Mapping) else {ONLY: heads}
    called, within = name_of(name, where), named(model, "model")
    try:
        parts = [Group(named(each, "a group's name"), _place(at, each), _sites(some)) for each, some in groups.items()]
        found = circuit_of(called, within, tuple(parts), notes=tuple(commented(told)))
        text = write(found)
    except CircuitRefused as refused:
        raise ArgumentError(str(refused)) from None
    content = f"entrack 1\n\n{formatted(text.removeprefix('entrack 1'))}"
    many = sum(len(group.sites) for group in found.groups)
    return written(where, content.encode(), f"{many:,} sites", {}, f'include "{where.name}"')


def _place(at: object, group: str) -> str:
    if isinstance(at, Mapping) and group not in at:
        raise ArgumentError(f"at says no position of the group {group}")
    return named(at[group] if isinstance(at, Mapping) else at, "at")


def _sites(given: Any) -> tuple[Site, ...]:
    """Sites, each once, in their order. Raises ArgumentError."""
    many = listed(given)
    if not isinstance(many, list | tuple | set | frozenset):
        raise ArgumentTypeError(f"the heads of a group are a list; this is {shown(given)}")
    several = sorted(many, key=repr) if isinstance(many, set | frozenset) else many
    return tuple(dict.fromkeys(member(tuple(one) if isinstance(one, list) else one) for one in several))
