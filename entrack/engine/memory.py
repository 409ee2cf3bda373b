"""Room: whether another model fits beside those that are in memory."""

from __future__ import annotations

import torch

from entrack import system
from entrack.models.key import ModelKey, ModelSource
from entrack.models.weight_files import SPARE, weights_bytes


def fits(source: ModelSource, key: ModelKey, device: torch.device) -> bool:
    """Whether the weights, in the number type asked for, fit into what is free on the device now."""
    return weights_bytes(source, key) * SPARE < free_bytes(device)


def device_memory(device: torch.device) -> int:
    """Bytes that a GPU has, free or not, else those of the machine."""
    return _of_gpu(device) if device.type == "cuda" else system.machine_memory()


def default_memory(device: torch.device) -> int:
    """`system.default_memory`, or as large a share of a GPU's own memory."""
    return _of_gpu(device) // 2 if device.type == "cuda" else system.default_memory()


def _of_gpu(device: torch.device) -> int:
    return int(torch.cuda.get_device_properties(device).total_memory)


def free_bytes(device: torch.device) -> int:
    """What is free: of the GPU's memory, with what torch holds of it for later, else of the machine's."""
    if device.type == "cuda":
        held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + held
    return system.free_memory()
