"""One run of a plan: the scheduler says what is ready, the repository what is there, the executor makes what is not.

A step's address is known once what it needs is known, so steps are bound on the way. Nothing is loaded that nobody
reads: on a full store no model is touched and torch is not imported.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future
from operator import itemgetter

from entrack import interrupts
from entrack.events import NotTaken, RunFinished, RunStarted, StepDone, StepStarted, Watcher, unwatched
from entrack.execution.dispatch import Dispatch, where
from entrack.execution.executor import Computed, Executor, Found, InputsLost, Look, Outcome, Task
from entrack.execution.in_hand import InHand
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


class _Failed(Exception):
    """A step that came back with an error: its place in order, and the error."""

    def __init__(self, place: int, error: Exception) -> None:
        self.place, self.error = place, error


class Coordinator(RunState):
    """One run over a plan. `executor` None only looks.

    As many steps are in hand as the executor takes at once; they come back in any order, and what the run finds does
    not depend on it. Where a value turns out to be damaged, what is in hand comes back first, and then one thing is
    done after the other. After `run`, values, addresses and selections can be asked for.
    """

    def __init__(
        self, plan: Plan, repository: Repository, executor: Executor | None = None, watcher: Watcher = unwatched
    ) -> None:
        super().__init__(plan, repository)
        self._executor, self._watch = executor, watcher
        self._said: set[str] = set()
        self._works: dict[str, int] = {}
        """What is left to do of each step, in token-layers, while a run goes on."""
        self._in_hand = InHand()
        self._dispatch: Dispatch | None = None
        self._twins: list[str] = []
        """Steps that are bound to what another one in hand is bound to: its value will be theirs."""
        self._begun: Counter[str] = Counter()
        self._damaged: dict[str, None] = {}
        """Steps whose values were inputs and are damaged, in order."""
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
        self._works = {id: left_of(self.plan.nodes[id]) for id in (*survey.missing, *survey.unknown)}
        self._tell(looking, survey)
        self._watch(RunStarted(len(self.plan.steps), len(survey.found), sum(self._works.values())))
        if not looking._lost:
            self._take_over(looking)
        self._settle()
        self._works = {}
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

    # the nodes

    def _settle(self) -> None:
        """Make everything that is not known. When something fails, nothing more is begun, and what is in hand comes
        back first; of several failures the one is raised that is first in order."""
        self._begun.clear()
        self._dispatch = None
        failed: list[tuple[int, Exception]] = []
        while self._went_on(failed):
            interrupts.check()
        if failed:
            raise min(failed, key=itemgetter(0))[1]

    def _went_on(self, failed: list[tuple[int, Exception]]) -> bool:
        """`_go_on`, with the failures and their places in order kept. False where nothing is left to do."""
        try:
            if not failed:
                return self._go_on()
            if not len(self._in_hand):
                return False
            self._finish(*self._in_hand.take())
        except _Failed as failure:
            failed.append((failure.place, failure.error))
        except Exception as error:
            failed.append((-1, error))
        return True

    def _go_on(self) -> bool:
        """Begin a node, or take one that has come back; False where nothing is left."""
        try:
            if self._damaged:
                self._mend()
            id = self._next()
            if id is not None:
                self._begin(id)
            elif len(self._in_hand):
                taken = self._in_hand.take_until(self._has_room)
                if taken is not None:
                    self._finish(*taken)
            else:
                return False
        except _Changed:
            pass
        return True

    def _has_room(self) -> bool:
        """Whether workers have come while steps were waited for."""
        return self._executor is not None and len(self._in_hand) < self._executor.at_once

    def _next(self) -> str | None:
        """The next to begin; None where none is ready, or enough are in hand."""
        first = self._scheduler.next()
        at_once = 1 if first is None or self._executor is None else self._executor.at_once
        if len(self._in_hand) >= at_once:
            return None
        if at_once == 1 or first is None:
            return first
        self._dispatch = self._dispatch or Dispatch(self._scheduler, self._works)
        id = self._dispatch.take(self._in_hand.near, self._in_hand.held)
        assert id is not None or len(self._in_hand), "what is ready is to be begun, or has been"
        return id

    def _begin(self, id: str) -> None:
        node = self.plan.nodes[id]
        if isinstance(node, Choice):
            self._choose(id, node)
            return
        what, work = self.plan.what[id], self._works.get(id, 0)
        if self._find(id):
            self._watch(StepDone(what, work, found=True))
            return
        address = self._repository.address(self._step(id))
        if self._in_hand.has(address):
            self._twins.append(id)
            return
        if not self._begun[id]:
            self._watch(StepStarted(what, work))
        self._begun[id] += 1
        self._in_hand.put(id, address, where(node), self._submit(id, Look.FIRST))

    def _finish(self, id: str, future: Future[Outcome]) -> None:
        """What has come of a step."""
        again = [*self._twins, id]
        self._twins.clear()
        try:
            outcome = future.result()
        except Exception as error:
            raise _Failed(self._scheduler.place(id), error) from None
        if isinstance(outcome, InputsLost):
            self._damaged |= dict.fromkeys(self._wanted(id)[digest] for digest in outcome.digests)
            if self._begun[id] >= ATTEMPTS:
                raise StoreError(DAMAGED_AGAIN)
        else:
            again.remove(id)
            del self._begun[id]
            self._came(id, outcome)
            self._watch(StepDone(self.plan.what[id], self._works.get(id, 0), found=isinstance(outcome, Found)))
        if self._dispatch is not None:
            for other in again:
                self._dispatch.put_back(other)

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
        for _ in range(ATTEMPTS):
            wanted, outcome = self._wanted(id), self._submit(id, look).result()
            if not isinstance(outcome, InputsLost):
                return outcome
            for digest in outcome.digests:
                self._again(wanted[digest])
        raise StoreError(DAMAGED_AGAIN)

    def _submit(self, id: str, look: Look) -> Future[Outcome]:
        if self._executor is None:
            raise StoreError("a value of the store was damaged between two looks at it: look again")
        inputs = {value.action.object: value for value in map(self._stored, self._wanted(id).values())}
        step = self._step(id)
        return self._executor.submit(Task(step, inputs, self.plan.what[id], self.plan.sources.get(step.model), look))

    def _wanted(self, id: str) -> dict[str, str]:
        """The steps whose values a step needs, by the digests of these."""
        return {self._actions[need].object: need for need in self.plan.needs[id] if need in self._actions}

    def _came(self, id: str, outcome: Found | Computed) -> None:
        """A step has a value."""
        if isinstance(outcome, Computed):
            self._made.add(id)
            self.forwards += outcome.forwards
        self._have(id, outcome.action)

    def _mend(self) -> None:
        """Compute inputs again that turned out to be damaged."""
        damaged, self._damaged = self._damaged, {}
        for id in damaged:
            if id in self._actions:  # else it is not known any more, and made again in its turn
                self._again(id)

    def _drain(self) -> None:
        """Take all that is in hand."""
        while len(self._in_hand):
            self._finish(*self._in_hand.take())

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
        self._drain()
        lost = self._actions[id].object
        outcome = self._submitted(id, Look.NOT)
        self._came(id, outcome)
        action = outcome.action
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
