"""What a store has for the steps of one run: where their values stand, which of them may be taken, and whether they are
sound.

A step has one address. A value made there with another environment, which the policy does not take, stays; the value
computed instead is put beside it, at an address that says the environment too. So two machines that share a store never
undo each other's work.

A value is read with its digest, which the store checks, and then checked against its step's form (`value_check.py`);
one that is not of it is put aside as damage.

What the store does not have is looked for in the remote behind it, where there is one, by the same rules, and is in the
store before anybody learns of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from entrack.address import address
from entrack.execution.environment import Environment, alike, described, in_words
from entrack.execution.reuse_policy import ReusePolicy
from entrack.execution.value_cache import ValueCache
from entrack.execution.value_check import Tensors, fault, most_bytes
from entrack.frozen import frozen
from entrack.plan.bind import step_address
from entrack.plan.executor_kind import ExecutorKind
from entrack.plan.steps import Step
from entrack.store.base import Action, Store
from entrack.store.remote import RemoteStore
from entrack.store.tensors import MAX_HEADER

RECENT = 1 << 12
"""Steps whose addresses are remembered: one step is asked for several times on its way."""


@frozen
class StoredValue:
    """A bound step, and the entry that has its value."""

    step: Step
    action: Action


class Repository:
    """A store as one run sees it. `declined` holds, by the addresses of their steps, values that are there and were
    not taken."""

    def __init__(
        self,
        store: Store,
        kind: ExecutorKind = ExecutorKind.OPTIMISED,
        accept: ReusePolicy = ReusePolicy.ANY,
        environment: Environment | None = None,
    ) -> None:
        self.store, self.kind, self.accept = store, kind, accept
        self.environment = environment or Environment()
        self.declined: dict[str, Action] = {}
        self._remote = store if isinstance(store, RemoteStore) else None
        self._kept = ValueCache(self.environment.memory)
        self._sound: set[tuple[str, str]] = set()
        self._addresses: dict[int, tuple[Step, str]] = {}
        """Of the steps that were asked for last, by the objects themselves, which are held so that they stay."""

    def address(self, step: Step) -> str:
        """The address of a bound step, whatever the environment."""
        known = self._addresses.get(id(step))
        if known is None or known[0] is not step:
            if len(self._addresses) >= RECENT:
                self._addresses.clear()  # at once: threads of workers ask too
            known = self._addresses[id(step)] = step, step_address(step, self.kind)
        return known[1]

    def find(self, step: Step) -> Action | None:
        """The value of a bound step that may be taken."""
        own = self.address(step)
        self.declined.pop(own, None)
        declined, found = self._looked_up(step, own, self.store.find)
        if found is None and self._remote is not None:
            declined, found = self._brought(step, own, declined, self._remote)
        if declined is not None and found is None:
            self.declined[own] = declined
        return found

    def place(self, step: Step) -> str:
        """Where a new value of a bound step goes, once it has been looked for."""
        own = self.address(step)
        return self._beside(step, own) if own in self.declined else own

    def load(self, value: StoredValue) -> Tensors | None:
        """The tensors of an entry; None where the store has them no more, or they are not of the step's form: then
        the entry is put aside."""
        kept = self._kept.get(value.action.object)
        loaded = self.store.load(value.action) if kept is None else kept
        if loaded is None or not self._is_sound(value, loaded):
            return None
        if kept is None:
            self._kept.keep(value.action.object, loaded)
        return loaded

    def put(self, step: Step, tensors: Tensors, record: Mapping[str, Any]) -> Action:
        """Store a value that is of the form of its bound step. Raises StoreError."""
        action = self.store.put(self.place(step), tensors, record)
        self._sound.add((action.address, action.object))
        self._kept.keep(action.object, tensors)
        return action

    def environments(self, step: Step) -> tuple[str, str]:
        """In words, with what the declined value of a bound step was made, and what it was compared with."""
        there = described(self.declined[self.address(step)].how, self.accept)
        return in_words(there), in_words(self.environment.told(step.model.facts, self.accept))

    def _looked_up(
        self, step: Step, own: str, find: Callable[[str], Action | None]
    ) -> tuple[Action | None, Action | None]:
        """What is at a step's address and not taken, and what is taken, from there or beside."""
        first = find(own)
        if first is not None and alike(described(first.how, self.accept), self._own_environment(step)):
            return None, first
        return first, None if self.accept is ReusePolicy.ANY else find(self._beside(step, own))

    def _brought(
        self, step: Step, own: str, declined: Action | None, remote: RemoteStore
    ) -> tuple[Action | None, Action | None]:
        """The same of a remote, where the store has nothing that is taken: what is taken there is in the store then,
        beside a value of its own that is not."""
        there, taken = self._looked_up(step, own, remote.elsewhere)
        if taken is None:
            return declined or there, None
        place = taken.address if declined is None else self._beside(step, own)
        brought = remote.bring(taken, place, most_bytes(step) + MAX_HEADER, lambda value: fault(step, value))
        if brought is None:
            return declined or there, None
        self._sound.add((brought.action.address, brought.action.object))
        self._kept.keep(brought.action.object, brought.tensors)
        return declined or there, brought.action

    def _is_sound(self, value: StoredValue, tensors: Tensors) -> bool:
        known = value.action.address, value.action.object
        if known not in self._sound:
            wrong = fault(value.step, tensors)
            if wrong:
                self.store.quarantine(value.action, wrong)
                return False
            self._sound.add(known)
        return True

    def _own_environment(self, step: Step) -> dict[str, object]:
        return {} if self.accept is ReusePolicy.ANY else self.environment.told(step.model.facts, self.accept)

    def _beside(self, step: Step, own: str) -> str:
        return address(["beside", own, self._own_environment(step)])
