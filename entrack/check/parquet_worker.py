"""Program of the separate process that reads a Parquet file. Run by `entrack/check/parquet_process.py`, never imported.

It gets the folder that pyarrow lies in as its one argument. On its standard input comes a line of JSON with the
limits, then the file. It writes a line of JSON for each row, an object, and where something is wrong a list with what
it is. When it takes more than it may, the system ends it.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROWS_AT_ONCE = 256


def main(folder: str) -> None:
    sys.path.insert(0, folder)
    import pyarrow
    from pyarrow import parquet

    asked, answered = sys.stdin.buffer, sys.stdout.buffer
    limits = json.loads(asked.readline())
    raw = asked.read()
    _limit(limits["memory"], limits["seconds"])
    written = 0
    try:
        for line in _rows(parquet.ParquetFile(pyarrow.BufferReader(raw)), limits["rows"]):
            written += len(line)
            if written > limits["bytes"]:
                raise ValueError(f"its rows have more than {limits['bytes']:,} bytes")
            answered.write(line)
    except MemoryError:
        os.abort()
    except Exception as error:  # pyarrow's own, which are many
        answered.write(json.dumps([str(error)[:200] or type(error).__name__]).encode() + b"\n")
    answered.flush()


def _rows(file: Any, most: int) -> Iterator[bytes]:
    """A line for each row: texts and numbers as they are, anything else as null."""
    if file.metadata.num_rows > most:
        raise ValueError(f"it has more than {most:,} rows")
    for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, use_threads=False):
        for row in batch.to_pylist():
            plain = {name: value if type(value) in (str, int, float) else None for name, value in row.items()}
            yield json.dumps(plain, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _limit(memory: int, seconds: float) -> None:
    """So many bytes more than the process has now, where the system keeps to it, and seconds of the processor."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    statm = Path("/proc/self/statm")
    if statm.exists():
        size = int(statm.read_text().split()[0]) * resource.getpagesize() + memory
        allowed = resource.getrlimit(resource.RLIMIT_AS)[1]
        size = size if allowed == resource.RLIM_INFINITY else min(size, allowed)
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    signal.setitimer(signal.ITIMER_PROF, seconds)


if __name__ == "__main__":
    main(sys.argv[1])
