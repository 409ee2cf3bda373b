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
STUDY, SHAPE = "specs/paper/study.et", "specs/paper/llama-7b"
AGAIN = "plan of the paper's study, again"
CHANGED = "check, of a changed spec"
NOT_SEEN = {CHANGED: {"ENTRACK_CHECKS": ""}}
"""What a command's surroundings say beside those of all: that no check before is known is what a changed text means."""
IMPORTS = "importing lark, attrs, tokenizers"
ENTRACK = "from entrack.cli.main import main; main()"
ROUNDS = 5
KEPT_BY = 2
"""The run after which what a run finds is kept: the first from a full store."""


def instant(size: str, repeats: int, threads: int, say: Say) -> list[Record]:
    """Records of each command: `repeats` times five rounds, in which each has its turn."""
    with tempfile.TemporaryDirectory() as folder:
        commands = _commands(folder)
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), **_kept(folder)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # whoever types a command has typed one before
        say(f"{WORK}: {SPEC} for the first time")
        surroundings = {who: {**environment, **NOT_SEEN.get(who, {})} for who in commands}
        for who, arguments in commands.items():
            for _ in range(KEPT_BY):
                _seconds(arguments, surroundings[who])
        rounds: list[dict[str, float]] = []
        for turn in range(repeats * ROUNDS):
            say(f"{WORK}: round {turn + 1} of {repeats * ROUNDS}")
            rounds.append({who: _seconds(arguments, surroundings[who]) for who, arguments in commands.items()})
    return [_record(size, who, rounds, threads) for who in commands]


def _kept(folder: str) -> Mapping[str, str]:
    """Where checks, figures, prompts and runs are kept: for these rounds alone."""
    return {f"ENTRACK_{name.upper()}": f"{folder}/{name}" for name in ("checks", "figures", "prompts", "runs")}


def _commands(folder: str) -> Mapping[str, Sequence[str]]:
    stored = (SPEC, "--store", f"{folder}/store")
    return {
        IMPORTS: ("import lark, attrs, tokenizers",),
        CHANGED: (ENTRACK, "check", SPEC),
        "check": (ENTRACK, "check", SPEC),
        "run, from the store": (ENTRACK, "run", *stored),
        "run --out, from the store": (ENTRACK, "run", *stored, "--out", f"{folder}/out"),
        "plan, all in the store": (ENTRACK, "plan", *stored),
        AGAIN: (ENTRACK, "plan", STUDY, "--stand-in", SHAPE, "--store", f"{folder}/none"),
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
    sample = f"{STUDY}, 9,134 steps" if who == AGAIN else f"{SPEC}, 100 prompts"
    return Record(
        work=WORK,
        who=who,
        size=size,
        sample=f"{sample}, processor time of the whole process; the floor is {IMPORTS}",
        units=1,
        seconds=median(seconds),
        **ratios(seconds, None, Ratio.of(turn[who] / turn[IMPORTS] for turn in rounds)),
        rounds=seconds,
        machine=machine("cpu", threads),
        versions={name: version(name) for name in ("lark", "attrs", "tokenizers", "matplotlib", "rich")},
    )
