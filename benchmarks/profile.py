"""Where the time of a piece of work goes: torch's operations and Python's functions, of ours and of the floor beside
it."""

from __future__ import annotations

import cProfile
import importlib
import pstats
from collections.abc import Sequence
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.tasks import read

LINES = 22


def profiled(folder: Path, row: str, contenders: Sequence[str], device: str, threads: int) -> str:
    """A text: for each contender the operations that take most time, then its functions. The first turn, which makes
    clean runs, is left out."""
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    task, texts = read(folder / "tasks" / f"{row}.json"), []
    for name in contenders:
        contender = importlib.import_module(f"benchmarks.contenders.{name}").Contender(folder, device)
        contender.forget()
        contender.prepare(task)
        contender.run(0)
        texts.append(
            f"{row}, {name}: operations\n{operations(contender, device)}\n{row}, {name}: "
            f"functions\n{functions(contender)}"
        )
    return "\n".join(texts)


def operations(contender: object, device: str) -> str:
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device.startswith("cuda") else [])]
    with profile(activities=activities) as seen:
        contender.run(1)  # type: ignore[attr-defined]
    key = "self_cuda_time_total" if device.startswith("cuda") else "self_cpu_time_total"
    return seen.key_averages().table(sort_by=key, row_limit=LINES, max_name_column_width=44)


def functions(contender: object) -> str:
    profiler = cProfile.Profile()
    profiler.runcall(contender.run, 2)  # type: ignore[attr-defined]
    stats = pstats.Stats(profiler)
    rows = sorted(stats.stats.items(), key=lambda row: -row[1][2])[:LINES]  # type: ignore[attr-defined]
    total = sum(row[2] for row in stats.stats.values())  # type: ignore[attr-defined]
    lines = [
        f"{own:8.4f} s {own / total:6.1%} {calls:8} calls  {Path(file).name}:{line} {function}"
        for (file, line, function), (_, calls, own, *_) in rows
    ]
    return "\n".join(lines)
