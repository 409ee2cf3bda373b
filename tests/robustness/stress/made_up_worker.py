"""The program of a worker whose values are made up, as those of `walks.py`, in some milliseconds each; all else is as in
a worker that has a model."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from entrack.models.key import ModelSource
from entrack.plan.steps import Step
from entrack.workers import process, worker

SECONDS = 0.01


class MadeUp:
    """In place of an engine."""

    def __init__(self, *given: object) -> None:
        from stress.walks import compute

        self._made_up = compute

    def compute(self, step: Step, inputs: Mapping[str, Any], source: ModelSource | None) -> Any:
        time.sleep(SECONDS)
        return self._made_up(step, inputs)


if __name__ == "__main__":
    worker.Computing = MadeUp  # type: ignore[assignment, misc]
    process.main()
