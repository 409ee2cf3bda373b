"""Values held in memory on their way to and from the store, by digest; what is needed again later is read from it."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from entrack.execution.value_check import Tensors

KEPT_BYTES = 1 << 29
"""Values held at most, in bytes, where there is memory for them."""


class ValueCache:
    """The values that came last, an eighth of `memory` (bytes) at most; the last one always. For any number of
    threads."""

    def __init__(self, memory: int | None = None) -> None:
        self._most = KEPT_BYTES if memory is None else min(KEPT_BYTES, memory // 8)
        self._kept: OrderedDict[str, Tensors] = OrderedDict()
        self._held = 0
        self._changing = Lock()

    def get(self, digest: str) -> Tensors | None:
        return self._kept.get(digest)

    def keep(self, digest: str, value: Tensors) -> None:
        """Keep a value, and let go of those that came first where there are too many."""
        with self._changing:
            self._held += _size(value) - _size(self._kept.get(digest, {}))
            self._kept[digest] = value
            while len(self._kept) > 1 and self._held > self._most:
                self._held -= _size(self._kept.popitem(last=False)[1])


def _size(value: Tensors) -> int:
    return sum(array.nbytes for array in value.values())
