"""Peak memory of some work in this process: on a GPU what torch had, else what the kernel saw, beyond what was there
before."""

from __future__ import annotations

import ctypes
import resource
import sys
from contextlib import suppress
from pathlib import Path

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Peak:
    """From its making on: `bytes` is the most that was held since, less what was held then."""

    def __init__(self, device: str) -> None:
        self.device = device
        if device.startswith("cuda"):
            import torch

            torch.cuda.reset_peak_memory_stats()
            self.before = torch.cuda.memory_allocated()
        elif STATUS.is_file():
            ctypes.CDLL(None).malloc_trim(
                0
            )  # what earlier work freed is given back, or it would hide what this work takes
            with suppress(OSError):
                CLEAR.write_text("5")  # the kernel forgets the highest mark
            self.before = _status("VmRSS")
        else:
            self.before = _most()

    def bytes(self) -> int:
        if self.device.startswith("cuda"):
            import torch

            return torch.cuda.max_memory_allocated() - self.before
        return max(0, (_status("VmHWM") if STATUS.is_file() else _most()) - self.before)


def _status(name: str) -> int:
    for line in STATUS.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    return 0


def _most() -> int:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
