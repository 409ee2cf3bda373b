"""Parquet files, read in a process of their own with limits: a small one may stand for any number of bytes, and its
library is not made for files of strangers. The rows come as JSON Lines.

The process runs `parquet_worker.py` and ends when it has answered.
"""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

from entrack import budget, separate_process

WORKER = Path(__file__).with_name("parquet_worker.py")
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
SECONDS, MEMORY = 20.0, 512 << 20
"""Of the processor, and bytes."""
WAIT = 60.0
"""Seconds of the clock."""


class NoParquet(Exception):
    """A Parquet file cannot be read; the message says why, `help` what to do."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.help = help


def json_lines_of(raw: bytes) -> str:
    """The rows of a Parquet file, an object a line. Raises NoParquet."""
    limits = {"rows": budget.ROWS.most, "bytes": budget.FILE_BYTES.most, "memory": MEMORY, "seconds": SECONDS}
    told = _answer(_started(), json.dumps(limits).encode() + b"\n" + raw)
    text = told.decode("utf-8", "replace")
    last = text[text.rfind("\n", 0, -1) + 1 :]
    if last.startswith("["):
        raise NoParquet(f"it is no Parquet file, or too large a one: {json.loads(last)[0]}", "save it again")
    return text


def _answer(process: subprocess.Popen[bytes], question: bytes) -> bytes:
    try:
        told, _ = process.communicate(question, timeout=WAIT)
    except subprocess.TimeoutExpired:
        raise NoParquet(f"reading it takes more than {WAIT:g} s", "keep only the rows that the spec needs") from None
    finally:
        process.kill()
        process.wait()
    if process.returncode not in (0, -signal.SIGKILL):
        raise NoParquet("reading it takes more time or memory than it may", "keep only the rows that the spec needs")
    return told


def _started() -> subprocess.Popen[bytes]:
    try:
        return separate_process.started(WORKER, "pyarrow", ENVIRONMENT)
    except separate_process.NoLibrary:
        why = "Parquet is read with pyarrow, which is not here"
        raise NoParquet(why, 'write `pip install "entrack[parquet]"`') from None
    except OSError as error:
        raise NoParquet(f"its process cannot be started: {error.strerror}", "save it as CSV") from None
