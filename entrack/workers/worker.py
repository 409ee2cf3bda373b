"""What runs inside a worker, wherever that is: one engine, made when the first step comes; bytes in, bytes out.

All kinds of workers share this file. A kind brings requests here and replies back, and says what it is to be done with
(`Settings`) and who hears of events.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import asdict, evolve

from entrack.address import file_digest
from entrack.engine.errors import EngineError, OutOfMemory
from entrack.events import Watcher, unwatched
from entrack.execution.environment import Environment, device_kind, machine
from entrack.execution.value_cache import ValueCache
from entrack.execution.value_check import Tensors
from entrack.frozen import frozen
from entrack.models.key import ModelKey, ModelSource
from entrack.models.locate import adapter_files, config_digest, need_files, of_files, on_this_machine
from entrack.models.weight_files import weights_of
from entrack.plan.executor_kind import ExecutorKind
from entrack.plan.schedule import Memory
from entrack.plan.steps import Step
from entrack.system import address_space
from entrack.workers import message
from entrack.workers.errors import WorkerRefused
from entrack.workers.identity import Identity

if TYPE_CHECKING:
    from entrack.engine.engine import Engine
    from entrack.engine.loaded_model import LoadedModel

Stamp = tuple[int, int]
LEAST_ADDRESSES = 1.2e9
"""Bytes that torch, transformers and nnsight map when they are loaded, and some."""


@frozen
class Settings:
    """With what steps are computed: the executor, and device, threads and memory as they were asked for.

    `sharing` is how many workers share the memory for clean runs of one machine; `held_to_digests` says that model
    files are hashed before they are loaded, where they may be others than the run's own process has hashed.
    """

    kind: ExecutorKind = ExecutorKind.OPTIMISED
    environment: Environment = Environment()
    sharing: int = 1
    held_to_digests: bool = False

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def heard(cls, told: Mapping[str, Any]) -> Settings:
        """From JSON."""
        given = {**told, "kind": ExecutorKind(told["kind"]), "environment": Environment(**told["environment"])}
        return cls(**given)


class Computing:
    """An engine, made when the first step comes: torch is imported then and not before. Not for several threads at
    once."""

    def __init__(self, settings: Settings, watcher: Watcher = unwatched) -> None:
        self._settings, self._watcher = settings, watcher
        self._sources: dict[ModelKey, ModelSource] = {}
        self._hashed: dict[tuple[ModelKey, ModelSource], tuple[Stamp, ...]] = {}
        self._engine: Engine | None = None

    def compute(
        self, step: Step, inputs: Mapping[str, Tensors], source: ModelSource | None
    ) -> tuple[Tensors, Mapping[str, Any]]:
        """The value of a bound step, and how it was made. Raises EngineError, ModelMissing."""
        if source is not None:
            self._know(step.model, source)
        self._engine = self._engine or self._made()
        computed = self._engine.compute(step, inputs)
        return computed.tensors, computed.how

    def loaded(self, key: ModelKey, source: ModelSource) -> LoadedModel:
        """A model in memory. Raises EngineError, ModelMissing."""
        self._know(key, source)
        self._engine = self._engine or self._made()
        return self._engine.loaded(key)

    def _know(self, key: ModelKey, source: ModelSource) -> None:
        need_files(source)
        self._sources[key] = self._held(key, source) if self._settings.held_to_digests else source

    def _held(self, key: ModelKey, source: ModelSource) -> ModelSource:
        """Where a model is here. Its files are hashed once, and again when they have changed."""
        here = on_this_machine(source)
        stamps = tuple(map(_stamp, (here.folder / "config.json", *_weights(here), *_adapter(here))))
        if self._hashed.get((key, here)) != stamps:
            _held_to_digests(key, here)
            self._hashed[key, here] = stamps
        return here

    def _made(self) -> Engine:
        _need_surroundings()
        from entrack.engine.engine import Engine

        asked = self._settings.environment
        return Engine(
            self._sources,
            executor=self._settings.kind,
            device=asked.device,
            threads=asked.threads,
            wide_threads=asked.wide_threads,
            gpus_per_worker=asked.gpus_per_worker,
            watcher=self._watcher,
            memory=None if asked.memory is None else Memory.of(asked.memory),
            sharing=self._settings.sharing,
        )


class Worker:
    """A worker of its own: requests in, replies out, as bytes. Nothing is raised: errors are replies too."""

    def __init__(self, settings: Settings, watcher: Watcher = unwatched) -> None:
        self._computing = Computing(settings, watcher)
        self._keeping = ValueCache(settings.environment.memory)

    def answer(self, asked: bytes) -> bytes:
        """The reply to a request (`message.py`)."""
        try:
            wanted = message.requested(asked, self._keeping)
            tensors, how = self._computing.compute(wanted.step, wanted.inputs, wanted.source)
            return message.reply(tensors, {**how, "machine": machine()})
        except Exception as error:
            return message.failure(error)


def hello(settings: Settings) -> dict[str, Any]:
    """Who this worker is, as JSON: what `Identity.told` reads on the other side. Loads no torch.

    Its device is what it was told to use, or another kind where there is no such GPU.
    """
    asked, here = settings.environment.device, device_kind(None)
    there_is_none = asked is not None and device_kind(asked) == "cuda" != here
    return asdict(Identity.own(here if asked is None or there_is_none else asked))


@lru_cache(maxsize=1)
def in_this_process(settings: Settings) -> Worker:
    """The worker of a process that others call into: one for all calls, so that its models stay; another in
    its place where runs come with other settings, whose models would not leave memory else."""
    return Worker(evolve(settings, held_to_digests=True))


def _held_to_digests(key: ModelKey, source: ModelSource) -> None:
    """Raises WorkerRefused where the files of a model here are not those of its key."""
    weights = of_files(map(file_digest, _weights(source)))
    adapter = None if source.adapter is None else of_files(map(file_digest, _adapter(source)))
    if (weights, adapter, config_digest(source.folder)) != (key.weights, key.adapter, key.config):
        raise WorkerRefused(f"{source.description}: the files in {source.folder} are others here than where the run is")


def _weights(source: ModelSource) -> Sequence[Path]:
    return weights_of(source.folder, source.gguf)


def _adapter(source: ModelSource) -> Sequence[Path]:
    return () if source.adapter is None else adapter_files(source.adapter)


def _stamp(path: Path) -> Stamp:
    """What tells that a file has changed: when it was written, in ns, and its bytes."""
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def _need_surroundings() -> None:
    """What torch and transformers cannot do without, and end in their own ways where it is not there. Raises
    EngineError."""
    if sys.flags.optimize > 1:
        raise EngineError(
            "models need the docstrings of Python's modules, which PYTHONOPTIMIZE=2 and -OO leave out: run "
            "without these"
        )
    if address_space() < LEAST_ADDRESSES:
        has = f"this process may have {address_space() / 1e9:.1f} GB: see `ulimit -v`"
        raise OutOfMemory(f"computing needs {LEAST_ADDRESSES / 1e9:g} GB of addresses beside the models, and {has}")
