"""The reference executor: one full forward pass per variant. Slow and obviously right; every faster way must equal
it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from entrack.address import tag_of
from entrack.engine.context import Context
from entrack.engine.inputs import Arrays, Inputs
from entrack.plan.steps import STEPS

Kernel = Callable[[Context, Any, Inputs], Arrays]
"""A kernel takes the kind of step it stands beside in a table."""


def _kernel(step: type) -> Kernel:
    """The kernel of a kind of step, called like the step's tag, in the file of that name."""
    name = tag_of(step).replace("-", "_")
    found: Kernel = getattr(import_module(f"entrack.engine.kernels.{name}"), name)
    return found


KERNELS: Mapping[type, Kernel] = {kind.step: _kernel(kind.step) for kind in STEPS}
