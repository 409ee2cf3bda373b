"""One run of a plan: the scheduler says what is ready, the repository what is there, the executor makes what is not.

A step's address is known once what it needs is known, so steps are bound on the way. Nothing is loaded that nobody
reads: on a full store no model is touched and torch is not imported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import assert_never

from entrack import interrupts
from entrack.events import NotTaken, RunFinished, RunStarted, StepDone, StepStarted, Watcher, unwatched
from entrack.execution.executor import Computed, Executor, Found, InputsLost, Look, Task
from entrack.execution.repository import Repository
from entrack.execution.run_state import RunState
from entrack.execution.scheduler import Idle
from entrack.execution.survey import Survey
from entrack.execution.value_check import Tensors
from entrack.plan.cost import left_of
from entrack.plan.plan import Plan, needs
from entrack.plan.steps import Choice
from entrack.store.errors import StoreError

ATTEMPTS = 3
"""How often a step is begun whose inputs turn out to be damaged."""
DAMAGED_AGAIN = "a value of the store is damaged as soon as it is put there: is the disk in order?"


class _Changed(Exception):
    """A damaged value was computed again and came out another: steps that were found or made from the damaged one
    are not known any more."""


class Coordinator(RunState):
    """One run over a plan. `executor` None only looks.

    After `run`, values, addresses and selections can be asked for.
    """

    def __init__(
        self, plan: Plan, repository: Repository, executor: Executor | None = None, watcher: Watcher = unwatched
    ) -> None:
        super().__init__(plan, repository)
        self._executor, self._watch = executor, watcher
        self._said: set[str] = set()
        self.forwards = 0.0

    def tensors(self, step: str) -> Tensors | None:
        """The value of a step, when it has been made."""
        if step not in self._actions:
            return None
        found = self._loaded(step) if self._executor is None else self.value(step)
        if found is not None:
            self._told[step] = self._actions[step].object
        return found

    # the whole plan

    def survey(self) -> Survey:
        """Look at every node in order; what depends on something missing is unknown."""
        missing: list[str] = []
        unknown: list[str] = []
        for id, node in self.plan.nodes.items():
            interrupts.check()
            if self._scheduler.finished(id):
                continue
            if id in self._lost:
                missing.append(id)
            elif not self._scheduler.is_ready(id):
                unknown.extend([] if isinstance(node, Choice) else [id])
            elif isinstance(node, Choice):
                lost = self._drop_lost(node)
                missing.extend(lost)
                if not lost:
                    self._choose(id, node)
            elif not self._find(id):
                missing.append(id)
        return self._surveyed(tuple(missing), tuple(unknown))

    def _surveyed(self, missing: tuple[str, ...], unknown: tuple[str, ...]) -> Survey:
        declined = [id for id in missing if self._repository.address(self._step(id)) in self._repository.declined]
        zero, screened_out, decided, not_kept = (tuple(sorted(self._scheduler.idle(why))) for why in Idle)
        return Survey(tuple(self._actions), zero, missing, unknown, screened_out, tuple(declined), decided, not_kept)

    def run(self) -> None:
        """Make every value there is to make. Raises StoreError, EngineError, and KeyboardInterrupt as they come;
        what was finished is kept."""
        looking = self._looking()
        survey = looking.survey()
        waiting = {id: left_of(self.plan.nodes[id]) for id in (*survey.missing, *survey.unknown)}
        self._tell(looking, survey)
        self._watch(RunStarted(len(self.plan.steps), len(survey.found), sum(waiting.values())))
        if not looking._lost:
            self._take_over(looking)
        self._settle(waiting)
        self._watch(RunFinished(self.computed, len(self._actions) - self.computed, round(self.forwards)))

    def _looking(self) -> Coordinator:
        """Another that knows the same, and only looks."""
        looking = Coordinator(self.plan, self._repository, None, self._watch)
        looking._scheduler, looking._actions = self._scheduler.copy(), dict(self._actions)
        looking._choices, looking._told = self._choices.copy(), self._told
        return looking

    def _take_over(self, looking: Coordinator) -> None:
        """Go on from what another has found: nothing is looked for twice."""
        new = [id for id in self.plan.steps if looking._scheduler.finished(id) and not self._scheduler.finished(id)]
        self._scheduler, self._actions, self._choices = looking._scheduler, looking._actions, looking._choices
        for id in new:
            self._watch(StepDone(self.plan.what[id], 0, found=True))

    def _tell(self, looking: Coordinator, survey: Survey) -> None:
        """Say what is there and will not be taken, once."""
        new = [id for id in survey.declined if id not in self._said]
        self._said.update(new)
        counted = Counter(self._repository.environments(looking._step(id)) for id in new)
        for there, here in sorted(counted):
            self._watch(NotTaken(counted[there, here], there, here))

    # what a run has

    def value(self, id: str) -> Tensors:
        """The value of a step. What turns out to be damaged is computed again, and so is what was made from it if it
        comes out another."""
        while True:
            try:
                return self._value(id)
            except _Changed:
                self._settle()

    # one node after the other

    def _settle(self, waiting: Mapping[str, int] = MappingProxyType({})) -> None:
        """Make everything that is not known, in order; from the beginning again where a damaged value came out
        another."""
        while (id := self._scheduler.next()) is not None:
            interrupts.check()
            node = self.plan.nodes[id]
            try:
                if isinstance(node, Choice):
                    self._choose(id, node)
                else:
                    self._run_step(id, waiting.get(id, 0))
            except _Changed:
                continue

    def _run_step(self, id: str, work: int) -> None:
        what = self.plan.what[id]
        if self._find(id):
            self._watch(StepDone(what, work, found=True))
            return
        self._watch(StepStarted(what, work))
        outcome = self._submitted(id, Look.FIRST)
        self._have(id, outcome.action)
        self._watch(StepDone(what, work, found=isinstance(outcome, Found)))

    def _find(self, id: str) -> bool:
        """Bind a step and look for it; True when there is nothing to compute."""
        step = self._scheduler.bind(id)
        if self._scheduler.is_idle(id):
            return True
        action = self._repository.find(step)
        if action is not None:
            self._have(id, action)
        return action is not None

    def _choose(self, id: str, node: Choice) -> None:
        heads = self._choices.make(id, node, self._value, self._scheduler.is_idle)
        if id in self._choices.selections:
            self._as_told(id, heads)
        self._scheduler.choose(id, heads)

    def _submitted(self, id: str, look: Look) -> Found | Computed:
        """Have a bound step computed; inputs that are damaged are computed first. Raises StoreError, EngineError, and
        _Changed where one comes out another."""
        if self._executor is None:
            raise StoreError("a value of the store was damaged between two looks at it: look again")
        for _ in range(ATTEMPTS):
            wanted = {self._actions[need].object: need for need in self.plan.needs[id] if need in self._actions}
            outcome = self._executor.submit(self._task(id, wanted.values(), look)).result()
            match outcome:
                case Found():
                    return outcome
                case Computed():
                    self._made.add(id)
                    self.forwards += outcome.forwards
                    return outcome
                case InputsLost():
                    for digest in outcome.digests:
                        self._again(wanted[digest])
                case _:
                    assert_never(outcome)
        raise StoreError(DAMAGED_AGAIN)

    def _task(self, id: str, wanted: Collection[str], look: Look) -> Task:
        inputs = {value.action.object: value for value in map(self._stored, wanted)}
        step = self._step(id)
        return Task(step, inputs, self.plan.what[id], self.plan.sources.get(step.model), look)

    # values

    def _loaded(self, id: str) -> Tensors | None:
        """The value of a step that is known; None when the store has it no more, or has one that is not of the
        step's form."""
        return self._repository.load(self._stored(id))

    def _value(self, id: str) -> Tensors:
        loaded = self._loaded(id)
        return self._again(id) if loaded is None else loaded

    def _again(self, id: str) -> Tensors:
        """Compute a lost value again. Raises _Changed where it comes out another and something was found or made
        from the lost one."""
        lost = self._actions[id].object
        action = self._submitted(id, Look.NOT).action
        self._have(id, action)
        if action.object != lost and self._forget_users(id):
            raise _Changed
        loaded = self._loaded(id)
        if loaded is None:
            raise StoreError(DAMAGED_AGAIN)
        return loaded

    def _drop_lost(self, node: Choice) -> list[str]:
        """The values that a screen, race or selection needs and the store turns out to have no more: they have to be
        computed again."""
        lost = [id for id in dict.fromkeys(needs(node)) if id in self._actions and self._loaded(id) is None]
        for id in lost:
            self._lost[id] = self._actions.pop(id)
        if lost:
            self._scheduler.drop(lost)
        return lost
