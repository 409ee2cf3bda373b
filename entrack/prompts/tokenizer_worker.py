"""Program of the separate process: serves one tokenizer. Run by `entrack/prompts/tokenizer_sandbox.py`, never imported.

It gets the folder that the library lies in as its one argument. On its standard input comes a line of JSON with the
size of the tokenizer.json and the limits, then the file itself, then a line for each question; for each it writes a
line. It ends when nothing more comes, as when the process that asked is gone. When it takes more than it may, the
system ends it.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

EACH = 0.002
"""Seconds of the processor that each question adds to what may be taken."""


def main(folder: str) -> None:
    sys.path.insert(0, folder)
    from tokenizers import Tokenizer

    asked, answered = sys.stdin.buffer, sys.stdout.buffer
    first = json.loads(asked.readline())
    raw = asked.read(first["size"])
    _limit_memory(first["memory"])
    library: Any = None
    for number, question in enumerate(_questions(asked)):
        _limit_time(first["seconds"] + EACH * number)
        try:
            library = library or _read(Tokenizer, raw)
            answer = _answer(library, question)
        except MemoryError:
            os.abort()  # as the library does when it gets no memory
        except BaseException as error:  # the library gives up with a PanicException, which is no Exception
            answer = {"error": str(error)[:200] or type(error).__name__}
        answered.write(json.dumps(answer).encode() + b"\n")
        answered.flush()


def _questions(asked: Any) -> Iterator[dict[str, Any]]:
    """The first is always there: the tokenizer is read."""
    yield {}
    for line in asked:
        yield json.loads(line)


def _read(cls: Any, raw: bytes) -> Any:
    library = cls.from_buffer(raw)
    library.no_truncation()
    library.no_padding()
    return library


def _answer(library: Any, question: dict[str, Any]) -> dict[str, Any]:
    if "text" in question:
        encoding = library.encode(question["text"])
        return {"ids": encoding.ids, "offsets": encoding.offsets}
    if "token" in question:
        return {"word": library.decode([question["token"]], skip_special_tokens=False)}
    return {}


def _limit_memory(most: int) -> None:
    """So many bytes more than the process has now, where the system tells and keeps to it; macOS does not."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    statm = Path("/proc/self/statm")
    if statm.exists():
        size = int(statm.read_text().split()[0]) * resource.getpagesize() + most
        allowed = resource.getrlimit(resource.RLIMIT_AS)[1]
        size = size if allowed == resource.RLIM_INFINITY else min(size, allowed)
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def _limit_time(seconds: float) -> None:
    """Of the processor, since the process began. The signal that comes then ends the process, as nobody catches it."""
    signal.setitimer(signal.ITIMER_PROF, max(0.001, seconds - time.process_time()))


if __name__ == "__main__":
    main(sys.argv[1])
