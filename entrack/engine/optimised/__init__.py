"""The optimised executor: the reference one's numbers, from the work that the compiler's passes leave (`plan/passes/`).

A kernel reads off its runs where to start, which tokens to run, which attention to compute and which rows go together.
Where a run was left whole, it goes the reference way.
"""

from __future__ import annotations

from collections.abc import Mapping

from entrack.engine import reference
from entrack.engine.optimised import attribute, evaluate, path_patch, train_mask
from entrack.plan.steps import Attribute, Evaluate, PathPatch, TrainMask

KERNELS: Mapping[type, reference.Kernel] = {
    **reference.KERNELS,
    Evaluate: evaluate.evaluate,
    PathPatch: path_patch.path_patch,
    Attribute: attribute.attribute,
    TrainMask: train_mask.train_mask,
}
