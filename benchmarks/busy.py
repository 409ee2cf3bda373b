"""How busy a GPU was meanwhile: the share of time in which it worked at all, as its driver samples it. Nothing on a
CPU."""

from __future__ import annotations

import shutil
import subprocess
from statistics import mean

EVERY = "100"
"""Milliseconds."""


class Busy:
    """`share`, from 0 to 1, once the block is over; None without a GPU or where its tool is not installed."""

    def __init__(self, device: str) -> None:
        self.share: float | None = None
        self.tool = shutil.which("nvidia-smi") if device.startswith("cuda") else None

    def __enter__(self) -> Busy:
        if self.tool is not None:
            command = [self.tool, "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-lms", EVERY]
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self.tool is None:
            return
        self.process.terminate()
        lines = self.process.communicate()[0].split()
        self.share = (
            mean(float(line) / 100 for line in lines if line.isdigit())
            if any(line.isdigit() for line in lines)
            else None
        )
