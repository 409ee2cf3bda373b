"""entrack's reference executor: one full forward pass per variant."""

from __future__ import annotations

from benchmarks.contenders import ours


class Contender(ours.Contender):
    executor = "reference"
