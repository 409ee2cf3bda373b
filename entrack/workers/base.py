"""What any kind of workers offers to a run: the seam between who keeps the books and who computes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from entrack.execution.value_check import Tensors
from entrack.models.key import ModelSource
from entrack.plan.steps import Step


class Workers(Protocol):
    """Workers that compute bound steps. Each holds one engine; a step goes to one that has its model loaded, if it can
    be had, and then to the one that had its batch."""

    @property
    def at_once(self) -> int:
        """How many steps they compute at once; may grow and shrink while they work."""

    def compute(
        self, step: Step, inputs: Mapping[str, Tensors], source: ModelSource | None
    ) -> tuple[Tensors, Mapping[str, Any]]:
        """The value of a bound step and how it was made, once a worker has it. `inputs` are the values that it reads,
        by digest; `source` says where its model's files are.

        Called by many threads at once. Raises EngineError as the engine does; WorkerLost where the worker ended before
        it answered, or these workers were closed: who calls may try again. It is WorkerCalledOff where that was
        somebody's will, and says nothing against the step.
        """

    def close(self) -> None:
        """End all workers at once; who waits in `compute` is told WorkerLost."""
