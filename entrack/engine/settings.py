"""Torch as the engine wants it: the same bits every time, and no gradients. What it found is put back afterwards."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from entrack.engine.errors import DeviceMissing

REDUCED = ("allow_bf16_reduced_precision_reduction", "allow_fp16_reduced_precision_reduction")
"""By which a GPU may add up products of half precision in half precision."""
NO_MEMORY = ("can't allocate memory", "CUDA error: out of memory", "_STATUS_ALLOC_FAILED", "MPS backend out of memory")


NO_FLOAT64 = ("mps",)
"""Kinds of devices that have no float64."""


def exact_device(device: torch.device) -> torch.device:
    """Where what is on a device can be added up in float64: there, or else on the CPU."""
    return torch.device("cpu") if device.type in NO_FLOAT64 else device


def exact(values: Tensor) -> Tensor:
    """Values where they can be float64."""
    return values.to(exact_device(values.device))


@contextmanager
def deterministic(threads: int | None) -> Iterator[None]:
    """Deterministic kernels, full float32 products, sums of products in float32 also of half precision, `threads`
    threads."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA starts; without it cuBLAS may vary
    before = torch.are_deterministic_algorithms_enabled(), torch.get_num_threads(), torch.get_float32_matmul_precision()
    switches: Any = torch.utils.deterministic
    products: Any = torch.backends.cuda.matmul
    fill, reduced = switches.fill_uninitialized_memory, {name: getattr(products, name) for name in REDUCED}
    try:
        torch.use_deterministic_algorithms(mode=True)
        switches.fill_uninitialized_memory = False  # it guards against reading what was never written, at a cost
        torch.set_float32_matmul_precision("highest")
        _set(products, dict.fromkeys(REDUCED, False))
        if threads is not None and threads != before[1]:
            torch.set_num_threads(threads)
        with torch.no_grad():
            yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        switches.fill_uninitialized_memory = fill
        torch.set_float32_matmul_precision(before[2])
        _set(products, reduced)
        if torch.get_num_threads() != before[1]:
            torch.set_num_threads(before[1])


def _set(where: Any, values: Mapping[str, bool]) -> None:
    for name, value in values.items():
        setattr(where, name, value)


def is_out_of_memory(error: BaseException) -> bool:
    """Torch has a type for it on GPUs; on a CPU, and where a library of the GPU's asks for its own memory, it is a
    RuntimeError that says so."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(said in str(error) for said in NO_MEMORY)


def is_no_kernel(error: BaseException) -> bool:
    """Whether torch lacks what it was asked for in half precision: `"addmm_impl_cpu_" not implemented for 'Half'`."""
    return any(f"not implemented for '{name}'" in str(error) for name in ("Half", "BFloat16"))


def chosen_device(asked: str | None) -> torch.device:
    """The device asked for, or a GPU if there is one. Raises DeviceMissing."""
    kind, _, number = (asked or ("cuda" if torch.cuda.is_available() else "cpu")).partition(":")
    many = _DEVICES.get(kind, int)()
    if not (
        many and (not number or (number.isascii() and number.isdecimal() and int(number) < many and kind == "cuda"))
    ):
        built = "" if torch.cuda.is_available() or kind != "cuda" else f" (torch {torch.__version__})"
        raise DeviceMissing(f"there is no device {asked} here{built}; there are {', '.join(_there())}")
    return torch.device(kind, int(number)) if number else torch.device(kind)


def chosen_devices(asked: str | None, many: int) -> tuple[torch.device, ...]:
    """The device asked for, and so many in all from there on for a model that it has no room for: GPUs of one name.
    Raises DeviceMissing."""
    first = chosen_device(asked)
    if many == 1:
        return (first,)
    if first.type != "cuda":
        raise DeviceMissing(f"a model is to be placed over {many} GPUs, and {first} is none")
    number, count = first.index or 0, _DEVICES[first.type]()
    if number + many > count:
        raise DeviceMissing(f"a model is to be placed over {many} GPUs, and from {first} on there are {count - number}")
    devices = tuple(torch.device("cuda", number + more) for more in range(many))
    names = sorted({device_name(device) for device in devices})
    if len(names) > 1:
        raise DeviceMissing(f"a model is placed over GPUs of one name, and these are {' and '.join(names)}")
    return devices


def _there() -> list[str]:
    """The devices of this machine that torch can use."""
    return [
        name
        for kind, count in _DEVICES.items()
        for name in ([f"{kind}:{number}" for number in range(count())] if kind == "cuda" else [kind] * count())
    ]


def device_name(device: torch.device) -> str:
    """A device as it is recorded: a GPU by its name, any other by its kind."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def own_device(asked: str | None) -> str:
    """The device that the engine would use, as it is recorded."""
    return device_name(chosen_device(asked))


def own_threads() -> int:
    """The threads that torch takes where nobody asks for a number."""
    return torch.get_num_threads()


_DEVICES: Mapping[str, Callable[[], int]] = {
    "cpu": lambda: 1,
    "mps": lambda: int(torch.backends.mps.is_available()),
    "cuda": lambda: torch.cuda.device_count() if torch.cuda.is_available() else 0,
}
"""How many there are of each kind of device."""
