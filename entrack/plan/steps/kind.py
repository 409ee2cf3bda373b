"""What the compiler, the store and the reports know of one kind of step: one record, in the kind's own file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, Generic, TypeVar

from entrack.frozen import frozen
from entrack.plan.batch import Batch
from entrack.plan.schedule import ForwardPass
from entrack.plan.value_forms import Form

S = TypeVar("S")


class Comparison(Enum):
    """How a value that is computed again is held against the stored one (`verification/compare.py`)."""

    NUMBERS = "numbers"
    """Number by number."""
    OUTCOMES = "outcomes"
    """Logits and probabilities, and which token is the argmax."""
    PATCHED_HEADS = "patched heads"
    """Which heads a mask patches: a training goes its own way from the last bit on."""


def no(step: object) -> bool:
    """Never, whatever the step says."""
    return False


def _its_batch(step: Any) -> Batch:
    found: Batch = step.batch
    return found


def _itself(step: Any) -> Any:
    return step


@frozen
class StepKind(Generic[S]):
    """A kind of step. Its kernel is called like its tag, in a file of that name in `engine/kernels/`; a faster one,
    where there is one, stands in `KERNELS` of `engine/optimised/`.

    step: the class of its steps; `words`: what a person calls it
    version: raised by hand whenever a kernel would give other numbers; part of every address
    half_version: raised likewise, where it would give other numbers in half precision alone; never put back
    expand: the forward passes that the reference executor makes
    form: the arrays of a bound step's value; raises ValueError for heads that are not known yet
    nbytes: how many bytes these have, from the step, bound or not, and the nodes of its plan
    comparison: how a value that is computed again is held against the stored one
    parts: to which part of a key (`plan/cache_key.py`) fields belong, by their tags, where they are not called like it
    branches: the same of fields whose own fields belong to several parts
    batch: the one batch whose clean run is worth remembering
    known_zero: whether a bound step's value is all zeros; it is then not run
    nothing_is_left: whether a bound step's value has no rows; it is then not run
    settled: a bound step as its address sees it
    """

    step: type[S]
    words: str
    version: int
    expand: Callable[[S], Iterable[ForwardPass]]
    form: Callable[[S], Form]
    nbytes: Callable[[S, Mapping[str, object]], int]
    comparison: Comparison = Comparison.NUMBERS
    parts: Mapping[str, str] = {}
    branches: Mapping[str, str] = {}
    batch: Callable[[S], Batch | None] = _its_batch
    known_zero: Callable[[S], bool] = no
    nothing_is_left: Callable[[S], bool] = no
    settled: Callable[[S], S] = _itself
    half_version: int = 0

    def version_of(self, step: Any) -> int:
        """The version that is part of a step's address."""
        return self.version + (0 if step.model.dtype == "float32" else self.half_version)
