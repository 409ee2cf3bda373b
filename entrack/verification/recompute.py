"""Recompute: a sample of the steps that a store has, computed again from stored inputs and compared with what is
stored. Nothing is written."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from math import ceil
from typing import Any, Protocol

from attrs import evolve

from entrack import interrupts
from entrack.events import RunFinished, RunStarted, StepDone, StepStarted, Watcher
from entrack.execution.environment import described, in_words
from entrack.execution.local import Compute
from entrack.execution.read_run_record import read_run_record
from entrack.execution.reuse_policy import ReusePolicy
from entrack.execution.value_check import checked
from entrack.frozen import frozen
from entrack.plan.cache_key import kind
from entrack.plan.cost import left_of
from entrack.plan.plan import Plan, needs
from entrack.plan.steps import Step
from entrack.prompts.rng import Stream
from entrack.store.base import Action
from entrack.verification.compare import FAR, NEAR, Asked, Difference, Tensors, Tolerance, Verdict, difference

IN_HAND = 2
"""Steps in hand for each that is computed at once: the first of them may take longest."""
interrupts.put_off_in(ThreadPoolExecutor.submit)  # its lock would stay held


@frozen
class Compared:
    """A stored step that was computed again. `made` and `again` are the stacks of both, as recorded; `address` is
    the entry's."""

    what: str
    kind: str
    address: str
    verdict: Verdict
    apart: Difference
    tolerance: Tolerance
    made: str
    again: str


class Stored(Protocol):
    """The stored steps of a plan, bound, with their values."""

    def bound(self, id: str) -> Step | None: ...
    def action(self, id: str) -> Action | None: ...
    def lost(self, id: str) -> Action | None: ...
    def tensors(self, id: str) -> Tensors | None: ...


def sampled(plan: Plan, stored: Sequence[str], sample: int | float, seed: int) -> tuple[str, ...]:
    """So many stored steps (an int) or such a share of them (a float), in the order of the plan: at least one of each
    kind for a share.

    Which ones follows from the seed alone.
    """
    shuffled = Stream(seed, "verify").distinct(stored, len(stored))
    firsts = list({kind(plan.nodes[id]): id for id in reversed(shuffled)}.values())[::-1]
    many = max(ceil(sample * len(stored)), len(firsts)) if isinstance(sample, float) else sample
    drawn = set([*firsts, *(id for id in shuffled if id not in firsts)][:many])
    return tuple(id for id in stored if id in drawn)


def recomputed(
    plan: Plan, run: Stored, ids: Sequence[str], compute: Compute, watcher: Watcher, at_once: int = 1
) -> Generator[Compared, None, None]:
    """These steps one after the other, computed again; several `at_once` by threads of which each calls `compute`.
    Raises EngineError and KeyboardInterrupt as they come."""
    watcher(RunStarted(len(ids), 0, sum(left_of(plan.nodes[id]) for id in ids)))
    begun = (_begun(id, plan, run, compute, watcher) for id in ids)
    with closing(_in_order(begun, at_once)) as several:
        for id, one in zip(ids, several, strict=True):
            yield one
            watcher(StepDone(plan.what[id], left_of(plan.nodes[id]), found=False))
    watcher(RunFinished(len(ids), 0, 0))


def _in_order(begun: Iterable[Callable[[], Compared]], at_once: int) -> Generator[Compared, None, None]:
    """What they come to. Little more is in hand than is computed at once: each holds what it reads."""
    if at_once == 1:
        yield from (finish() for finish in begun)
        return
    threads = ThreadPoolExecutor(at_once, "entrack-verify")
    in_hand = deque[Future[Compared]]()
    try:
        for finish in begun:
            in_hand.append(threads.submit(finish))
            if len(in_hand) == IN_HAND * at_once:
                yield in_hand.popleft().result()
        while in_hand:
            yield in_hand.popleft().result()
    finally:
        threads.shutdown(wait=False, cancel_futures=True)  # whoever computes is ended by who has made it


def _begun(id: str, plan: Plan, run: Stored, compute: Compute, watcher: Watcher) -> Callable[[], Compared]:
    """A step with all that it reads; what computes it, and compares."""
    interrupts.check()
    watcher(StepStarted(plan.what[id], left_of(plan.nodes[id])))
    step, action, stored, inputs = (
        run.bound(id),
        run.action(id) or run.lost(id),
        run.tensors(id),
        _inputs(id, plan, run),
    )
    assert step is not None and action is not None  # it is stored
    made = _stack(action.how)
    if stored is None or inputs is None:
        reason = "the entry is damaged" if stored is None else "a value that it builds on is damaged"
        apart = Difference(identical=False, why=reason)
        lost = Compared(plan.what[id], kind(step), action.address, "lost", apart, NEAR, made, "")
        return lambda: lost
    return partial(_compared, plan.what[id], step, action, stored, inputs, compute)


def _compared(
    what: str, step: Step, action: Action, stored: Tensors, inputs: Mapping[str, Tensors], compute: Compute
) -> Compared:
    again, how = compute(step, inputs)
    checked(step, again)

    def rerun(asked: Asked) -> Tensors:
        return compute(evolve(step, asked=asked), inputs)[0]  # type: ignore[arg-type]  # only outcomes are asked for, and their steps ask

    tolerance = _tolerance(step, action.how, how)
    found = difference(step, stored, again, tolerance, rerun)
    verdict: Verdict = "identical" if found.identical else "mismatch" if found.why else "within"
    return Compared(what, kind(step), action.address, verdict, found, tolerance, _stack(action.how), _stack(how))


def _stack(how: Mapping[str, Any]) -> str:
    return f"{in_words(how)}, executor {read_run_record(how).get('executor', 'not recorded')}"


def _inputs(id: str, plan: Plan, run: Stored) -> dict[str, Tensors] | None:
    """The stored values that a step needs, by digest; None where one is lost."""
    wanted = {
        action.object: run.tensors(need) for need in needs(plan.nodes[id]) if (action := run.action(need)) is not None
    }
    found = {digest: value for digest, value in wanted.items() if value is not None}
    return found if len(found) == len(wanted) else None


def _tolerance(step: Step, made: Mapping[str, Any], again: Mapping[str, Any]) -> Tolerance:
    near = step.model.dtype == "float32" and described(made, ReusePolicy.SAME_STACK) == described(
        again, ReusePolicy.SAME_STACK
    )
    return NEAR if near else FAR
