"""Where the numbers of a run came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from entrack.frozen import frozen


@frozen
class Provenance:
    """Where the numbers came from: the spec, the models by digest, how many steps were computed and found, with
    which versions."""

    spec: str
    spec_address: str
    language: int
    entrack: str
    models: Mapping[str, Mapping[str, Any]]
    seed: int
    params: Mapping[str, float]
    changed_params: tuple[str, ...]
    steps: int
    computed: int
    found: int
    realised: tuple[Mapping[str, Any], ...] = ()
    tolerance: str = ""
    known_zero: int = 0
    """Steps that were not run, because their heads cannot reach a receiver."""
    screened_out: int = 0
    """Steps that were not run, because a screen let none of their heads through."""
    decided: int = 0
    """Steps that were not run, because a race had decided all of their heads."""
    accept: str = "any"
    """Which stored values were taken."""
    reused: tuple[Mapping[str, Any], ...] = ()
    """Values from the store that were made with other versions, on another device or on another machine than this
    run's."""
