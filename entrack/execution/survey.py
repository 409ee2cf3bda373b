"""How a plan stands against a store, nothing computed."""

from __future__ import annotations

from entrack.frozen import frozen


@frozen
class Survey:
    """Which steps are found, known to be zero, missing, not known yet, of heads that a screen left out, of heads that a
    race had decided, or confirm heads and kept none.

    `declined` are those missing ones whose values are there, made with an environment that is not taken.
    """

    found: tuple[str, ...]
    zero: tuple[str, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    screened_out: tuple[str, ...]
    declined: tuple[str, ...] = ()
    decided: tuple[str, ...] = ()
    not_kept: tuple[str, ...] = ()
