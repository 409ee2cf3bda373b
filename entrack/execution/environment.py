"""The stack: with what a value was computed, or would be here - versions, device, threads - as far as torch need not be
loaded to tell.

What was recorded beside a value comes in as its note (`how`). Here, the versions are those of the installed packages;
the device is what was asked for, or a GPU where there are signs of one, by the name that its driver gives it; threads
are what was asked for, or one for a narrow model. Torch may have to be asked for the name of a GPU, and for `exact`.
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
GPU_MODELS = "/proc/driver/nvidia/gpus/*/information"
"""Where NVIDIA's driver for Linux says, without torch, what its GPUs are called."""
DEVICE_KINDS = ("cpu", "mps")
"""Devices that are recorded as their kind; any other name is that of a GPU."""


@frozen
class Environment:
    """What this process, or its workers, would compute with: `device`, `threads` and `memory` (bytes) as they were
    asked for, None for the engine's choice. `wide_threads` are for models that are not narrow, where several workers
    share the cores and nobody says how many. A model may be placed over `gpus_per_worker`, which changes no number."""

    device: str | None = None
    threads: int | None = None
    memory: int | None = None
    gpus_per_worker: int = 1
    wide_threads: int | None = None

    def told(self, facts: ModelFacts, accept: ReusePolicy) -> dict[str, Any]:
        """What counts under a policy, for a model of this shape."""
        return dict(described({**versions(), **self._place(facts, accept)}, accept))

    def _place(self, facts: ModelFacts, accept: ReusePolicy) -> dict[str, Any]:
        if accept is not ReusePolicy.EXACT:
            return {"device": device_here(self.device)}
        threads = self.threads or (1 if facts.narrow else self.wide_threads)
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
    return {name: ".".join(str(how.get(name)).split(".")[:2]) for name in PACKAGES} | {"device": str(how.get("device"))}


def alike(there: RunRecord, here: RunRecord) -> bool:
    """Whether what counts of a note is what counts here. Where all that can be told of the own device is that it is a
    GPU, by no name, as where workers of other machines compute, any GPU is alike."""
    if here.get("device") == "cuda":
        there = {**there, "device": kind_of(there.get("device"))}
    return there == here


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


def device_here(asked: str | None) -> str:
    """The device that a run would use, as it is recorded: cpu, mps, or the name of a GPU; `cuda` where that cannot be
    told, which is the name of none."""
    kind = device_kind(asked)
    if kind != "cuda" or versions()["torch"] == "none":
        return kind
    names = _gpu_names()
    if len(names) == 1 and "MIG" not in os.environ.get("CUDA_VISIBLE_DEVICES", ""):
        return next(iter(names))
    from entrack.engine.errors import DeviceMissing  # several, a part of one, or one of another driver: torch knows
    from entrack.engine.settings import own_device

    try:
        return own_device(asked)
    except DeviceMissing:
        return kind


@cache
def _gpu_names() -> frozenset[str]:
    """What the GPUs of this machine are called, as far as their driver says so."""
    texts = [Path(path).read_text(encoding="utf-8", errors="replace") for path in glob(GPU_MODELS)]
    lines = (line.partition(":") for text in texts for line in text.splitlines())
    return frozenset(value.strip() for name, _, value in lines if name.strip() == "Model")


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
