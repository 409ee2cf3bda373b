"""What an executor is: who computes one bound step, and puts its value into the store.

What crosses to it and back is frozen and holds content only: steps, digests, entries of the store, plain settings; no
function, no tensor, nothing of this process. So the worker may be in another one, or on another machine that sees the
same store.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from enum import Enum
from typing import Protocol

from attrs import field

from entrack.execution.repository import StoredValue
from entrack.frozen import frozen
from entrack.models.key import ModelSource
from entrack.plan.steps import Step
from entrack.store.base import Action


class Look(Enum):
    """Whether the worker looks into the store first, holding the right to compute the step; or computes whatever is
    there, because that is damaged."""

    FIRST = "first"
    NOT = "not"


@frozen
class Task:
    """A bound step to compute. `inputs` are the stored values that it reads, by the digests that it names them by;
    `what` says what it is for and `source` where its model's files are, for the record of the run."""

    step: Step
    inputs: Mapping[str, StoredValue] = field(repr=False)
    what: str
    source: ModelSource | None
    look: Look = Look.FIRST


@frozen
class Found:
    """The value is there: another process has computed it."""

    action: Action


@frozen
class Computed:
    """The value was computed and stored, with so many forward passes."""

    action: Action
    forwards: float


@frozen
class InputsLost:
    """Nothing was computed: these inputs, by digest, are damaged. They are put aside; compute them first."""

    digests: tuple[str, ...]


Outcome = Found | Computed | InputsLost


class Executor(Protocol):
    """Computes steps: one after the other, or many at once."""

    @property
    def at_once(self) -> int:
        """How many tasks it takes at once, at least 1. With 1 a task is done when it has been submitted, or soon
        after; with more, workers stand behind it, and their number may change."""

    def submit(self, task: Task) -> Future[Outcome]:
        """The worker takes the step's lock, looks again, computes, and stores the value with a record of how and
        where it was made. The future raises StoreError and EngineError; an interrupt of this process comes out of
        the call."""
