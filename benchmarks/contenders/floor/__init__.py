"""The floor: the matrix products that cannot be avoided, in bare torch, with the batching of the others. No checks, no store, no framework.

`suffix.py` is what most of it is made of: a pass from a layer and a token on, on what is kept of a clean run.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks.contenders.floor.circuits import Circuited
from benchmarks.contenders.floor.hop import Hop
from benchmarks.contenders.floor.interchange import Interchanged
from benchmarks.contenders.floor.mask import Masked
from benchmarks.llama import Llama
from benchmarks.tasks import Circuits, Done, Interchange, Mask, PathPatch, Task

MAKERS = {PathPatch: Hop, Mask: Masked, Circuits: Circuited, Interchange: Interchanged}


class Contender:
    def __init__(self, folder: Path, device: str) -> None:
        self.llama = Llama(folder, device)
        self.runs: Callable[[int], Done] | None = None

    def forget(self) -> None:
        self.runs = None

    def prepare(self, task: Task) -> None:
        """Clean runs, kept."""
        self.runs = MAKERS[type(task)](self.llama, task)

    def run(self, turn: int) -> Done:
        assert self.runs is not None
        return self.runs(turn)
