"""What Dask loads into the worker of a job (`--preload`): when the job is to end, its nanny says goodbye for it.

Slurm asks every process of a job to terminate (SIGTERM). A worker that ended at once would be lost to its step; its
nanny has it close, and that says why.
"""

from __future__ import annotations

import signal
from typing import Any


def dask_setup(worker: Any) -> None:
    """In the worker's main thread. One without a nanny ends as it does."""
    if worker.nanny:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
