"""Views: the heads of a part got out of what a module takes or gives, and put back into it."""

from __future__ import annotations

from typing import assert_never

import torch
from torch import Tensor

from entrack.families.base import Axis, Beside, Block, Heads, Interleaved, View, Whole


def get(view: View, value: Tensor, heads: int, d_head: int) -> Tensor:
    """(..., width), or what has an axis of heads already, -> (..., head, d_head); of a part without heads the value
    itself."""
    match view:
        case Whole():
            return value
        case Heads():
            return value.view(*value.shape[:-1], heads, d_head)
        case Block(index, count):
            return value.view(*value.shape[:-1], count, heads, d_head)[..., index, :, :]
        case Interleaved(index, count):
            return value.view(*value.shape[:-1], heads, count, d_head)[..., index, :]
        case Beside(start):
            first = start * heads * d_head % value.shape[-1]
            return value[..., first : first + heads * d_head].view(*value.shape[:-1], heads, d_head)
        case Axis(number):
            return value.movedim(number, -2)
        case _:
            assert_never(view)


def put(view: View, value: Tensor, part: Tensor) -> Tensor:
    """`value` (..., width) with `part` (..., head, d_head) in its place. A new tensor, which can be differentiated by
    both."""
    match view:
        case Whole():
            return part
        case Heads():
            return part.flatten(-2)
        case Block(index, count):
            return _replaced(value.view(*part.shape[:-2], count, *part.shape[-2:]), index, -3, part).flatten(-3)
        case Interleaved(index, count):
            return _replaced(value.view(*part.shape[:-1], count, part.shape[-1]), index, -2, part).flatten(-3)
        case Beside(start):
            flat = part.flatten(-2)
            first = start * flat.shape[-1] % value.shape[-1]
            return torch.cat([value[..., :first], flat, value[..., first + flat.shape[-1] :]], -1)
        case Axis(number):
            return part.movedim(-2, number)
        case _:
            assert_never(view)


def width(view: View, heads: int, d_head: int, every: int) -> int:
    """How many numbers a linear map gives, or takes, where a per-head part of so many heads is found; `every` counts
    the heads of queries, keys and values."""
    match view:
        case Block(_, count) | Interleaved(_, count):
            return count * heads * d_head
        case Beside():
            return every * d_head
        case Whole() | Heads() | Axis():
            return heads * d_head
        case _:
            assert_never(view)


def _replaced(parts: Tensor, index: int, axis: int, part: Tensor) -> Tensor:
    several = list(parts.unbind(axis))
    several[index] = part
    return torch.stack(several, axis)
