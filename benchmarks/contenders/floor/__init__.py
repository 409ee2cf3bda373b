"""The floor: the matrix products that cannot be avoided, in bare torch, with the batching of the others. No checks, no
store, no framework.

`suffix.py` is what most of it is made of: a pass from a layer and a token on, on what is kept of a clean run.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.contenders import base
from benchmarks.contenders.floor.circuits import Circuited
from benchmarks.contenders.floor.grid import Gridded
from benchmarks.contenders.floor.hop import Hop
from benchmarks.contenders.floor.interchange import Interchanged
from benchmarks.contenders.floor.mask import Masked
from benchmarks.gpt2 import opened
from benchmarks.tasks import Circuits, Grid, Interchange, Mask, PathPatch


class Contender(base.Contender):
    def __init__(self, folder: Path, device: str) -> None:
        super().__init__()
        self.llama = opened(folder, device)


Contender.makers = {PathPatch: Hop, Mask: Masked, Circuits: Circuited, Interchange: Interchanged, Grid: Gridded}
