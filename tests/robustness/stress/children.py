"""Work in a fork of this process, which may be killed: cheap, and as dead as any process that gets `kill -9`."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable

from attrs import frozen

Tell = Callable[[str], object]
Work = Callable[[Tell], object]
LIMIT = 300
"""Seconds after which a child shows where it is, and ends."""


@frozen
class Ended:
    """How a child ended: its exit status, or minus the signal that ended it; what it told, whole lines; what went
    wrong in it."""

    status: int
    told: tuple[str, ...]
    trouble: str

    @property
    def killed(self) -> bool:
        return self.status == -signal.SIGKILL


def in_a_child(work: Work, kill_after: float | None = None) -> Ended:
    """Run `work` in a child and wait for it; after `kill_after` seconds, kill it."""
    (reading, writing), (grief, grieving) = os.pipe(), os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        _live(work, writing, grieving)
    os.close(writing)
    os.close(grieving)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    told, trouble = _all(reading), _all(grief)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return Ended(status, tuple(line for line in told.split("\n")[:-1]), trouble)


def die() -> None:
    """What a power switch does: nothing is tidied up, no `finally` is reached."""
    os.kill(os.getpid(), signal.SIGKILL)


def _live(work: Work, writing: int, grieving: int) -> None:
    status = 70
    faulthandler.dump_traceback_later(LIMIT, exit=True)
    try:
        work(lambda line: os.write(writing, f"{line}\n".encode()))
        status = 0
    except BaseException:
        os.write(grieving, traceback.format_exc().encode())
    finally:
        os._exit(status)


def _all(reading: int) -> str:
    with os.fdopen(reading, encoding="utf-8") as stream:
        return stream.read()
