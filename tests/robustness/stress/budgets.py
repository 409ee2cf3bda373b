"""Specs that ask for much, each in a child with limits: `check`, `fmt` and `plan` end in good time, or name the
limit that they stop at."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import re
import resource
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from stress import bombs
from stress.children import Tell, in_a_child
from stress.tried import Tally, Tried

SECONDS = 5.0
"""Of the processor, for one command."""
BYTES = 500 * 10**6
"""That a command may take beside what the process had."""
HARD_SECONDS, HARD_BYTES = 20, 3 * 10**9
"""Where a child is stopped by the system: it has failed then."""
LONGEST = 1 << 20
"""Characters of what is said to a person."""
LIMIT = re.compile(r"(error|warning)\[E70[0-9]\]|a limit of work")
COMMANDS = ("check", "fmt", "plan")


@frozen
class Cost:
    """What a command took, how it ended, and what it said."""

    seconds: float
    bytes: int
    status: int
    said: str
    trouble: str = ""

    @property
    def named(self) -> bool:
        """Whether a limit is named in what was said."""
        return LIMIT.search(self.said) is not None


def measured(command: str, spec: Path, *options: str) -> Cost:
    """Run a command in a child of this process, with limits on its time and memory."""
    ended = in_a_child(lambda tell: _work(tell, [command, str(spec), *options]))
    if not ended.told:
        return Cost(HARD_SECONDS, 0, ended.status, "", ended.trouble or f"the child was stopped ({ended.status})")
    told = json.loads(ended.told[-1])
    return Cost(told["seconds"], told["bytes"], told["status"], told["said"], ended.trouble)


def wrong(cost: Cost, seconds: float = SECONDS) -> str | None:
    """What is wrong with how a command behaved; None where it kept its promise."""
    if cost.trouble or "Traceback" in cost.said or cost.status not in (0, 1, 2, 3):
        return f"status {cost.status}: {(cost.trouble or cost.said)[-300:]}"
    if len(cost.said) > LONGEST:
        return f"{len(cost.said):,} characters are said"
    if (cost.seconds > seconds or cost.bytes > BYTES) and not cost.named:
        return f"{cost.seconds:.1f} s and {cost.bytes / 1e6:.0f} MB, and no limit is named"
    return None


def bombs_drawn(count: int, seed: int, folder: Path) -> Tried:
    """`count` specs drawn from the bombs, each through `check`, `fmt` and `plan`."""
    warm()
    tally, slowest, most, stopped, unnamed, which = Tally(), 0.0, 0, 0, 0.0, ""
    for number in range(count):
        here = folder / str(number)
        here.mkdir()
        what, text = bombs.drawn(random.Random(f"{seed} {number}"), here)
        (here / "bomb.et").write_text(text)
        for command in COMMANDS:
            cost = measured(command, here / "bomb.et", *(["--store", str(here / "store")] if command == "plan" else []))
            with tally.case(f"{command}, bomb {number} of seed {seed}: {what}"):
                assert (said := wrong(cost, HARD_SECONDS)) is None, said
            if not cost.named and cost.seconds > unnamed:
                unnamed, which = cost.seconds, f"{command}, bomb {number}: {what}"
            slowest, most, stopped = max(slowest, cost.seconds), max(most, cost.bytes), stopped + cost.named
        shutil.rmtree(here)
    tally.figure(f"the slowest that names no limit took {unnamed:.2f} s of CPU ({which})", unnamed, SECONDS)
    tally.notes.append(
        f"{stopped} stopped at a limit that they name; the slowest took {slowest:.2f} s of CPU, the "
        f"largest {most / 1e6:.0f} MB"
    )
    return tally.tried


def warm() -> None:
    """What every child needs is imported once, here."""
    import entrack.cli.plans
    import entrack.plan.lower.program
    import entrack.prompts.tokenizer
    import entrack.store.disk  # noqa: F401
    from entrack.cli.app import app  # noqa: F401
    from entrack.syntax.grammar import parser

    parser()


def _work(tell: Tell, arguments: Sequence[str]) -> None:
    from entrack.cli.main import main

    said, status, before, start = io.StringIO(), 0, _bound(), time.process_time()

    def report(status: int) -> None:
        taken = time.process_time() - start
        tell(
            json.dumps(
                {
                    "seconds": taken,
                    "bytes": _status("VmHWM") - before,
                    "status": status,
                    "said": said.getvalue()[: LONGEST + 1],
                }
            )
        )

    def late(*_: object) -> None:
        if LIMIT.search(said.getvalue()):  # a long plan that says so is not waited for
            report(0)
            os._exit(0)

    signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, SECONDS, 1.0)
    sys.argv = ["entrack", *arguments]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        try:
            main()
        except SystemExit as leaving:
            status = int(leaving.code or 0)
    report(status)


def _bound() -> int:
    """Limits on this process. -> the bytes that it has now"""
    Path("/proc/self/clear_refs").write_text("5")
    resource.setrlimit(resource.RLIMIT_CPU, (HARD_SECONDS, HARD_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (_status("VmSize") + HARD_BYTES,) * 2)
    signal.signal(signal.SIGXCPU, lambda *_: os._exit(99))
    return _status("VmRSS")


def _status(what: str) -> int:
    found = re.search(rf"{what}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found.group(1)) << 10
