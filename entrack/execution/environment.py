"""The stack: with what a value was computed, or would be here - versions, device, threads - as far as torch need not be
loaded to tell.

What was recorded beside a value comes in as its note (`how`). Here, the versions are those of the installed packages;
the device is what was asked for, or a GPU where there are signs of one; threads are what was asked for, or one for a
narrow model. Only `exact` may have to ask torch.
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Mapping
from functools import cache
from glob import glob
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from entrack.execution.read_run_record import RunRecord, read_run_record
from entrack.execution.reuse_policy import ReusePolicy
from entrack.frozen import frozen
from entrack.model_config import ModelFacts
from entrack.plan.schedule import Memory
from entrack.system import default_memory

PACKAGES = ("torch", "transformers", "nnsight")
RECORDED = (*PACKAGES, "device", "threads", "memory")
GPU_FILES = ("/dev/nvidia[0-9]*", "/dev/kfd", "/dev/dxg")
DEVICE_KINDS = ("cpu", "mps")
"""Devices that are recorded as their kind; any other name is that of a GPU."""


@frozen
class Environment:
    """What this process would compute with: `device`, `threads` and `memory` (bytes) as they were asked for, None
    for the engine's choice."""

    device: str | None = None
    threads: int | None = None
    memory: int | None = None

    def told(self, facts: ModelFacts, accept: ReusePolicy) -> dict[str, Any]:
        """What counts under a policy, for a model of this shape."""
        return dict(described({**versions(), **self._place(facts, accept)}, accept))

    def _place(self, facts: ModelFacts, accept: ReusePolicy) -> dict[str, Any]:
        if accept is not ReusePolicy.EXACT:
            return {"device": device_kind(self.device)}
        threads = self.threads or (1 if facts.narrow else None)
        if threads is not None and device_kind(self.device) == "cpu":
            return {
                "device": "cpu",
                "threads": threads,
                "memory": Memory.of(self.memory or default_memory()).budget,
            }
        from entrack.engine.memory import default_memory as memory_of  # only torch knows
        from entrack.engine.settings import chosen_device, own_device, own_threads

        memory = self.memory or memory_of(chosen_device(self.device))
        return {
            "device": own_device(self.device),
            "threads": threads or own_threads(),
            "memory": Memory.of(memory).budget,
        }


def described(how: RunRecord, accept: ReusePolicy) -> RunRecord:
    """What of a note counts under a policy; two that tell the same may stand for each other."""
    how = read_run_record(how)
    match accept:
        case ReusePolicy.ANY:
            return {}
        case ReusePolicy.EXACT:
            return {name: how.get(name) for name in RECORDED}
    return {name: ".".join(str(how.get(name)).split(".")[:2]) for name in PACKAGES} | {
        "device": kind_of(how.get("device"))
    }


def in_words(stack: RunRecord) -> str:
    """A stack, or as much of it as is told, in a line."""
    stack = read_run_record(stack)
    return ", ".join(f"{name} {_shown(name, stack[name])}" for name in RECORDED if stack.get(name) is not None)


def _shown(name: str, value: object) -> str:
    return f"{value / 1e9:.1f} GB" if name == "memory" and isinstance(value, int) else str(value)


def kind_of(name: object) -> str:
    """The kind of a device that was recorded: cpu, mps or cuda."""
    kind = str(name).split(":")[0]
    return kind if kind in DEVICE_KINDS else "cuda"


def device_kind(asked: str | None) -> str:
    """The kind of device that a run would use."""
    return kind_of(asked) if asked else "cuda" if _gpu() else "cpu"


@cache
def versions() -> Mapping[str, str]:
    """The versions of the packages that compute."""
    return {package: _version(package) for package in PACKAGES}


@cache
def machine() -> str:
    """A name for this machine that says nothing about it: eight digits of a digest."""
    try:
        own = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        own = ""
    return hashlib.sha256(f"entrack {own or platform.node()}".encode()).hexdigest()[:8]


@cache
def _gpu() -> bool:
    """Signs of a GPU that torch could use. Where they deceive, a value is at worst computed once more."""
    if "+cpu" in versions()["torch"] or os.environ.get("CUDA_VISIBLE_DEVICES", "0") in ("", "-1"):
        return False
    return any(glob(pattern) for pattern in GPU_FILES)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
