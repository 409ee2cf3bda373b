"""A model over several devices: its layers stand where they were placed, and all else at home.

A layer brings what it is given to its own device, and so does the final norm, so that a pass goes from device to device
by itself. Whoever reads of a layer, or writes to it, carries the value (`tracing.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from entrack.families.base import Family


def place(module: nn.Module, layout: Family, home: torch.device, layers: Sequence[torch.device]) -> nn.Module:
    """Move a model to its devices; what the last layer gives is brought home."""
    stack: Any = module.get_submodule(layout.layers)
    inside = {id(part) for layer in stack for part in layer.modules()}
    for part in module.modules():
        if id(part) not in inside:
            _moved(part, home)
    if set(layers) == {home}:
        stack.to(home)
        return module
    for layer, device in zip(stack, layers, strict=True):
        layer.to(device)
        layer.register_forward_pre_hook(partial(_bring, device), with_kwargs=True)
    module.get_submodule(layout.norm).register_forward_pre_hook(partial(_bring, home), with_kwargs=True)
    return module


def _moved(part: Any, device: torch.device) -> None:
    """Move what a module has itself; the modules in it stay."""
    part._apply(lambda tensor: tensor.to(device), recurse=False)


def _bring(device: torch.device, module: nn.Module, args: Any, kwargs: Any) -> tuple[Any, Any]:
    return brought(args, device), brought(kwargs, device)


def brought(value: Any, device: torch.device) -> Any:
    """A value with its tensors on a device, also those in tuples, lists and mappings."""
    match value:
        case Tensor():
            return value.to(device)
        case tuple() | list():
            return type(value)(brought(one, device) for one in value)
        case dict():
            return {name: brought(one, device) for name, one in value.items()}
    return value
