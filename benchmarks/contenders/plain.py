"""entrack's reference executor: one full forward pass per variant."""

from __future__ import annotations

from benchmarks.contenders import ours
from entrack.plan.executor_kind import ExecutorKind


class Contender(ours.Contender):
    executor = ExecutorKind.REFERENCE
