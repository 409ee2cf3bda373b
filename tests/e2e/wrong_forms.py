"""Every way in which the value of a step can be of a wrong form: its arrays, their types, shapes and ranges, one
changed at a time.

What is right is said here once more, and not taken from the package: by the names of arrays alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from entrack.plan.steps import Attention, Attribute, Loss, Step, TrainMask

Tensor = NDArray[Any]
Tensors = Mapping[str, Tensor]
DTYPES = ("float16", "float32", "float64", "int32", "int64", "bool")


def wrong_forms(step: Step, value: Tensors) -> dict[str, dict[str, Tensor]]:
    """Values of a wrong form made from a right one, by what was done."""
    found = dict(_of_names(value))
    for name, array in value.items():
        for what, changed in (*_types(array), *_shapes(array), *_numbers(step, name, array)):
            found[f"{name}: {what}"] = {**value, name: changed}
    return {what: wrong for what, wrong in found.items() if not _alike(wrong, value) or "number" in what}


def _alike(one: Tensors, other: Tensors) -> bool:
    return {name: (array.dtype, array.shape) for name, array in one.items()} == {
        name: (array.dtype, array.shape) for name, array in other.items()
    }


def _of_names(value: Tensors) -> Iterator[tuple[str, dict[str, Tensor]]]:
    yield "nothing", {}
    yield "one array more", {**value, "more": np.zeros(3, np.float32)}
    yield "another array", {"\x1b[31m" + "x" * 100: np.zeros(3, np.float32)}
    for name in value:
        others = {other: array for other, array in value.items() if other != name}
        yield f"{name} is missing", others
        yield f"{name} has another name", {**others, f"{name}s": value[name]}


def _types(array: Tensor) -> Iterator[tuple[str, Tensor]]:
    for dtype in DTYPES:
        with np.errstate(over="ignore"):
            yield f"as {dtype}", array.astype(dtype)


def _shapes(array: Tensor) -> Iterator[tuple[str, Tensor]]:
    yield "an axis before", array[None]
    yield "an axis after", array[..., None]
    yield "flat", array.reshape(-1)
    yield "one number", np.zeros((), array.dtype)
    for axis, size in enumerate(array.shape):
        yield f"axis {axis} doubled", np.concatenate([array, array], axis)
        yield f"axis {axis} empty", np.take(array, range(0), axis)
        if size:
            yield f"axis {axis} dropped", np.asarray(np.take(array, 0, axis))
            yield f"axis {axis} shorter", np.take(array, range(size - 1), axis)
    if array.ndim > 1:
        yield "turned", np.ascontiguousarray(array.T)
        yield "first axes swapped", np.ascontiguousarray(array.swapaxes(0, 1))
        yield "last axes swapped", np.ascontiguousarray(array.swapaxes(-1, -2))


def _numbers(step: Step, name: str, array: Tensor) -> Iterator[tuple[str, Tensor]]:
    for number in _outside(step, name, array) if array.size else ():
        for place in sorted({0, array.size // 2, array.size - 1}):
            changed = array.copy()
            changed.reshape(-1)[place] = number
            yield f"the number {number:g} at {place}", changed


def _outside(step: Step, name: str, array: Tensor) -> tuple[float, ...]:
    """Numbers that cannot be in an array of this name."""
    endless = (np.nan, np.inf, -np.inf) if array.dtype.kind == "f" else ()
    return (*endless, *RANGES.get(name, _any)(step, array))


def _any(step: Step, array: Tensor) -> tuple[float, ...]:
    return ()


RANGES: Mapping[str, Callable[[Any, Tensor], tuple[float, ...]]] = {
    "top": lambda step, _: (-1, step.model.facts.vocabulary, 2**40),
    "log_probability": lambda step, _: () if isinstance(step, Attribute) else (1e-3, 0.5, 700.0),
    "count": lambda step, _: (-1, 0, step.batch.prompts + 1, 2 * step.batch.prompts),
    "mask": lambda step, _: (-0.5, 1.5, 2.0),
    "loss": lambda step, _: (-0.5,) if isinstance(step, Loss) else (),
    "attention": lambda step, _: (-0.5, 1.5) if isinstance(step, Attention) else (),
    "validation": lambda step, _: (-0.5, 1.5),
    "steps": lambda step, _: (-1, 0, _steps(step) + 1),
}


def _steps(step: TrainMask) -> int:
    return step.epochs * len(step.train)
