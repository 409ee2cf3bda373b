"""A worker: one contender in a process of its own, told what to do by lines of JSON on stdin, answering on stdout.

    {"do": "prepare", "task": "hop 1"}   ->  {"seconds": 2.1}
    {"do": "run", "turn": 3, "times": 5} ->  {"seconds": 0.3, "peak_bytes": 1000000, "done": {...}}

Seconds are the median of as many `times`.

Standard library and the contender's own packages only: a peer's worker has no entrack.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.busy import Busy
from benchmarks.memory import Peak
from benchmarks.tasks import read

PACKAGES = ("torch", "transformers", "nnsight", "transformer-lens", "pyvene")


class Worker:
    def __init__(self, contender: str, folder: Path, device: str, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self.torch, self.device, self.folder = torch, device, folder
        self.peak: Peak
        self.contender = importlib.import_module(f"benchmarks.contenders.{contender}").Contender(folder, device)

    def prepare(self, task: str, memory: int | None = None) -> dict[str, Any]:
        """Forget the last task, and make the clean runs of this one. From here on memory is counted."""
        given = read(self.folder / "tasks" / f"{task}.json")
        self.contender.memory = memory
        self.contender.forget()
        gc.collect()
        self.peak = Peak(self.device)
        return self._timed(lambda: self.contender.prepare(given))

    def run(self, turn: int, times: int = 1) -> dict[str, Any]:
        runs = [self._timed(lambda: self.contender.run(turn)) for _ in range(times)]
        return {**runs[-1], "seconds": median(run["seconds"] for run in runs)}

    def versions(self) -> dict[str, Any]:
        """What is installed of what matters here, and the device."""
        found = {}
        for package in PACKAGES:
            try:
                found[package] = version(package)
            except PackageNotFoundError:
                continue
        return {"versions": found, "threads": self.torch.get_num_threads()}

    def _timed(self, work: Callable[[], Any]) -> dict[str, Any]:
        with Busy(self.device) as busy:
            start = time.perf_counter()
            done = work()
            if self.device.startswith("cuda"):
                self.torch.cuda.synchronize()
            seconds = time.perf_counter() - start
        if done is not None and done.seconds is not None:
            seconds = done.seconds
        return {
            "seconds": seconds,
            "peak_bytes": self.peak.bytes(),
            "busy": busy.share,
            "done": asdict(done) if done is not None else None,
        }


def main() -> None:
    contender, folder, device, threads = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what packages print is not an answer
    worker = None
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if worker is None:
                worker = Worker(contender, Path(folder), device, int(threads))
            answer = getattr(worker, asked.pop("do"))(**asked)
        except Exception as error:  # the parent says it, and goes on without this contender
            answer = {"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
