"""Numbers that a spec takes from a file: content, with an address of their own."""

from __future__ import annotations

from attrs import field

from entrack.address import Digested, tagged
from entrack.frozen import frozen


@tagged("numbers", "values")
@frozen(slots=False)
class Numbers(Digested):
    """A row of numbers, each as it is in float64. Two files that say the same numbers are one."""

    values: tuple[float, ...] = field(repr=False)
