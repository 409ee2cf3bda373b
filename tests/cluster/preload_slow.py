"""Dask loads this into a worker before it begins: each step takes seconds longer, and the GPUs that it may use are
written down after it."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from entrack.workers import remote

plainly = vars(remote).setdefault("plainly", remote.answer)  # Dask loads this more than once


def slowly(told: Mapping[str, Any], asked: bytes) -> bytes:
    time.sleep(float(os.environ.get("SLOWER", "1")))
    replied: bytes = plainly(told, asked)
    Path(f"visible-{os.getpid()}").write_text(os.environ.get("CUDA_VISIBLE_DEVICES", "unset"))
    return replied


vars(remote)["answer"] = slowly
