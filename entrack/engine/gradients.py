"""Gradients, by a backward pass in the model's own number type; what is asked for of it is float32.

float16 ends at 65,504 and has no more than four digits below 6e-5, so that a gradient may overflow, or fade to nothing,
on its way through a model whose outcomes are well inside. The way back is therefore gone with the outcome times a power
of two, which is taken out of the gradients again: the largest with which they are all finite.

Source: P. Micikevicius et al., Mixed precision training, 2018, section 3.2.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

SCALES: Mapping[torch.dtype, tuple[float, ...]] = {torch.float16: (2.0**12, 2.0**6, 1.0, 2.0**-6, 2.0**-12, 2.0**-18)}
"""Tried in this order. Other number types have the range of float32, and their gradients are what they are."""


def gradients(outcome: Tensor, by: tuple[Tensor, ...], dtype: torch.dtype, *, again: bool) -> tuple[Tensor, ...]:
    """How the sum of an outcome, computed in `dtype`, moves with float32 tensors; exactly 0 by what it does not depend
    on, and not finite where no scale makes it so. `again` says that another backward pass will follow. -> as `by`"""
    scales = SCALES.get(dtype, (1.0,))
    found = by
    for scale in scales:
        whole = (scale * outcome).sum()
        found = torch.autograd.grad(whole, by, retain_graph=again or len(scales) > 1, materialize_grads=True)
        if all(bool(one.isfinite().all()) for one in found):
            break
    return tuple(one / scale for one in found)
