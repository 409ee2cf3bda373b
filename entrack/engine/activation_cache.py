"""A memo of clean runs, bounded in bytes: the hops of a discovery read the same runs again and again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

from attrs import define, field
from torch import Tensor

Tensors = tuple[Tensor, ...]


@define(eq=False)
class ActivationCache:
    """What was used last is kept. A value bigger than the bound is handed out and not kept."""

    most: int = 1 << 30
    held: int = field(default=0, init=False)
    _kept: OrderedDict[Hashable, Tensors] = field(factory=OrderedDict, init=False, repr=False)

    def get(self, key: Hashable, make: Callable[[], Tensors], size: int = 0) -> Tensors:
        """The value kept under `key`, or a new one from `make`, for which room is made first where its `size` in
        bytes is known."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if size <= self.most:
            self._make_room(size)
        value = make()
        if _size(value) <= self.most:
            self._make_room(_size(value))
            self._kept[key] = value
            self.held += _size(value)
        return value

    def _make_room(self, size: int) -> None:
        while self._kept and self.held + size > self.most:
            self.held -= _size(self._kept.popitem(last=False)[1])

    def clear(self) -> None:
        self._kept.clear()
        self.held = 0


def _size(value: Tensors) -> int:
    return sum(tensor.nbytes for tensor in value)
