"""The program of a worker on this machine: requests come on its standard input, replies and events go to its standard
output, and what libraries print goes where the run has put its standard error.

It ends when its input ends: so no worker outlives its run, whatever ends that. Ctrl-C is the run's, which ends its
workers itself.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from enum import IntEnum
from queue import SimpleQueue
from threading import Thread


class Kind(IntEnum):
    """What a frame holds."""

    SETTINGS = 1
    HELLO = 2
    REQUEST = 3
    REPLY = 4
    EVENT = 5


HEAD = 9
"""Bytes before a frame's content: its kind, and its length in eight."""
AT_ONCE = 1 << 20


class Ended(Exception):
    """The other side of a pipe is there no more."""


def write(pipe: int, kind: Kind, content: bytes) -> None:
    """Put a frame into a pipe. Raises Ended."""
    left = memoryview(bytes([kind]) + len(content).to_bytes(HEAD - 1) + content)
    try:
        while left:
            left = left[os.write(pipe, left[:AT_ONCE]) :]
    except OSError as error:
        raise Ended from error


def read(pipe: int) -> tuple[Kind, bytes]:
    """Take a frame out of a pipe. Raises Ended."""
    head = _exactly(pipe, HEAD)
    return Kind(head[0]), _exactly(pipe, int.from_bytes(head[1:]))


def _exactly(pipe: int, size: int) -> bytes:
    parts, left = [], size
    while left:
        try:
            part = os.read(pipe, min(left, AT_ONCE))
        except OSError as error:
            raise Ended from error
        if not part:
            raise Ended
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def main() -> None:
    """Live: say who this is, then answer one request after the other."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asked, answers = os.dup(0), os.dup(1)
    silent = os.open(os.devnull, os.O_RDWR)
    os.dup2(silent, 0)
    os.dup2(2, 1)
    try:
        _live(asked, answers)
    except Ended:
        os._exit(0)


def _live(asked: int, answers: int) -> None:
    told = json.loads(read(asked)[1])
    sys.path[:] = told["path"]
    from entrack.workers import message
    from entrack.workers.worker import Settings, Worker, hello

    settings = Settings.heard(told["settings"])
    write(answers, Kind.HELLO, json.dumps(hello(settings)).encode())
    requests: SimpleQueue[bytes] = SimpleQueue()
    Thread(target=_receive, args=(asked, requests), daemon=True).start()
    worker = Worker(settings, lambda event: write(answers, Kind.EVENT, message.event(event)))
    while True:
        write(answers, Kind.REPLY, worker.answer(requests.get()))


def _receive(asked: int, requests: SimpleQueue[bytes]) -> None:
    """Requests as they come; the end of the process when the run has ended, in the middle of a step too."""
    try:
        while True:
            requests.put(read(asked)[1])
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
