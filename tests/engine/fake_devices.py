"""Devices that are not there: `cpu:0`, `cpu:1` and so on, each of which holds real numbers and meets no other.

A tensor on one of them is computed on the CPU, and gives what it would give there, bit for bit. What a GPU refuses is
refused: an operation on tensors of two devices, or of a device and of the CPU. So code that forgets to bring a value to
the device where it is used fails here, without a GPU.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

MOVES = ("aten::_to_copy", "aten::copy_")
"""Operations that may take from one device to another."""
INDEXING = ("aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_")


def fake(number: int) -> torch.device:
    return torch.device("cpu", number)


class OnDevice(Tensor):
    """A tensor that says it is on a device, and the numbers of it."""

    numbers: Tensor

    @staticmethod
    def __new__(cls, numbers: Tensor, device: torch.device) -> OnDevice:
        made: Any = Tensor._make_wrapper_subclass(
            cls,
            numbers.size(),
            strides=numbers.stride(),
            storage_offset=numbers.storage_offset(),
            dtype=numbers.dtype,
            device=device,
            requires_grad=numbers.requires_grad,
        )
        made.numbers = numbers
        return cast(OnDevice, made)

    def __repr__(self) -> str:  # type: ignore[override]  # it shows no contents
        return f"OnDevice({self.device}, {tuple(self.shape)})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]  # torch gives no kwargs where there are none
        return _computed(func, args, kwargs or {})


class _FromPython(TorchFunctionMode):
    """Python's numbers are put on a fake device: torch takes one that is called cpu for its own."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        device = (kwargs or {}).get("device") if func in (torch.tensor, torch.as_tensor) else None
        return found if device is None else found.to(device)


class _Dispatch(TorchDispatchMode):  # type: ignore[no-untyped-call]  # its __init_subclass__ has no types
    """Computes; `met` are the fake devices that took part."""

    met: set[torch.device]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.met |= {one.device for one in tree_flatten(args)[0] if isinstance(one, OnDevice)}
        return _computed(func, args, kwargs or {})


@contextmanager
def fake_devices() -> Iterator[set[torch.device]]:
    """Meanwhile, what is made on a fake device, or moved to it, is there. Gives the devices that computed."""
    computing: Any = _Dispatch
    dispatch, from_python, future = computing(), _FromPython(), torch.__future__
    dispatch.met = set()
    before = future.get_overwrite_module_params_on_conversion()
    future.set_overwrite_module_params_on_conversion(value=True)  # a module's tensors change their class
    try:
        with from_python, dispatch:
            yield dispatch.met
    finally:
        future.set_overwrite_module_params_on_conversion(value=before)


def _computed(func: Any, args: Any, kwargs: Any) -> Any:
    name, tensors = func._schema.name, [one for one in tree_flatten((args, kwargs))[0] if isinstance(one, Tensor)]
    asked = None if kwargs.get("device") is None else torch.device(kwargs["device"])
    here = asked or _device(name, tensors)
    if name not in MOVES:
        _refuse_two_devices(func, tensors)
    found = func(*_numbers(args), **_numbers({**kwargs, **({"device": torch.device("cpu")} if asked else {})}))
    if func._schema.is_mutable and isinstance(args[0], OnDevice):
        return args[0]
    if here is None or here.index is None:
        return found
    return tree_map(lambda one: OnDevice(one, here) if isinstance(one, Tensor) else one, found)


def _device(name: str, tensors: list[Tensor]) -> torch.device | None:
    """Where an operation runs: on the device of what it fills, else of what has axes, else of any."""
    some = tensors[:1] if name == "aten::copy_" else [*(one for one in tensors if one.dim()), *tensors]
    return next((one.device for one in some if isinstance(one, OnDevice)), None)


def _refuse_two_devices(func: Any, tensors: Iterable[Tensor]) -> None:
    """As a GPU does: a single number of the CPU may be anywhere, and indices of the CPU may index."""
    indices = (torch.int64, torch.bool) if func._schema.name in INDEXING else ()
    several = {one.device for one in tensors if isinstance(one, OnDevice) or (one.dim() and one.dtype not in indices)}
    if len(several) > 1:
        raise RuntimeError(f"expected all tensors to be on the same device, and {func} has {sorted(map(str, several))}")


def _numbers(value: Any) -> Any:
    return tree_map(lambda one: one.numbers if isinstance(one, OnDevice) else one, value)
