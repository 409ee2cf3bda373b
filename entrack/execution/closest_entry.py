"""Which entry of a store is most like a step that it lacks: the one that shares most parts of its key.

An entry is a bit. For each part the entries that share it are one number; adding these numbers up bit by bit counts for
all entries at once, so that thousands of steps can be asked of a store of a hundred thousand entries.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from entrack.execution.run_record import recorded_key
from entrack.frozen import frozen
from entrack.plan.cache_key import KeyPart
from entrack.store.base import Action


@frozen
class ClosestEntry:
    """An entry, the parts of its key, and the names of those that are not the step's."""

    action: Action
    parts: tuple[KeyPart, ...]
    differs: tuple[str, ...]


class Entries:
    """The entries of a store whose keys are recorded; `unkeyed` is how many have none: an earlier entrack made them."""

    def __init__(self, actions: Iterable[Action]) -> None:
        told = [(action, recorded_key(action)) for action in actions]
        self._keyed = [(action, parts) for action, parts in told if parts is not None]
        self.unkeyed = len(told) - len(self._keyed)
        self._places: dict[tuple[str, str], list[int]] = {}
        for place, (_, parts) in enumerate(self._keyed):
            for part in parts:
                self._places.setdefault((part.name, part.digest), []).append(place)
        self._sharing: dict[tuple[str, str], int] = {}
        self._by_address = {action.address: place for place, (action, _) in enumerate(self._keyed)}

    def nearest(self, parts: Sequence[KeyPart], without: int = 0) -> ClosestEntry | None:
        """The entry of this kind of step that shares most parts, of several the first; None where none has its
        weights or its tokens."""
        shared = {part.name: self._having(part) for part in parts}
        candidates = shared["step"] & (shared["weights"] | shared.get("tokens", 0)) & ~without
        for plane in reversed(_counted(shared.values())):
            candidates = candidates & plane or candidates
        if not candidates:
            return None
        action, others = self._keyed[(candidates & -candidates).bit_length() - 1]
        return ClosestEntry(action, others, differing(parts, others))

    def those(self, addresses: Collection[str]) -> int:
        """These entries, as `nearest` may leave them out."""
        return _bits(
            [self._by_address[address] for address in addresses if address in self._by_address], len(self._keyed)
        )

    def _having(self, part: KeyPart) -> int:
        key = part.name, part.digest
        if key not in self._sharing:
            self._sharing[key] = _bits(self._places.get(key, ()), len(self._keyed))
        return self._sharing[key]


def differing(one: Sequence[KeyPart], other: Sequence[KeyPart]) -> tuple[str, ...]:
    """The names of the parts that two keys do not share, in the order of the first."""
    digests, others = ({part.name: part.digest for part in parts} for parts in (one, other))
    return tuple(name for name in {**digests, **others} if digests.get(name) != others.get(name))


def _counted(numbers: Iterable[int]) -> list[int]:
    """The sum of each bit over all numbers: bit b of the sums of all is plane b."""
    planes: list[int] = []
    for carry in numbers:
        for place, plane in enumerate(planes):
            planes[place], carry = plane ^ carry, plane & carry
        if carry:
            planes.append(carry)
    return planes


def _bits(places: Sequence[int], length: int) -> int:
    marked = bytearray(length // 8 + 1)
    for place in places:
        marked[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(marked, "little")
