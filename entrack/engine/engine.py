"""The engine: a bound step and the values it needs go in, its tensors come out, with how they were made."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from threading import RLock

import numpy as np
import torch
from attrs import frozen

from entrack import interrupts
from entrack.engine import optimised, reference
from entrack.engine.activation_cache import ActivationCache
from entrack.engine.context import Context
from entrack.engine.errors import EngineError, ModelUnreadable, OutOfMemory, PrecisionMissing
from entrack.engine.inputs import Inputs
from entrack.engine.load import load
from entrack.engine.loaded_model import LoadedModel
from entrack.engine.memory import default_memory, device_memory, fits
from entrack.engine.settings import chosen_devices, deterministic, device_name, is_no_kernel, is_out_of_memory
from entrack.error_text import reason
from entrack.events import ModelLoading, Watcher, unwatched
from entrack.models.key import DTYPES, ModelKey, ModelSource
from entrack.plan.executor_kind import ExecutorKind
from entrack.plan.expand import expand
from entrack.plan.passes import PASSES, Pass, optimise
from entrack.plan.placement import DoesNotFit, placed, weights_of
from entrack.plan.schedule import A_PASS, ON_A_GPU, Memory, layer_flops
from entrack.plan.steps import Step, TrainMask

EXECUTORS: Mapping[ExecutorKind, Mapping[type, reference.Kernel]] = {
    ExecutorKind.OPTIMISED: optimised.KERNELS,
    ExecutorKind.REFERENCE: reference.KERNELS,
}

ALONE = RLock()
"""One step at a time in a process: torch's settings, and what nnsight knows of a pass, are the process's."""
MORE_ROOM = "give it more GPUs (--gpus-per-worker), less to remember (--memory), or name dtype = bfloat16"


@frozen(eq=False)
class Computed:
    """A step's tensors by name, and how they were made: versions, device, kernel, seconds, work (JSON)."""

    tensors: dict[str, np.ndarray]
    how: dict[str, str | int | float]


class Engine:
    """Computes bound steps. Keeps at most `resident` models in memory, those used last and as many as fit, and clean
    runs within `memory`.

    `device` is "cpu", "cuda", "cuda:1" ..., or None for a GPU if there is one; a model that it has no room for is
    placed over `gpus_per_worker` of them. `threads` None is one for a narrow model and `wide_threads` for any other,
    where None leaves torch's number. `sharing` is how many engines share the memory for clean runs: each remembers so
    much less, and computes the same bits.
    `memory` (None: half of what the machine or its GPU has, shared out) also bounds a batched pass and decides which
    rows run together, so it is part of what gives the same bits; `passes` are the compiler's, which the reference
    executor does without. Not for use by several threads at once.
    """

    def __init__(
        self,
        sources: Mapping[ModelKey, ModelSource],
        *,
        executor: ExecutorKind = ExecutorKind.OPTIMISED,
        device: str | None = None,
        threads: int | None = None,
        wide_threads: int | None = None,
        sharing: int = 1,
        resident: int = 2,
        watcher: Watcher = unwatched,
        memory: Memory | None = None,
        passes: Sequence[Pass] = PASSES,
        gpus_per_worker: int = 1,
    ) -> None:
        self.executor = ExecutorKind(executor)
        self.devices = chosen_devices(device, gpus_per_worker)
        self.device = self.devices[0]
        self.threads, self.wide_threads = threads, wide_threads
        self._sources = sources
        self._resident = max(1, resident)
        self._watcher = watcher
        self._memory = memory or Memory.of(
            default_memory(self.device), ON_A_GPU if self.device.type == "cuda" else A_PASS
        )
        self._passes = passes if self.executor is ExecutorKind.OPTIMISED else ()
        self._activations = ActivationCache(self._memory.kept // sharing)
        self._loaded: OrderedDict[ModelKey, LoadedModel] = OrderedDict()
        self._at_work = False
        """Whether a call was broken off, wherever that was: what is in memory may then be in the middle of
        something."""

    @interrupts.watched()
    def compute(self, step: Step, inputs: Inputs) -> Computed:
        """The value of a bound step, whose `Ref`s are keys of `inputs`. Raises EngineError, or KeyboardInterrupt."""
        kernel = EXECUTORS[self.executor].get(type(step))
        if kernel is None:
            raise EngineError(f"the {self.executor} executor does not know a step of this kind")
        with ALONE:
            return self._alone(kernel, step, inputs)

    def _alone(self, kernel: reference.Kernel, step: Step, inputs: Inputs) -> Computed:
        if self._at_work:
            self.forget()
        self._at_work = True
        try:
            computed = self._tried(kernel, step, inputs)
        except Exception as error:
            interrupts.check()  # it may have been made of an interrupt
            self._at_work = not isinstance(error, EngineError)  # which comes between passes
            raise
        except BaseException:
            self.forget()  # an interrupted pass may leave a module tree in the middle of it
            raise
        self._at_work = False
        return computed

    def _tried(self, kernel: reference.Kernel, step: Step, inputs: Inputs) -> Computed:
        """The value of a step, or that of a sparing way where memory has run out."""
        try:
            return self._computed(kernel, step, inputs)
        except OutOfMemory:
            pass
        except (RuntimeError, MemoryError) as error:
            if is_no_kernel(error):
                raise PrecisionMissing(_no_kernel(step, self.device, error)) from error
            if not is_out_of_memory(error):
                raise
        return self._sparingly(step, inputs)

    def _sparingly(self, step: Step, inputs: Inputs) -> Computed:
        """The step by full passes on as many prompts as fit, nothing remembered: memory has run out. Raises
        OutOfMemory."""
        self.forget()
        try:
            return self._computed(EXECUTORS[ExecutorKind.REFERENCE][type(step)], step, inputs, sparing=True)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            self.forget()
            raise OutOfMemory(_too_large(step, self.device)) from error

    def _computed(self, kernel: reference.Kernel, step: Step, inputs: Inputs, *, sparing: bool = False) -> Computed:
        with deterministic(self.threads or (1 if step.model.facts.narrow else self.wide_threads)):
            written = expand(step, self._memory)
            schedule = optimise(written, self._passes)
            context = Context(
                step,
                self.loaded(step.model),
                ActivationCache(0) if sparing else self._activations,
                schedule,
                whole_runs=self.executor is ExecutorKind.OPTIMISED and not sparing,
            )
            threads, start = torch.get_num_threads(), time.perf_counter()
            tensors = kernel(context, step, inputs)
            seconds = time.perf_counter() - start
        work = context.forwards * written.token_layers_each
        return Computed(
            tensors,
            {
                **self._how(kernel, threads, seconds, context.forwards),
                "token_layers": work,
                "layer_flops": layer_flops(step.model.facts),
            },
        )

    def forget(self) -> None:
        """Let go of all models and clean runs; they are loaded again when they are asked for."""
        self._loaded.clear()
        self._activations.clear()

    def loaded(self, key: ModelKey) -> LoadedModel:
        """A model in memory, read from its files where it is not. Raises EngineError."""
        if key in self._loaded:
            self._loaded.move_to_end(key)
            return self._loaded[key]
        if key not in self._sources:
            raise ModelUnreadable("a step asks for a model whose files are not known")
        source, places = self._sources[key], self.places(key)
        while self._loaded and (len(self._loaded) >= self._resident or not self._has_room(key, source, places)):
            self._loaded.popitem(last=False)
        self._watcher(ModelLoading(source.description, done=False))
        try:
            self._loaded[key] = load(key, source, self.device, places)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise OutOfMemory(f"{source.description} does not fit into the memory of {self.device}") from error
        self._watcher(ModelLoading(source.description, done=True))
        return self._loaded[key]

    def places(self, key: ModelKey) -> tuple[torch.device, ...]:
        """Where the layers of a model stand whose files are known. Raises OutOfMemory; reads no weight."""
        if self.device.type != "cuda" and len(self.devices) == 1:
            return (self.device,) * key.facts.layers
        rooms = [device_memory(device) for device in self.devices]
        try:
            numbers = placed(weights_of(key.facts, key.dtype), rooms, self._memory.budget)
        except DoesNotFit as error:
            raise OutOfMemory(
                f"{self._sources[key].description} in {key.dtype} has no room: {error}: {MORE_ROOM}"
            ) from None
        return tuple(self.devices[number] for number in numbers)

    def _has_room(self, key: ModelKey, source: ModelSource, places: tuple[torch.device, ...]) -> bool:
        """Whether a model may be loaded beside those in memory: all on the home device, and as far as is known."""
        stand = {place for model in self._loaded.values() for place in model.places} | set(places)
        return stand == {self.device} and fits(source, key, self.device)

    def _how(
        self, kernel: reference.Kernel, threads: int, seconds: float, forwards: float
    ) -> dict[str, str | int | float]:
        return {
            **_versions(),
            "device": device_name(self.device),
            "threads": threads,
            "memory": self._memory.budget,
            "executor": self.executor.value,
            "kernel": f"{kernel.__module__.removeprefix('entrack.engine.')}.{kernel.__name__}",
            "seconds": seconds,
            "forwards": forwards,
        }


def _too_large(step: Step, device: torch.device) -> str:
    """What does not fit even in its smallest piece, and what can be done. How many prompts a mask is trained on at
    once, the spec says."""
    others = (
        "end what else uses it, name a smaller number type (dtype = bfloat16), shorten the prompts, or "
        "run with --device cpu"
    )
    if not isinstance(step, TrainMask):
        return (
            f"a forward pass on one prompt of {step.batch.length} tokens does not fit into the memory of "
            f"{device}: {others}"
        )
    batches = [batch for pair in (*step.train, *step.validate) for batch in (pair.original, pair.alternate)]
    largest = max(batches, key=lambda batch: batch.prompts * batch.length)
    return (
        f"training a mask on {largest.prompts} prompts of {largest.length} tokens does not fit into the "
        f"memory of {device}: give it a smaller `batch`, {others}"
    )


def _no_kernel(step: Step, device: torch.device, error: BaseException) -> str:
    """What torch has not, and what can be done."""
    others = " or ".join(f"dtype = {one}" for one in DTYPES if one != step.model.dtype)
    return (
        f"torch {torch.__version__} cannot compute a model in {step.model.dtype} on {device}: name another number type "
        f"({others}), or take another --device. It said: {reason(error)}"
    )


@cache
def _versions() -> dict[str, str]:
    return {package: version(package) for package in ("torch", "transformers", "nnsight")}
