"""Values checked against the forms of their steps (`plan/value_forms.py`): one from a store that has another is
damaged, one from a kernel is never stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from entrack.diagnostics.escape import clip
from entrack.engine.errors import EngineError
from entrack.plan.cache_key import kind
from entrack.plan.steps import Step, kind_of
from entrack.plan.value_forms import Array

Tensors = Mapping[str, NDArray[Any]]
LONGEST, MOST_NAMED = 40, 8
"""Letters of a name, and names, that are told of a value that may come from anywhere."""


class WrongForm(EngineError):
    """A step was computed and its value is not of its form: a mistake in a kernel. It is not stored."""


def fault(step: Step, value: Tensors) -> str:
    """What of a bound step's value is not as its form says: which array, what is expected, what is there. Empty
    where all is."""
    return next(_faults(step, value), "")


def checked(step: Step, value: Tensors) -> Tensors:
    """A value as it was computed. Raises WrongForm."""
    wrong = fault(step, value)
    if wrong:
        raise WrongForm(
            f"{kind(step)} was computed and is not what it must be, so it is not stored: {wrong}; this is a "
            "mistake in entrack"
        )
    return value


def most_bytes(step: Step) -> int:
    """Bytes that the arrays of a bound step's value take."""
    arrays = kind_of(step).form(step).values()
    return sum(np.dtype(array.dtype).itemsize * prod(array.shape) for array in arrays)


def _faults(step: Step, value: Tensors) -> Iterator[str]:
    form = kind_of(step).form(step)
    if set(form) != set(value):
        yield f"it holds {_named(value)}, not {_named(form)}"
    for name, array in form.items():
        yield from _of_array(f"`{name}`", array, value[name])


def _of_array(name: str, form: Array, array: NDArray[Any]) -> Iterator[str]:
    if array.dtype.name != form.dtype:
        yield f"{name} is {array.dtype.name}, not {form.dtype}"
    if array.shape != form.shape:
        yield f"{name} has the shape {array.shape}, not {form.shape}"
    if not array.size:
        return
    least, most = array.min(), array.max()  # NaN if there is one
    if not (np.isfinite(least) and np.isfinite(most)):
        yield f"{name} holds a number that is not finite"
    if least < form.least:
        yield f"{name} holds {least:g}, below {form.least:g}"
    if most > form.most:
        yield f"{name} holds {most:g}, above {form.most:g}"


def _named(names: Mapping[str, object]) -> str:
    said = [f"`{clip(name, LONGEST)}`" for name in sorted(names)]
    more = [f"{len(said) - MOST_NAMED} more"] if len(said) > MOST_NAMED else []
    return ", ".join([*said[:MOST_NAMED], *more]) or "nothing"
