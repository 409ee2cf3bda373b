"""The longest path: how long a plan takes at least, with as many workers as there are steps."""

from __future__ import annotations

from collections.abc import Mapping


def longest_path(needs: Mapping[str, tuple[str, ...]], seconds: Mapping[str, float]) -> float:
    """The seconds of the longest row of nodes of which each needs the one before it; `needs` names each node after
    what it needs, and nodes that `seconds` does not name take none."""
    ends: dict[str, float] = {}
    for id, wanted in needs.items():
        ends[id] = seconds.get(id, 0.0) + max((ends[need] for need in wanted), default=0.0)
    return max(ends.values(), default=0.0)
