"""How well a hop's score tells planted heads from others."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from entrack.results import Group
from entrack.sites import Site


def area(group: Group, planted: AbstractSet[Site], ranked: AbstractSet[Site]) -> float:
    """The area under the ROC curve of -score for `planted` among `ranked`."""
    pairs = [(score(group, true), score(group, other)) for true in planted & ranked for other in ranked - planted]
    return sum((low < high) + 0.5 * (low == high) for low, high in pairs) / len(pairs)


def score(group: Group, head: Site) -> float:
    found = group.matrix[head.layer][head.head]
    assert found is not None, "nothing is screened out"
    return found
