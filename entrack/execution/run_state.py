"""What a run knows so far: entries of steps, screens, races and selections, which steps need not run; and what lowering
was told of it."""

from __future__ import annotations

from entrack.analysis.racing import Racing
from entrack.analysis.screening import Screening
from entrack.analysis.selection import Selection
from entrack.execution.choices import Choices
from entrack.execution.repository import Repository, StoredValue
from entrack.execution.scheduler import Idle, Scheduler
from entrack.plan.plan import Plan
from entrack.plan.steps import Step
from entrack.sites import Site
from entrack.store.base import Action
from entrack.store.errors import StoreError


class RunState:
    """Asked by lowering (`plan.lower.context.Known`), by the results (`analysis.run_values.Ran`) and by who looks."""

    def __init__(self, plan: Plan, repository: Repository) -> None:
        self._scheduler, self._repository = Scheduler(plan), repository
        self._actions: dict[str, Action] = {}
        self._choices = Choices()
        self._made: set[str] = set()
        self._lost: dict[str, Action] = {}
        """What a survey had to read and could not."""
        self._told: dict[str, object] = {}
        """What lowering was told: heads of selections, objects of steps."""

    @property
    def plan(self) -> Plan:
        return self._scheduler.plan

    def extend(self, plan: Plan) -> None:
        """Go on with a plan of the same spec in which more is known. What was made stays made."""
        self._scheduler.extend(plan)

    # what can be asked

    def heads(self, select: str) -> tuple[Site, ...] | None:
        """The heads that a selection kept, when it has been made."""
        selection = self._choices.selections.get(select)
        if selection is not None:
            self._told[select] = selection.sites
        return None if selection is None else tuple(sorted(selection.sites))

    def address_of(self, id: str) -> str:
        """The address of a step that has a value, whatever the environment it was made with."""
        return self._repository.address(self._step(id))

    def bound(self, id: str) -> Step | None:
        """The step as its address sees it; None while what it needs is not known."""
        return self._scheduler.bound(id)

    def action(self, id: str) -> Action | None:
        """What was made of a step; None where nothing was, or nothing that is taken."""
        return self._actions.get(id)

    def lost(self, id: str) -> Action | None:
        """What a survey found of a step, and could not read: it is damaged."""
        return self._lost.get(id)

    def made(self, id: str) -> bool:
        """Whether a step has a value: one whose heads cannot reach a receiver, or were left out by a screen or a
        race, has none."""
        return id in self._actions

    def selection(self, id: str) -> Selection:
        return self._choices.selections[id]

    def screening(self, id: str) -> Screening:
        return self._choices.screenings[id]

    def racing(self, id: str) -> Racing:
        return self._choices.races[id]

    @property
    def computed(self) -> int:
        """Steps that were computed."""
        return len(self._made)

    @property
    def zeros(self) -> int:
        """Steps that were not run because their heads cannot reach a receiver."""
        return len(self._scheduler.idle(Idle.KNOWN_ZERO))

    @property
    def screened_out(self) -> int:
        """Steps that were not run because a screen let none of their heads through, or none of them was kept."""
        return len(self._scheduler.idle(Idle.SCREENED_OUT)) + len(self._scheduler.idle(Idle.NOT_KEPT))

    @property
    def decided(self) -> int:
        """Steps that were not run because a race had decided all of their heads."""
        return len(self._scheduler.idle(Idle.DECIDED))

    @property
    def actions(self) -> tuple[Action, ...]:
        return tuple(self._actions.values())

    @property
    def found(self) -> tuple[Action, ...]:
        """What was taken from the store."""
        return tuple(action for id, action in self._actions.items() if id not in self._made)

    # what becomes known

    def _have(self, id: str, action: Action) -> None:
        """A step has this entry."""
        self._as_told(id, action.object)
        self._actions[id] = action
        self._scheduler.finish(id, action.object)

    def _forget_users(self, id: str) -> bool:
        """Forget everything that was bound to a value or chosen from it, however far; whether there was anything."""
        stale = self._scheduler.forget(id)
        for other in stale:
            self._actions.pop(other, None)
        self._choices.forget(stale)
        self._made -= stale
        return bool(stale)

    def _as_told(self, id: str, what: object) -> None:
        """What is known of a node must not be another than what lowering was told: steps follow from that."""
        if self._told.get(id, what) != what:
            raise StoreError(
                "a damaged value of the store came out another after more steps had been planned from it: what "
                "was damaged is put right, run again"
            )

    def _stored(self, id: str) -> StoredValue:
        return StoredValue(self._step(id), self._actions[id])

    def _step(self, id: str) -> Step:
        step = self._scheduler.bound(id)
        assert step is not None, "it has been looked for"
        return step
