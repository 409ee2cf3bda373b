"""Why: each step of a spec against a store - whether its value is there, and if not, which entry is nearest and what
differs.

And two specs against each other: their steps are matched by what they are for and by their order, and the parts of
their keys are compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Literal

from attrs import evolve

from entrack.execution.closest_entry import ClosestEntry, Entries, differing
from entrack.execution.coordinator import Coordinator
from entrack.execution.repository import Repository
from entrack.execution.survey import Survey
from entrack.frozen import frozen
from entrack.plan.cache_key import KeyPart, parts
from entrack.plan.executor_kind import ExecutorKind
from entrack.plan.plan import Plan
from entrack.plan.steps import Choice, Step
from entrack.store.base import Action, Store

State = Literal["stored", "declined", "zero", "screened", "decided", "not_kept", "missing", "unknown"]
STATES: dict[State, str] = {
    "stored": "stored",
    "declined": "stored, made with another stack",
    "zero": "not run, out of reach",
    "screened": "not run, left out by a screen",
    "decided": "not run, decided by a race",
    "not_kept": "not run, of heads that were not kept",
    "missing": "not stored",
    "unknown": "not known yet",
}


@frozen(slots=False)
class StepStatus:
    """One step of a spec, as a store knows it. `place` counts from 1. `bound` is None, and `address` empty, while
    what it needs is not known."""

    id: str
    place: int
    what: str
    state: State
    node: Step
    bound: Step | None
    address: str
    model: str
    executor: ExecutorKind
    action: Action | None = None
    nearest: ClosestEntry | None = None

    @cached_property
    def parts(self) -> tuple[KeyPart, ...]:
        """Of the step as its address sees it; while that is not known, of what it will be made from."""
        return parts(self.bound or self.node, self.executor, self.model)

    @cached_property
    def recipe(self) -> tuple[KeyPart, ...]:
        return parts(self.node, self.executor, self.model)


@frozen
class StepPair:
    """A step of one spec and of another; None where there is none. `differs` names the parts that are not the same."""

    what: str
    first: StepStatus | None
    second: StepStatus | None
    differs: tuple[str, ...] = ()

    @property
    def shared(self) -> bool:
        return self.first is not None and self.second is not None and not self.differs


def step_statuses(plan: Plan, run: Coordinator, survey: Survey, repository: Repository) -> tuple[StepStatus, ...]:
    """All steps of a plan, in order, after a walk has looked for them."""
    by_state: tuple[tuple[State, tuple[str, ...]], ...] = (
        ("unknown", survey.unknown),
        ("missing", survey.missing),
        ("declined", survey.declined),
        ("zero", survey.zero),
        ("screened", survey.screened_out),
        ("decided", survey.decided),
        ("not_kept", survey.not_kept),
        ("stored", survey.found),
    )
    states: dict[str, State] = {id: state for state, ids in by_state for id in ids}
    return tuple(_looked(id, place, states[id], plan, run, repository) for place, id in enumerate(plan.steps, 1))


def _looked(id: str, place: int, state: State, plan: Plan, run: Coordinator, repository: Repository) -> StepStatus:
    node, bound = plan.nodes[id], run.bound(id)
    assert not isinstance(node, Choice)  # `plan.steps` are what is stored
    own = "" if bound is None else repository.address(bound)
    action = run.action(id) or (repository.declined.get(own) if state == "declined" else None)
    source = plan.sources.get(node.model)
    return StepStatus(
        id,
        place,
        plan.what[id],
        state,
        node,
        bound,
        own,
        source.description if source else "",
        repository.kind,
        action,
    )


def compared(
    steps: Sequence[StepStatus], store: Store, whole: Sequence[StepStatus]
) -> tuple[tuple[StepStatus, ...], int]:
    """Some steps of a whole spec, with the nearest entry for each that is missing, and how many entries could not be
    compared.

    Entries that the spec itself takes are left out: that its other layers are there does not say why this one is not.
    """
    if not any(step.state == "missing" for step in steps):
        return tuple(steps), 0
    entries = Entries(action for action in map(store.find, store.addresses()) if action is not None)
    own = entries.those([step.action.address for step in whole if step.action is not None])
    return tuple(
        evolve(step, nearest=entries.nearest(step.parts, own)) if step.state == "missing" else step for step in steps
    ), entries.unkeyed


def matched(first: Sequence[StepStatus], second: Sequence[StepStatus]) -> tuple[StepPair, ...]:
    """The steps of two specs: those that are the same, then, of the rest, those for the same purpose in their order,
    then what one of them has alone."""
    others = {step.id: step for step in second}
    same = [StepPair(step.what, step, others[step.id]) for step in first if step.id in others]
    taken = {pair.first.id for pair in same if pair.first}
    rest, other_rest = _by_what(first, taken), _by_what(second, taken)
    pairs = [pair for what in {**rest, **other_rest} for pair in _paired(what, rest[what], other_rest[what])]
    order = {what: place for place, what in enumerate(dict.fromkeys(step.what for step in (*first, *second)))}
    return tuple(sorted((*same, *pairs), key=lambda pair: order[pair.what]))


def _by_what(steps: Sequence[StepStatus], taken: set[str]) -> defaultdict[str, list[StepStatus]]:
    grouped: defaultdict[str, list[StepStatus]] = defaultdict(list)
    for step in steps:
        if step.id not in taken:
            grouped[step.what].append(step)
    return grouped


def _paired(what: str, first: Sequence[StepStatus], second: Sequence[StepStatus]) -> Iterator[StepPair]:
    for place in range(max(len(first), len(second))):
        one = first[place] if place < len(first) else None
        other = second[place] if place < len(second) else None
        yield StepPair(what, one, other, differing(*sides(one, other)) if one and other else ())


def sides(one: StepStatus, other: StepStatus) -> tuple[tuple[KeyPart, ...], tuple[KeyPart, ...]]:
    """The parts by which two steps are compared: as their addresses see them, or, where that is not known of one, of
    what they will be made from."""
    return (one.parts, other.parts) if one.bound and other.bound else (one.recipe, other.recipe)
