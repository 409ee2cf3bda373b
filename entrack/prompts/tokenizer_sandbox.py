"""A tokenizer in a separate process with limits, for files whose cost or safety the static analysis cannot bound.

The process runs `tokenizer_worker.py`, reads one tokenizer and answers questions; its messages go nowhere. It ends with
the `Apart` that started it, and by itself when its input ends.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
import weakref
from pathlib import Path
from threading import Lock
from typing import IO, Any

from entrack import separate_process
from entrack.prompts.bad_tokenizer import BadTokenizer

WORKER = Path(__file__).with_name("tokenizer_worker.py")
ENVIRONMENT = {"TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1"}
SECONDS, MEMORY = 2.0, 300 << 20
"""Of the processor, and bytes, for a file of up to `SMALL` bytes."""
SMALL, SECONDS_EACH, MEMORY_EACH = 4 << 20, 0.25, 24 << 20
"""What each MiB more allows: a vocabulary of 250,000 pieces has 14 MiB."""
WAIT = 60.0
"""Seconds of the clock for one answer: a process that is stopped uses none of the processor's."""


def allowed(size: int) -> tuple[float, int]:
    """Seconds of the processor, and bytes of memory, that a file of so many bytes may take."""
    more = max(0, size - SMALL) / (1 << 20)
    return SECONDS + SECONDS_EACH * more, int(MEMORY + MEMORY_EACH * more)


class Apart:
    """A tokenizer.json that is read and used in another process. Raises BadTokenizer when it is made and whenever it
    is asked."""

    def __init__(self, raw: bytes, what: str) -> None:
        self._seconds, self._memory = allowed(len(raw))
        self._what, self._ended, self._lock = what, "", Lock()
        self._process = _start(what)
        self._end = weakref.finalize(self, _end, self._process)
        limits = {"size": len(raw), "memory": self._memory, "seconds": self._seconds}
        self._ask(json.dumps(limits).encode() + b"\n" + raw)

    def encode(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Token ids, and where each token's characters begin and end."""
        said = self._ask(json.dumps({"text": text}).encode() + b"\n")
        return said["ids"], [(start, end) for start, end in said["offsets"]]

    def word(self, token: int) -> str:
        return str(self._ask(json.dumps({"token": token}).encode() + b"\n")["word"])

    def _ask(self, question: bytes) -> dict[str, Any]:
        with self._lock:
            if self._ended:
                raise BadTokenizer(f"{self._what} {self._ended}")
            try:
                said: dict[str, Any] = json.loads(self._answer(question))
            except BaseException as error:  # Ctrl-C too: an answer that nobody took would be the next question's
                self._ended = str(error) if isinstance(error, _Ended) else "was given up"
                self._end()
                if isinstance(error, _Ended):
                    raise BadTokenizer(f"{self._what} {self._ended}") from None
                raise
        if "error" in said:
            raise BadTokenizer(f"{self._what} fails: {said['error']}")
        return said

    def _answer(self, question: bytes) -> bytes:
        """The line that the process writes to a question. Raises _Ended when it ends instead."""
        try:
            _pipe(self._process.stdin).write(question)
            _pipe(self._process.stdin).flush()
            return self._line(_pipe(self._process.stdout).fileno())
        except BrokenPipeError:
            raise _Ended(self._why()) from None

    def _line(self, output: int) -> bytes:
        until, parts = time.monotonic() + WAIT, [b""]
        while not parts[-1].endswith(b"\n"):
            if not select.select([output], [], [], max(0.0, until - time.monotonic()))[0]:
                raise _Ended(f"does not answer within {WAIT:g} s")
            part = os.read(output, 1 << 16)
            if not part:
                raise _Ended(self._why())
            parts.append(part)
        return b"".join(parts)

    def _why(self) -> str:
        """What ended the process: the signal of the processor's limit, or what the library does when it gets no
        memory."""
        status = self._process.wait(WAIT)
        if status == -signal.SIGPROF:
            return f"takes more than {self._seconds:g} s of the processor"
        if status in (-signal.SIGABRT, -signal.SIGKILL):
            return f"takes more than {self._memory / 1e9:.2g} GB of memory"
        return f"ends the process that uses it (status {status})"


class _Ended(Exception):
    """The process has ended, or was stopped; the message says why."""


def _start(what: str) -> subprocess.Popen[bytes]:
    try:
        return separate_process.started(WORKER, "tokenizers", ENVIRONMENT)
    except separate_process.NoLibrary:
        raise BadTokenizer(f"{what} needs a process of its own, and Python cannot be started here") from None
    except OSError as error:
        raise BadTokenizer(f"{what} needs a process of its own, which cannot be started: {error.strerror}") from None


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        try:
            _pipe(pipe).close()
        except BrokenPipeError:  # a question that was not read any more
            continue


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe
