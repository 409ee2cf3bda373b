"""A study from its text to its report, as a process of its own: by both executors from an empty store, and again
from a full one."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

from attrs import frozen

from benchmarks.crew import Failed
from benchmarks.records import Ratio, Record, machine, ratios
from benchmarks.rounds import Say

ROOT = Path(__file__).parents[1]
RUN = """
import sys
from entrack.cli.main import main
try:
    main()
finally:
    print("torch" in sys.modules, file=sys.stderr)
"""
"""The `entrack` command; and whether torch was imported, as the last line that it says."""
STORED = "ours, from the store"


@frozen
class Ran:
    """A run; `processor` are the seconds in which it computed."""

    seconds: float
    peak_bytes: int
    torch: bool
    processor: float


def study(
    size: str, spec: Path, options: Sequence[str], plain: bool, repeats: int, threads: int, say: Say
) -> list[Record]:
    """Rounds of: ours from an empty store, plain likewise if asked for, ours from the store that was just filled."""
    runs: dict[str, list[Ran]] = {}
    for turn in range(1, repeats + 1):
        with tempfile.TemporaryDirectory() as folder:
            for who, more in {"ours": (), **({"plain": ("--reference",)} if plain else {}), STORED: ()}.items():
                say(f"study, {spec.name}: round {turn} of {repeats}, {who}")
                runs.setdefault(who, []).append(
                    run([str(spec), "--store", f"{folder}/{'plain' if more else 'ours'}", *options, *more], threads)
                )
    return [_record(size, spec, options, who, runs, threads) for who in runs]


def run(arguments: Sequence[str], threads: int) -> Ran:
    """`entrack run` with these arguments. Raises Failed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-c", RUN, "run", *arguments, "--threads", str(threads)]
    with tempfile.TemporaryFile("w+") as said:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        words = said.read().split("\n")
    if process.returncode:
        raise Failed(
            f"entrack run {' '.join(arguments)} ended with status {process.returncode}: {' '.join(words[-4:])}"
        )
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Ran(seconds, peak, words[-2] == "True", usage.ru_utime + usage.ru_stime)


def _record(
    size: str, spec: Path, options: Sequence[str], who: str, runs: dict[str, list[Ran]], threads: int
) -> Record:
    own = [one.seconds for one in runs[who]]
    plain = runs.get("plain")
    torch = "torch imported" if any(one.torch for one in runs[who]) else "torch never imported"
    return Record(
        work=f"study {spec.stem}",
        who=who,
        size=size,
        sample=f"{spec.relative_to(ROOT)} {' '.join(options)}, the whole process; {torch}; peak memory is all of "
        "the process's",
        units=1,
        seconds=median(own),
        **ratios(own, Ratio.of(a.seconds / b for a, b in zip(plain, own, strict=True)) if plain else None, None),
        rounds=own,
        peak_bytes=max(one.peak_bytes for one in runs[who]),
        machine=machine("cpu", threads),
        versions={name: version(name) for name in ("torch", "transformers", "nnsight")},
    )
