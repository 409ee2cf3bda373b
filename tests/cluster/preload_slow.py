"""Dask loads this into a worker before it begins: each step takes seconds longer, until there is a file `quick`.
`begun-PID` is there once it has one in hand, and the GPUs that it may use are written down after it."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from entrack.workers import remote

plainly = vars(remote).setdefault("plainly", remote.answer)  # Dask loads this more than once


def slowly(told: Mapping[str, Any], asked: bytes) -> bytes:
    Path(f"begun-{os.getpid()}").touch()
    until = time.monotonic() + float(os.environ.get("SLOWER", "1"))
    while time.monotonic() < until and not Path("quick").exists():
        time.sleep(0.05)
    replied: bytes = plainly(told, asked)
    Path(f"visible-{os.getpid()}").write_text(os.environ.get("CUDA_VISIBLE_DEVICES", "unset"))
    return replied


vars(remote)["answer"] = slowly
