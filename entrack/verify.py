"""Verifying: a sample of the stored steps of a spec, computed again and compared. Nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from entrack import arguments
from entrack.compile import CheckedSpec, surveyed
from entrack.errors import ArgumentError
from entrack.events import Watcher
from entrack.execution.repository import Repository
from entrack.frozen import frozen
from entrack.plan.cache_key import kind as kind_of
from entrack.plan.executor_kind import ExecutorKind
from entrack.plan.plan import Plan
from entrack.run import Employ, computing
from entrack.syntax.limits import MOST_NUMBER
from entrack.verification.recompute import Compared, Stored, recomputed, sampled


@frozen
class Verification:
    """How many steps are stored, by kind, how many of them are compared, and the comparisons, made as they are asked
    for."""

    stored: Mapping[str, int]
    sampled: int
    compared: Iterator[Compared]


def verify_spec(
    spec: CheckedSpec,
    repository: Repository,
    sample: int | float,
    seed: int,
    again: ExecutorKind,
    watcher: Watcher,
    employ: Employ | None = None,
) -> Verification:
    """Compute so many of the stored steps (an int) or such a share (a float) once more, with the executor `again`, in
    this process or by the workers that `employ` gives. Raises SpecError, ModelMissing, StoreError; EngineError while
    comparing."""
    plan, run, survey = surveyed(spec, repository)
    lost = {id for id in survey.missing if run.lost(id)}  # what was seen to be damaged is said, whatever is sampled
    stored = [id for id in plan.steps if id in survey.found or id in lost]
    drawn = {*sampled(plan, stored, sample, seed), *lost}
    ids = [id for id in stored if id in drawn]
    counted = Counter(kind_of(plan.nodes[id]) for id in stored)
    return Verification(counted, len(ids), _compared(plan, run, ids, again, repository, watcher, employ))


def _compared(
    plan: Plan,
    run: Stored,
    ids: Sequence[str],
    again: ExecutorKind,
    repository: Repository,
    watcher: Watcher,
    employ: Employ | None,
) -> Iterator[Compared]:
    with computing(plan, again, repository, watcher, employ) as (compute, at_once):
        yield from recomputed(plan, run, ids, compute, watcher, at_once)


def sample_given(given: int | float) -> int | float:
    """How many steps (an int) or what share of them (a float) are verified. Raises ArgumentError."""
    found = arguments.number(given, "sample", MOST_NUMBER)
    if found <= 0 or (isinstance(found, float) and found > 1):
        raise ArgumentError(
            "sample is a number of steps, such as 20, or a share of them, such as 0.05; this is "
            f"{arguments.shown(found)}"
        )
    return found
