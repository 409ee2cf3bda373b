"""Levels 2 and 3: outcomes of a pack computed again with the models, the cheapest first, and compared with what it
holds.

What a step was computed from is computed again too where a pack has only its digest: captures, and means over prompts.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import closing

from attrs import evolve

from entrack.artifact.content import Content
from entrack.artifact.facts import looked
from entrack.artifact.outcomes import PackStore
from entrack.artifact.under import steps_under
from entrack.artifact.verify import Finding, PackVerification, Verdict, worst
from entrack.compile import CheckedSpec
from entrack.events import Watcher
from entrack.execution.coordinator import Coordinator
from entrack.execution.local import Compute
from entrack.execution.repository import Repository
from entrack.execution.value_check import Tensors
from entrack.frozen import frozen
from entrack.plan.cost import left_of
from entrack.plan.executor_kind import ExecutorKind
from entrack.plan.plan import Plan
from entrack.plan.steps import Step
from entrack.run import Employ, computing
from entrack.store.base import Action
from entrack.verification.recompute import Compared, recomputed

VERDICTS: Mapping[str, Verdict] = {"identical": "same", "within": "within", "mismatch": "differs", "lost": "differs"}
KEPT = 1 << 29
"""Bytes of values that were computed again for others, and are held for the next."""


@frozen
class Tried:
    """The outcomes that were computed again, by their steps, and those under each claim, in the order of the spec."""

    compared: Mapping[str, Compared]
    under: tuple[frozenset[str], ...]


class Filled:
    """A run over a pack, in which a value that the pack has no bytes of is computed when it is asked for."""

    def __init__(self, run: Coordinator, compute: Compute) -> None:
        self._run, self._compute = run, compute
        self._kept: dict[str, Tensors] = {}

    def bound(self, id: str) -> Step | None:
        return self._run.bound(id)

    def action(self, id: str) -> Action | None:
        return self._run.action(id)

    def lost(self, id: str) -> Action | None:
        return self._run.lost(id)

    def tensors(self, id: str) -> Tensors | None:
        found = self._kept.get(id)
        found = self._run.tensors(id) if found is None else found
        return self._again(id) if found is None else found

    def _again(self, id: str) -> Tensors | None:
        step, plan = self._run.bound(id), self._run.plan
        if step is None:
            return None
        needed = {need: action for need in plan.needs[id] if (action := self._run.action(need)) is not None}
        inputs = {action.object: value for need, action in needed.items() if (value := self.tensors(need)) is not None}
        made = self._compute(step, inputs)[0]
        self._keep(id, made)
        return made

    def _keep(self, id: str, made: Tensors) -> None:
        self._kept[id] = made
        while len(self._kept) > 1 and sum(map(_bytes, self._kept.values())) > KEPT:
            del self._kept[next(iter(self._kept))]


def computed_again(
    content: Content,
    spec: CheckedSpec,
    repository: Repository,
    kind: ExecutorKind,
    minutes: float | None,
    watcher: Watcher,
    employ: Employ | None = None,
) -> Tried:
    """Outcomes computed again: of each claim the cheapest, then the others, the cheapest first, until the time is over
    (None: all of them). `spec` is the pack's with its models. The workers that `employ` gives compute, or this process;
    what a step is computed from is computed by one of them after the other. Raises EngineError, ModelMissing."""
    ends = None if minutes is None else time.monotonic() + 60 * minutes
    seen = looked(spec, repository)
    here = _with_bytes(seen.plan, seen.run, content.store)
    under = tuple(steps & here for steps in steps_under(spec.resolved, seen.plan))
    first, others = _ordered(seen.plan, here, under)
    ids = (*first, *others)
    found: dict[str, Compared] = {}
    with (
        computing(seen.plan, kind, repository, watcher, employ) as (compute, at_once),
        closing(recomputed(seen.plan, Filled(seen.run, compute), ids, compute, watcher, at_once)) as several,
    ):
        for id, one in zip(ids, several, strict=False):
            found[id] = one
            if ends is not None and len(found) >= len(first) and time.monotonic() > ends:
                break
    return Tried(found, under)


def with_tried(found: PackVerification, tried: Tried, level: int) -> PackVerification:
    """A verification of level 1 with what was computed again: each claim by the outcomes under it."""
    steps = tuple(Finding("step", one.what, VERDICTS[one.verdict], one.apart.why) for one in tried.compared.values())
    others = [one for one in found.findings if one.kind != "claim"]
    claims = [_with_steps(one, under, tried) for one, under in zip(found.claims, tried.under, strict=True)]
    return evolve(found, level=level, findings=(*claims, *others, *steps))


def _with_steps(claim: Finding, under: frozenset[str], tried: Tried) -> Finding:
    verdicts = [VERDICTS[tried.compared[id].verdict] for id in under if id in tried.compared]
    if not under:
        said = "it rests on no outcome"
    elif not verdicts:
        verdicts, said = ["not tried"], "none of its outcomes was computed again"
    else:
        said = f"{len(verdicts)} of its {len(under)} outcomes computed again"
    return evolve(claim, verdict=worst([claim.verdict, *verdicts]), why=f"{claim.why}; {said}" if claim.why else said)


def _with_bytes(plan: Plan, run: Coordinator, store: PackStore) -> frozenset[str]:
    made = ((id, run.action(id)) for id in plan.steps)
    return frozenset(id for id, action in made if action is not None and store.holds(action.object))


def _ordered(
    plan: Plan, here: Iterable[str], claims: Iterable[Iterable[str]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The cheapest step of each claim, and the others, the cheapest first."""
    costs = {id: (left_of(plan.nodes[id]), id) for id in here}
    first = dict.fromkeys(min(under, key=costs.__getitem__) for under in map(set, claims) if under)
    return tuple(first), tuple(id for id in sorted(costs, key=costs.__getitem__) if id not in first)


def _bytes(value: Tensors) -> int:
    return sum(array.nbytes for array in value.values())
