"""Completeness and minimality become evaluations of a circuit, and of the whole model, with some of the circuit's heads
removed.

`C \\ K` keeps the circuit without K and takes the mean elsewhere; `M \\ K` takes the mean at K only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from math import ceil
from typing import Any

from entrack import budget
from entrack.check.resolved import HALF, Examination, Group
from entrack.frozen import frozen
from entrack.plan.lower.asked import asked_of
from entrack.plan.lower.context import Deferred, Lowering
from entrack.plan.lower.edits import kinds_of
from entrack.plan.lower.measure import Wanted, evaluations
from entrack.plan.lower.measured import Measured, Places, at_of
from entrack.plan.lower.sources import by_part, mean_of
from entrack.plan.plan import ExaminationPlan, RemovalPlan, RunPlan
from entrack.plan.steps import At, Edit, Elsewhere, Set
from entrack.prompts.rng import Stream
from entrack.prompts.tokenise import measured_prompts
from entrack.sites import Part, Site

Member = tuple[str, Site]
"""A head of a circuit: its group and itself."""
OF = ("answer",)
Accuracy = Callable[[RunPlan], float]


def lower_examination(given: Examination, lowering: Lowering) -> ExaminationPlan:
    """Add the steps of a completeness or minimality. Raises Deferred while heads, or what removing them does, are
    not known."""
    heads = {group.name: lowering.heads_now(group, given.model) for group in given.circuit.groups}
    prompts = measured_prompts(given.population, lowering.prompts(given.population, given.model).pairs)
    wanted = Wanted(asked_of(given.population, prompts, OF, given.model, lowering))
    circuit = _Circuit(given, heads, Measured(given.name, given.model, given.population, prompts), wanted, lowering)
    removals = _completeness(circuit) if given.kind == "completeness" else _minimality(circuit)
    return ExaminationPlan(given.name, given.kind, removals)


@frozen
class _Circuit:
    """A circuit with its heads, and the prompts it is examined on."""

    given: Examination
    heads: Mapping[str, tuple[Site, ...]]
    on: Measured
    wanted: Wanted
    lowering: Lowering

    def without(self, removed: Iterable[Member]) -> RunPlan:
        """F(C \\ K)."""
        gone = set(removed)
        return self._run(
            lambda places: tuple(
                Set(self._elsewhere(part, gone, places), self._mean(part, places)) for part in self.kinds
            ),
            "circuit",
        )

    def model_without(self, removed: Iterable[Member]) -> RunPlan:
        """F(M \\ K)."""
        gone = set(removed)
        groups = [group for group in self.given.circuit.groups if any(name == group.name for name, _ in gone)]
        return self._run(
            lambda places: tuple(edit for group in groups for edit in self._ablated(group, gone, places)), "model"
        )

    @property
    def members(self) -> tuple[Member, ...]:
        return tuple((name, head) for name, heads in self.heads.items() for head in heads)

    def _run(self, edits: Callable[[Places], tuple[Edit, ...]], of: str) -> RunPlan:
        return evaluations(
            self.on, self.wanted, (), edits, f"{self.given.name}: {of} without some heads", self.lowering
        )

    @property
    def kinds(self) -> tuple[Part, ...]:
        return kinds_of(self.given.circuit.groups, self.lowering)

    def _elsewhere(self, part: Part, gone: set[Member], places: Places) -> Elsewhere:
        groups = self.given.circuit.groups
        kept = [pair for group in groups for pair in self._at(group, places, lambda one: one not in gone)]
        return Elsewhere(tuple(at for known, at in kept if known is part), (part,))

    def _ablated(self, group: Group, gone: set[Member], places: Places) -> list[Set]:
        return [Set(at, self._mean(part, places)) for part, at in self._at(group, places, lambda one: one in gone)]

    def _at(self, group: Group, places: Places, wanted: Callable[[Member], bool]) -> list[tuple[Part, At]]:
        """Some sites of a group at its position, part by part."""
        budget.spend(budget.STEP_PARTS, len(self.heads[group.name]))
        sites = tuple(site for site in self.heads[group.name] if wanted((group.name, site)))
        at = at_of(group.position, self.on.prompts, places)
        parts = by_part(sites, self.lowering.keys[self.given.model].facts)
        return [(part, At(few, at)) for part, few in parts] if sites else [(Part.OUTPUT, At((), at))]

    def _mean(self, part: Part, places: Places) -> Any:
        return mean_of(self.given.over, self.on, places, self.given.span, self.lowering, part)


def _completeness(circuit: _Circuit) -> tuple[RemovalPlan, ...]:
    """Random halves of the circuit's heads, then each whole group."""
    members = circuit.members
    halves = [
        Stream(circuit.lowering.resolved.seed, "half", draw).distinct(members, len(members) // 2)
        for draw in range(int(circuit.given.amount))
    ]
    removals = [RemovalPlan(HALF, None, circuit.without(half), circuit.model_without(half)) for half in halves]
    for name, heads in circuit.heads.items():
        group = [(name, head) for head in heads]
        removals.append(RemovalPlan(name, None, circuit.without(group), circuit.model_without(group)))
    return tuple(removals)


def _minimality(circuit: _Circuit) -> tuple[RemovalPlan, ...]:
    """For each head v of a group G, the set K of other heads of G whose removal with v hurts, and then with and
    without v."""
    single = {member: circuit.without([member]) for member in circuit.members}
    pairs: dict[frozenset[Member], RunPlan] = {}
    for name, heads in circuit.heads.items():
        for u, v in combinations([(name, head) for head in heads], 2):
            pairs[frozenset((u, v))] = circuit.without([u, v])
    accuracy = _accuracies(circuit.lowering, [*single.values(), *pairs.values()])
    removals: list[RemovalPlan] = []
    for v in circuit.members:
        others = [(v[0], head) for head in circuit.heads[v[0]] if head != v[1]]
        fall = {u: accuracy(single[u]) - accuracy(pairs[frozenset((u, v))]) for u in others}
        first = sorted(others, key=lambda u: (-fall[u], u))[: ceil(circuit.given.amount * len(circuit.heads[v[0]]))]
        chosen = [u for u in first if fall[u] > 0]
        removals.append(RemovalPlan(v[0], v[1], circuit.without(chosen), circuit.without([*chosen, v])))
    return tuple(removals)


def _accuracies(lowering: Lowering, runs: Sequence[RunPlan]) -> Accuracy:
    """The accuracy of each run, from what is known. Raises Deferred when a run is still to be made."""
    tops = {id: _top(id, lowering) for run in runs for id in run.evaluations}
    computed: dict[tuple[str, ...], float] = {}

    def accuracy(run: RunPlan) -> float:
        if run.evaluations not in computed:
            right = [
                int(top) == run.asked[place][0][0]
                for id, places in zip(run.evaluations, run.places, strict=True)
                for top, place in zip(tops[id], places, strict=True)
            ]
            computed[run.evaluations] = sum(right) / len(right)
        return computed[run.evaluations]

    return accuracy


def _top(id: str, lowering: Lowering) -> Any:
    """The argmax tokens of an evaluation. Raises Deferred while it is not known."""
    outcome = lowering.known.tensors(id)
    if outcome is None:
        raise Deferred("runs")
    return outcome["top"]
