"""A run with many workers, none of which computes: whether the order in which steps are begun keeps them busy, by a
virtual clock; and what the coordinator costs, with workers that answer at once.

The study is one discovery of four hops on a model of 24 layers that nobody loads: some 10,000 steps, and each hop waits
for all of the one before.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from importlib.metadata import version
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any

import numpy as np
from attrs import define, field, frozen

from benchmarks.records import Record, machine, ratios
from benchmarks.rounds import Say
from benchmarks.study import ROOT
from entrack import loads
from entrack.execution.coordinator import Coordinator
from entrack.execution.dispatch import Dispatch, Where, behind, where
from entrack.execution.repository import Repository
from entrack.execution.scheduler import Scheduler
from entrack.execution.value_check import Tensors
from entrack.models.key import ModelSource
from entrack.plan.cost import left_of
from entrack.plan.plan import Plan
from entrack.plan.steps import Choice, PathPatch, Step, kind_of
from entrack.sites import Site
from entrack.source import Source
from entrack.store import MemoryStore
from entrack.workers.executor import WorkersExecutor

WORK = "workers"
GPUS = (1, 2, 4, 8)
MANY = 1000
PROMPTS, LAYERS = 5300, 24
SPEC = """entrack 1
include "boxes.et"
model base = local("model")
discover cir in base on {prompts} boxes against scrambled {{
  score relative probability of answer
  group value_fetcher     at last     -> logits                  keep 2
  group position_carrier  at last     -> value_fetcher.query     keep 2
  group query_reader      at query    -> position_carrier.value  keep 2
  group structure_reader  at previous -> query_reader.value      keep 2
}}
measure m = accuracy(base) on 500 boxes
"""
CONFIG = {
    "model_type": "llama",
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "hidden_size": 16,
    "vocab_size": 300,
    "intermediate_size": 8,
    "rms_norm_eps": 1e-6,
}


def workers(size: str, threads: int, say: Say) -> list[Record]:
    """Records of simulated GPUs, and of the coordinator alone."""
    say("workers: the plan")
    plan = study()
    works = {id: left_of(node) for id, node in plan.nodes.items()}
    played = {}
    for many in GPUS:
        say(f"workers: {many} simulated GPUs")
        played[many] = Played.of(plan, works, many)
    records = [_simulated(size, many, one, played[1], threads) for many, one in played.items()]
    for many in (max(GPUS), MANY):
        say(f"workers: the coordinator, {many} workers that answer at once")
        records.append(_cost(size, plan, many, threads))
    return records


def study() -> Plan:
    """The plan of the study; what stands for its model goes again."""
    with tempfile.TemporaryDirectory() as folder:
        specs = Path(shutil.copytree(ROOT / "specs" / "boxes", Path(folder) / "specs"))
        model = specs / "model"
        model.mkdir()
        (model / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
        (model / "model.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
        shutil.copy(ROOT / "entrack" / "builtin" / "boxes-base" / "tokenizer.json", model)
        return loads(Source(str(specs / "workers.et"), SPEC.format(prompts=PROMPTS))).plan().plan


# --- by a virtual clock ----------------------------------------------------------------------------------------------


@frozen
class Played:
    """A run by a virtual clock, in token-layers: how long it takes, the longest path of its steps, all its work, and
    how many clean runs are made, of how many that there are."""

    elapsed: int
    longest: int
    total: int
    clean_runs: int
    batches: int
    steps: int

    @classmethod
    def of(cls, plan: Plan, works: Mapping[str, int], many: int) -> Played:
        clock = _Clock(plan, works, many)
        clock.run()
        own = {id: work for id, work in works.items() if id in clock.done}
        waits = behind(plan, own)
        longest = max((own[id] + waits[id] for id in own), default=0)
        batches = {where(node) for id in own if not isinstance(node := plan.nodes[id], Choice)}
        return cls(clock.now, longest, clock.busy, clock.clean_runs, len(batches), len(own))


@define(eq=False)
class _Gpu:
    last: Where | None = None

    def knows(self, at: Where) -> tuple[bool, bool]:
        last = self.last or ("", "")
        return last[0] == at[0], last == at


@define(eq=False)
class _Clock:
    """GPUs as the processes of a run are given steps: those in hand wait for one that is idle, and it takes what it
    knows rather than others. A batch that it has not had last costs a clean run more."""

    plan: Plan
    works: Mapping[str, int]
    many: int
    now: int = 0
    busy: int = 0
    clean_runs: int = 0
    done: set[str] = field(factory=set)
    _chosen: int = 0

    def run(self) -> None:
        scheduler = Scheduler(self.plan)
        dispatch = Dispatch(scheduler, self.works)
        idle, waiting = [_Gpu() for _ in range(self.many)], list[str]()
        running: list[tuple[int, int, str, _Gpu]] = []
        left: list[Where] = []
        while True:
            held = {self._where(id) for id in (*waiting, *(one[2] for one in running))}
            if len(waiting) + len(running) < self.many + max(1, self.many // 4):
                id = dispatch.take(left[0] if left else None, held)
                if id is not None:
                    begun = self._begun(scheduler, id)
                    waiting += begun
                    left = left[len(begun) :]
                    continue
            while idle and waiting:
                gpu = idle.pop()
                id = max(waiting, key=lambda one: gpu.knows(self._where(one)))
                waiting.remove(id)
                heappush(running, (self.now + self._takes(gpu, id), len(self.done) + len(running), id, gpu))
            if not running:
                return
            self.now, _, id, gpu = heappop(running)
            self.done.add(id)
            left.append(self._where(id))
            scheduler.finish(id, id)
            idle.append(gpu)

    def _begun(self, scheduler: Scheduler, id: str) -> Sequence[str]:
        """A choice is made at once, of late heads, so that the next hop has much to do; a step is in hand, but for one
        that cannot do anything."""
        if isinstance(self.plan.nodes[id], Choice):
            self._chosen += 1
            scheduler.choose(id, [Site.of_head(LAYERS - self._chosen, head) for head in (0, 1)])
            return ()
        scheduler.bind(id)
        return () if scheduler.is_idle(id) else (id,)

    def _takes(self, gpu: _Gpu, id: str) -> int:
        """How long a GPU takes for a step."""
        node, at = self._step(id), self._where(id)
        batch = kind_of(node).batch(node)
        clean = 0 if gpu.last == at or batch is None else batch.prompts * batch.length * node.model.facts.layers
        self.clean_runs += clean > 0
        gpu.last = at
        self.busy += self.works[id] + clean
        return self.works[id] + clean

    def _step(self, id: str) -> Step:
        node = self.plan.nodes[id]
        assert not isinstance(node, Choice)
        return node

    def _where(self, id: str) -> Where:
        return where(self._step(id))


def _simulated(size: str, many: int, one: Played, alone: Played, threads: int) -> Record:
    """`alone` has the work that there is: more clean runs on several GPUs are time lost."""
    over = one.elapsed / max(one.longest, alone.total / many)
    seconds = [float(one.elapsed)]
    return Record(
        work=WORK,
        who=f"{many} simulated GPU{'s' * (many > 1)}",
        size=size,
        sample=f"{one.steps:,} steps, four hops that wait for one another, by a virtual clock: seconds are "
        f"token-layers; {over:.3f} times the larger of the longest path and all work / {many}; {one.clean_runs} clean "
        f"runs of {one.batches} batches",
        units=one.steps,
        seconds=seconds[0],
        **ratios(seconds, None, None),
        rounds=seconds,
        machine=machine("cpu", threads),
        versions={name: version(name) for name in ("torch", "transformers", "nnsight")},
    )


# --- the coordinator alone ------------------------------------------------------------------------------------------


@define(eq=False)
class AtOnce:
    """Workers that answer at once, with numbers that let each hop keep late heads."""

    at_once: int
    _answers: dict[Any, Tensors] = field(factory=dict)

    def compute(
        self, step: Step, inputs: Mapping[str, Tensors], source: ModelSource | None
    ) -> tuple[Tensors, Mapping[str, Any]]:
        layer = step.layer if isinstance(step, PathPatch) else 0
        form = kind_of(step).form(step)
        key = (layer, *((name, array.dtype, array.shape) for name, array in form.items()))
        if key not in self._answers:
            self._answers[key] = {
                name: np.full(array.shape, -layer if name == "log_probability" else 0, array.dtype)
                for name, array in form.items()
            }
        return self._answers[key], {"forwards": 1.0}

    def close(self) -> None:
        """There is nothing to end."""


@frozen
class Cost:
    """Of a run with workers that answer at once: seconds of the processor in this process, and by how many bytes it
    has grown."""

    steps: int
    processor: float
    elapsed: float
    grown: int

    @classmethod
    def of(cls, plan: Plan, many: int) -> Cost:
        repository = Repository(MemoryStore())
        executor = WorkersExecutor(repository, AtOnce(many))
        before, start, processor = _peak(), time.perf_counter(), time.process_time()
        try:
            run = Coordinator(plan, repository, executor)
            run.run()
        finally:
            executor.close()
        took = time.process_time() - processor
        return cls(run.computed, took, time.perf_counter() - start, _peak() - before)


def _cost(size: str, plan: Plan, many: int, threads: int) -> Record:
    """In a fork, so that its memory is its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        cost = Cost.of(plan, many)
        os.write(writing, json.dumps([cost.steps, cost.processor, cost.elapsed, cost.grown]).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        cost = Cost(*json.load(told))
    os.waitpid(child, 0)
    return Record(
        work=WORK,
        who=f"coordinator, {many:,} workers",
        size=size,
        sample=f"{cost.steps:,} steps that take no time, a store in memory: seconds of the processor, all threads of "
        f"the run's process, {cost.processor / cost.steps * 1e3:.2f} ms a step; peak memory is what the run adds",
        units=cost.steps,
        seconds=cost.processor,
        **ratios([cost.processor], None, None),
        rounds=[cost.processor],
        peak_bytes=cost.grown,
        machine=machine("cpu", threads),
        versions={name: version(name) for name in ("torch", "transformers", "nnsight")},
    )


def _peak() -> int:
    return getrusage(RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
