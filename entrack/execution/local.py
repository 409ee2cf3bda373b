"""Walking a plan in this process: what the store has is taken, what it lacks is computed and put there, step by step.

A step's address is known once what it needs is known, so the walk binds as it goes. Nothing is loaded that nobody
reads: on a full store no model is touched and torch is not imported.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from time import time
from typing import Any

from attrs import frozen
from numpy.typing import NDArray

from entrack import interrupts
from entrack.analysis.screening import Screening, screen
from entrack.analysis.selection import Selection, select
from entrack.events import NotTaken, RunFinished, RunStarted, StepDone, StepStarted, Waiting, Watcher
from entrack.execution.environment import described, in_words
from entrack.execution.repository import Repository
from entrack.execution.run_record import run_record
from entrack.execution.value_check import checked, fault
from entrack.plan.bind import bind, known_zero, screened_out
from entrack.plan.cost import left_of
from entrack.plan.order import by_model
from entrack.plan.plan import Plan, needs
from entrack.plan.steps import Choice, Ref, Screen, Step
from entrack.sites import Head
from entrack.store.base import Action
from entrack.store.errors import StoreError

Tensors = Mapping[str, NDArray[Any]]
Compute = Callable[[Step, Mapping[str, Tensors]], tuple[Tensors, Mapping[str, Any]]]
KEPT_BYTES = 1 << 29
"""Values held in memory at most; what is needed again is read from the store."""


class _Changed(Exception):
    """A damaged value was computed again and came out another: steps that were found or made from the damaged one
    are not known any more."""


@frozen
class Survey:
    """How a plan stands against a store, nothing computed: which steps are found, known to be zero, missing, not known
    yet, or of heads that a screen left out.

    `declined` are those missing ones whose values are there, made with a stack that is not taken.
    """

    found: tuple[str, ...]
    zero: tuple[str, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    screened_out: tuple[str, ...]
    declined: tuple[str, ...] = ()


@frozen
class _Needed(Mapping[str, Tensors]):
    """The values that a step needs, by digest, each read when it is asked for: a mean over many prompts need not be
    in memory at once."""

    ids: Mapping[str, str]
    value: Callable[[str], Tensors]

    def __getitem__(self, digest: str) -> Tensors:
        return self.value(self.ids[digest])

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __len__(self) -> int:
        return len(self.ids)


class LocalExecutor:
    """One walk over a plan. `compute` None only looks. Values that are held take an eighth of `memory`, in bytes, at
    most. `clock` says when a value was made, in seconds since 1970.

    After `run`, values, addresses and selections can be asked for.
    """

    def __init__(
        self,
        plan: Plan,
        repository: Repository,
        compute: Compute | None,
        watcher: Watcher,
        memory: int | None = None,
        clock: Callable[[], float] = time,
    ) -> None:
        self._clock = clock
        self._kept_bytes = KEPT_BYTES if memory is None else min(KEPT_BYTES, memory // 8)
        self._plan, self._repository, self._store, self._compute, self._watch = (
            plan,
            repository,
            repository.store,
            compute,
            watcher,
        )
        self._bound: dict[str, Step] = {}
        self._actions: dict[str, Action] = {}
        self._selections: dict[str, Selection] = {}
        self._screenings: dict[str, Screening] = {}
        self._zero: set[str] = set()
        self._screened_out: set[str] = set()
        self._kept: OrderedDict[str, Tensors] = OrderedDict()
        self._held = 0
        self._made: set[str] = set()
        self._said: set[str] = set()
        self._lost: dict[str, Action] = {}
        """What a survey had to read and could not."""
        self._sound: dict[str, str] = {}
        """The object that was held against a step's form."""
        self._told: dict[str, object] = {}
        """What lowering was told: heads of selections, objects of steps."""
        self.forwards = 0.0

    def extend(self, plan: Plan) -> None:
        """Go on with a plan of the same spec in which more is known. What was made stays made."""
        self._plan = plan

    # what lowering may ask (`plan.lower.context.Known`)

    def heads(self, select: str) -> tuple[Head, ...] | None:
        """The heads that a selection kept, when it has been made."""
        selection = self._selections.get(select)
        if selection is not None:
            self._told[select] = selection.heads
        return None if selection is None else tuple(sorted(selection.heads))

    def tensors(self, step: str) -> Tensors | None:
        """The value of a step, when it has been made."""
        if step not in self._actions:
            return None
        found = self._loaded(step) if self._compute is None else self.value(step)
        if found is not None:
            self._told[step] = self._actions[step].object
        return found

    def survey(self) -> Survey:
        """Look at every node in order; what depends on something missing is unknown."""
        missing: list[str] = []
        unknown: list[str] = []
        for id, node in self._plan.nodes.items():
            interrupts.check()
            if self._known(id):
                continue
            if id in self._lost:
                missing.append(id)
            elif not all(self._known(need) for need in self._plan.needs[id]):
                unknown.extend([] if isinstance(node, Choice) else [id])
            elif isinstance(node, Choice):
                lost = self._forget_lost(node)
                missing.extend(lost)
                if not lost:
                    self._choose(id, node)
            elif not self._find(id, node):
                missing.append(id)
        declined = [id for id in missing if self._repository.address(self._bound[id]) in self._repository.declined]
        return Survey(
            tuple(self._actions),
            tuple(sorted(self._zero)),
            tuple(missing),
            tuple(unknown),
            tuple(sorted(self._screened_out)),
            tuple(declined),
        )

    def run(self) -> None:
        """Make every value there is to make. Raises StoreError, EngineError, and KeyboardInterrupt as they come;
        what was finished is kept."""
        looking = LocalExecutor(self._plan, self._repository, None, self._watch)
        looking._selections.update(self._selections)
        looking._screenings.update(self._screenings)
        survey = looking.survey()
        waiting = {*survey.missing, *survey.unknown}
        self._tell(looking, survey)
        self._watch(
            RunStarted(len(self._plan.steps), len(survey.found), sum(left_of(self._plan.nodes[id]) for id in waiting))
        )
        self._settle(waiting)
        self._watch(RunFinished(self.computed, len(self._actions) - self.computed, round(self.forwards)))

    # what a run has

    def value(self, id: str) -> Tensors:
        """The value of a step. What turns out to be damaged is computed again, and so is what was made from it if it
        comes out another."""
        while True:
            try:
                return self._value(id)
            except _Changed:
                self._settle()

    def address_of(self, id: str) -> str:
        """The address of a step that has a value, whatever the stack it was made with."""
        return self._repository.address(self._bound[id])

    def bound(self, id: str) -> Step | None:
        """The step as its address sees it; None while what it needs is not known."""
        return self._bound.get(id)

    def action(self, id: str) -> Action | None:
        """What was made of a step; None where nothing was, or nothing that is taken."""
        return self._actions.get(id)

    def lost(self, id: str) -> Action | None:
        """What a survey found of a step, and could not read: it is damaged."""
        return self._lost.get(id)

    def made(self, id: str) -> bool:
        """Whether a step has a value: one whose heads cannot reach a receiver, or were left out by a screen, has
        none."""
        return id in self._actions

    def selection(self, id: str) -> Selection:
        return self._selections[id]

    def screening(self, id: str) -> Screening:
        return self._screenings[id]

    @property
    def computed(self) -> int:
        """Steps that were computed."""
        return len(self._made)

    @property
    def zeros(self) -> int:
        """Steps that were not run because their heads cannot reach a receiver."""
        return len(self._zero)

    @property
    def screened_out(self) -> int:
        """Steps that were not run because a screen let none of their heads through."""
        return len(self._screened_out)

    @property
    def actions(self) -> tuple[Action, ...]:
        return tuple(self._actions.values())

    @property
    def found(self) -> tuple[Action, ...]:
        """What was taken from the store."""
        return tuple(action for id, action in self._actions.items() if id not in self._made)

    # all nodes

    def _settle(self, waiting: Collection[str] = ()) -> None:
        """Make everything that is not known, in order; from the beginning again where a damaged value came out
        another."""
        order = tuple(by_model(self._plan.nodes, self._plan.needs))
        while not self._settled(order, waiting):
            pass

    def _settled(self, order: Sequence[str], waiting: Collection[str]) -> bool:
        try:
            for id in order:
                node = self._plan.nodes[id]
                interrupts.check()
                if self._known(id):
                    continue
                if isinstance(node, Choice):
                    self._choose(id, node)
                else:
                    self._step(id, node, id in waiting)
        except _Changed:
            return False
        return True

    def _forget_users(self, id: str) -> bool:
        """Forget everything that was bound to a value or chosen from it, however far; whether there was anything."""
        users = {id}
        for other, wanted in self._plan.needs.items():  # each comes after what it needs
            if not users.isdisjoint(wanted):
                users.add(other)
        users.remove(id)
        stale = [
            other for other in users if other in self._bound or other in self._selections or other in self._screenings
        ]
        for other in stale:
            for known in (self._bound, self._actions, self._selections, self._screenings, self._sound):
                known.pop(other, None)
        for those in (self._zero, self._screened_out, self._made):
            those.difference_update(stale)
        return bool(stale)

    def _as_told(self, id: str, what: object) -> None:
        """What is known of a node must not be another than what lowering was told: steps follow from that."""
        if self._told.get(id, what) != what:
            raise StoreError(
                "a damaged value of the store came out another after more steps had been planned from it: what "
                "was damaged is put right, run again"
            )

    # one node

    def _known(self, id: str) -> bool:
        return any(
            id in known for known in (self._actions, self._selections, self._screenings, self._zero, self._screened_out)
        )

    def _find(self, id: str, node: Step) -> bool:
        """Bind a step and look for it; True when there is nothing to compute."""
        wanted = self._plan.needs[id]
        step = bind(
            node, {need: self._actions[need].object for need in wanted if need in self._actions}, self._chosen(wanted)
        )
        self._bound[id] = step
        if known_zero(step):
            self._zero.add(id)
            return True
        if screened_out(step):
            self._screened_out.add(id)
            return True
        action = self._repository.find(step)
        if action is not None:
            self._actions[id] = action
        return action is not None

    def _tell(self, looking: LocalExecutor, survey: Survey) -> None:
        """Say what is there and will not be taken, once."""
        new = [id for id in survey.declined if id not in self._said]
        self._said.update(new)
        for there, environment in sorted({looking.stacks(id) for id in new}):
            self._watch(NotTaken(sum(looking.stacks(id) == (there, environment) for id in new), there, environment))

    def stacks(self, id: str) -> tuple[str, str]:
        """With what the value of a declined step was made, and what it was held against."""
        step, accept = self._bound[id], self._repository.accept
        return in_words(described(self._repository.declined[self._repository.address(step)].how, accept)), in_words(
            self._repository.environment.told(step.model.facts, accept)
        )

    def _step(self, id: str, node: Step, was_waiting: bool) -> None:
        what, work = self._plan.what[id], left_of(node) if was_waiting else 0
        if self._find(id, node):
            self._watch(StepDone(what, work, found=True))
            return
        self._watch(StepStarted(what, work))
        with self._store.computing(
            self._repository.address(self._bound[id]), lambda seconds: self._watch(Waiting(what))
        ):
            action = self._repository.find(self._bound[id])
            found = action is not None
            if action is None:
                action = self._make(id)
            self._actions[id] = action
        self._watch(StepDone(what, work, found=found))

    def _make(self, id: str) -> Action:
        if self._compute is None:
            raise StoreError("a value of the store was damaged between two looks at it: look again")
        stored = [need for need in self._plan.needs[id] if need in self._actions]
        for (
            need
        ) in stored:  # now, and not inside a kernel: a damaged one is computed again, and may make this another step
            self._value(need)
        step = self._bound[id]
        tensors, how = self._compute(step, _Needed({self._actions[need].object: need for need in stored}, self._value))
        checked(step, tensors)
        self._made.add(id)
        self.forwards += float(how.get("forwards", 0))
        noted = run_record(
            step, how, self._plan.what[id], self._plan.sources.get(step.model), self._repository, self._clock()
        )
        action = self._store.put(self._repository.place(step), tensors, noted)
        self._as_told(id, action.object)
        self._sound[id] = action.object
        self._keep(action.object, tensors)
        return action

    def _loaded(self, id: str) -> Tensors | None:
        """The value of a step that is known; None when the store has it no more, or has one that is not of the
        step's form."""
        action = self._actions[id]
        loaded = self._kept[action.object] if action.object in self._kept else self._store.load(action)
        if loaded is None:
            return None
        wrong = fault(self._bound[id], loaded) if self._sound.get(id) != action.object else ""
        if wrong:
            self._store.quarantine(action, wrong)
            return None
        self._as_told(id, action.object)
        self._sound[id] = action.object
        if action.object not in self._kept:
            self._keep(action.object, loaded)
        return loaded

    def _value(self, id: str) -> Tensors:
        loaded = self._loaded(id)
        return loaded if loaded is not None else self._again(id)

    def _forget_lost(self, node: Choice) -> list[str]:
        """The values that a screen or selection needs and the store turns out to have no more: they have to be
        computed again."""
        lost = [id for id in dict.fromkeys(needs(node)) if id in self._actions and self._loaded(id) is None]
        for id in lost:
            self._lost[id] = self._actions.pop(id)
        return lost

    def _again(self, id: str) -> Tensors:
        """Compute a lost value again. Raises _Changed where it comes out another and something was found or made
        from the lost one."""
        lost = self._actions[id].object
        action = self._actions[id] = self._make(id)
        if action.object != lost and self._forget_users(id):
            raise _Changed
        return self._kept[action.object]

    def _choose(self, id: str, node: Choice) -> None:
        clean = [self._value(ref.id) for ref in node.clean]
        if isinstance(node, Screen):
            receivers = [self._selections[chosen.id].heads for chosen in node.receivers]
            self._screenings[id] = screen(node, clean, self._values(node.estimates), receivers)
        else:
            earlier = [self._selections[chosen.id].heads for chosen in node.taken]
            screening = self._screenings[node.screen.id] if node.screen else None
            self._selections[id] = select(
                node, clean, [self._values(refs) for refs in node.patched], earlier, screening
            )
            self._as_told(id, self._selections[id].heads)

    def _values(self, refs: tuple[Ref, ...]) -> list[Tensors] | None:
        """The values of steps; None where they are not run, because they are known to be zero, or screened out."""
        idle = self._zero | self._screened_out
        return None if any(ref.id in idle for ref in refs) else [self._value(ref.id) for ref in refs]

    def _chosen(self, wanted: Iterable[str]) -> Mapping[str, tuple[Head, ...]]:
        chosen = {id: self._selections.get(id) or self._screenings.get(id) for id in wanted}
        return {id: tuple(sorted(one.heads)) for id, one in chosen.items() if one is not None}

    def _keep(self, object: str, tensors: Tensors) -> None:
        self._held += _size(tensors) - _size(self._kept.get(object, {}))
        self._kept[object] = tensors
        while len(self._kept) > 1 and self._held > self._kept_bytes:
            self._held -= _size(self._kept.popitem(last=False)[1])


def _size(tensors: Tensors) -> int:
    return sum(array.nbytes for array in tensors.values())
