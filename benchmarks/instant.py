"""What is known costs nothing: short commands as processes of their own, in processor time, beside a Python that does
no more than import the parser, attrs and the tokenizers."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from statistics import median

from benchmarks.crew import Failed
from benchmarks.records import Ratio, Record, machine, ratios
from benchmarks.rounds import Say
from benchmarks.study import ROOT

WORK = "instant"
SPEC = "specs/quickstart.et"
IMPORTS = "importing lark, attrs, tokenizers"
ENTRACK = "from entrack.cli.main import main; main()"
ROUNDS = 5


def instant(size: str, repeats: int, threads: int, say: Say) -> list[Record]:
    """Records of each command: `repeats` times five rounds, in which each has its turn."""
    with tempfile.TemporaryDirectory() as folder:
        commands = _commands(folder)
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "ENTRACK_FIGURES": f"{folder}/figures"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # whoever types a command has typed one before
        say(f"{WORK}: {SPEC} for the first time")
        for arguments in commands.values():
            _seconds(arguments, environment)
        rounds: list[dict[str, float]] = []
        for turn in range(repeats * ROUNDS):
            say(f"{WORK}: round {turn + 1} of {repeats * ROUNDS}")
            rounds.append({who: _seconds(arguments, environment) for who, arguments in commands.items()})
    return [_record(size, who, rounds, threads) for who in commands]


def _commands(folder: str) -> Mapping[str, Sequence[str]]:
    stored = (SPEC, "--store", f"{folder}/store")
    return {
        IMPORTS: ("import lark, attrs, tokenizers",),
        "check": (ENTRACK, "check", SPEC),
        "run, from the store": (ENTRACK, "run", *stored),
        "run --out, from the store": (ENTRACK, "run", *stored, "--out", f"{folder}/out"),
        "plan, all in the store": (ENTRACK, "plan", *stored),
    }


def _seconds(code: Sequence[str], environment: Mapping[str, str]) -> float:
    """The processor time of a Python that runs some code with arguments. Raises Failed."""
    process = subprocess.Popen(
        [sys.executable, "-c", *code],
        cwd=ROOT,
        env=dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise Failed(f"{' '.join(code[1:])} ended with status {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def _record(size: str, who: str, rounds: Sequence[Mapping[str, float]], threads: int) -> Record:
    seconds = [turn[who] for turn in rounds]
    return Record(
        work=WORK,
        who=who,
        size=size,
        sample=f"{SPEC}, 100 prompts, processor time of the whole process; the floor is {IMPORTS}",
        units=1,
        seconds=median(seconds),
        **ratios(seconds, None, Ratio.of(turn[who] / turn[IMPORTS] for turn in rounds)),
        rounds=seconds,
        machine=machine("cpu", threads),
        versions={name: version(name) for name in ("lark", "attrs", "tokenizers", "matplotlib", "rich")},
    )
