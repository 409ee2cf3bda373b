"""Where the values of steps stand in a store, and which of them a run may take.

A step has one address. A value made there with another stack, which the policy does not take, stays; the value computed
instead is put beside it, at an address that says the stack too. So two machines that share a store never undo each
other's work.
"""

from __future__ import annotations

from entrack.address import address
from entrack.execution.environment import Environment, described
from entrack.execution.reuse_policy import ReusePolicy
from entrack.plan.bind import step_address
from entrack.plan.steps import Step
from entrack.store.base import Action, Store


class Repository:
    """A store as one run sees it. `declined` holds, by the addresses of their steps, values that are there and were
    not taken."""

    def __init__(
        self,
        store: Store,
        reference: bool = False,
        accept: ReusePolicy = ReusePolicy.ANY,
        environment: Environment | None = None,
    ) -> None:
        self.store, self.reference, self.accept = store, reference, accept
        self.environment = environment or Environment()
        self.declined: dict[str, Action] = {}

    def address(self, step: Step) -> str:
        """The address of a bound step, whatever the stack."""
        return step_address(step, self.reference)

    def find(self, step: Step) -> Action | None:
        """The value of a bound step that may be taken."""
        own = self.address(step)
        self.declined.pop(own, None)
        first = self.store.find(own)
        if first is not None and described(first.how, self.accept) == self._stack(step):
            return first
        beside = None if self.accept is ReusePolicy.ANY else self.store.find(self._beside(step, own))
        if first is not None and beside is None:
            self.declined[own] = first
        return beside

    def place(self, step: Step) -> str:
        """Where a new value of a bound step goes, once it has been looked for."""
        own = self.address(step)
        return self._beside(step, own) if own in self.declined else own

    def _stack(self, step: Step) -> dict[str, object]:
        return {} if self.accept is ReusePolicy.ANY else self.environment.told(step.model.facts, self.accept)

    def _beside(self, step: Step, own: str) -> str:
        return address(["beside", own, self._stack(step)])
