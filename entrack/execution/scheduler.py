"""Scheduling: from a plan and what of it is finished to what can be done next. No store, no model, no tensors.

before: nodes {capture, hop, select}, hop needs capture, select needs hop; nothing finished    ready: capture
after:  capture finished with the value sha256:4b7d                                            ready: hop, bound to it

What is finished of a step is the digest of its value, or that it has none (`Idle`); of a screen, race or selection, the
heads that it lets through. What a bound step says depends on these alone, never on the order in which they came.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from enum import Enum

from entrack.plan.bind import bind, known_zero, screened_out
from entrack.plan.order import by_model
from entrack.plan.plan import Plan
from entrack.plan.steps import Choice, PathPatch, Race, Screened, Select, Step
from entrack.sites import Site


class Idle(Enum):
    """Why a step is not run: its senders cannot reach a receiver, a screen let none of them through, a race had decided
    them all, or none of them was kept, where what was kept is confirmed."""

    KNOWN_ZERO = "known zero"
    SCREENED_OUT = "screened out"
    DECIDED = "decided"
    NOT_KEPT = "not kept"


class Scheduler:
    """What of a plan is finished. Mutable, and a function of the events alone: `extend`, `finish`, `choose`,
    `forget`, `drop`."""

    def __init__(self, plan: Plan) -> None:
        self._bound: dict[str, Step] = {}
        self._values: dict[str, str] = {}
        self._chosen: dict[str, tuple[Site, ...]] = {}
        self._idle: dict[str, Idle] = {}
        self._news: list[str] | None = None
        self.extend(plan)

    def copy(self) -> Scheduler:
        """Another that has heard of the same events."""
        new = Scheduler(self.plan)
        new._bound, new._values = dict(self._bound), dict(self._values)
        new._chosen, new._idle = dict(self._chosen), dict(self._idle)
        new._recount()
        return new

    # events

    def extend(self, plan: Plan) -> None:
        """More of the same spec is known: go on with a plan that has these nodes and others. What is finished stays
        so."""
        self.plan = plan
        self._users: dict[str, list[str]] = {}
        for id, wanted in plan.needs.items():
            for need in wanted:
                self._users.setdefault(need, []).append(id)
        self._order: tuple[str, ...] = ()
        self._places: dict[str, int] = {}
        self._recount()

    def finish(self, id: str, value: str) -> None:
        """A step has a value with this digest."""
        new = not self.finished(id)
        self._values[id] = value
        if new:
            self._free(id)

    def choose(self, id: str, heads: Iterable[Site]) -> None:
        """A screen, race or selection lets these heads through."""
        new = not self.finished(id)
        self._chosen[id] = tuple(sorted(heads))
        if new:
            self._free(id)

    def forget(self, id: str) -> frozenset[str]:
        """The value of a step came out another: everything that was bound to it or chosen from it, however far, is
        not known any more. -> what that was"""
        users = {id}
        for other, wanted in self.plan.needs.items():  # each comes after what it needs
            if not users.isdisjoint(wanted):
                users.add(other)
        stale = frozenset(other for other in users - {id} if other in self._bound or other in self._chosen)
        self._remove(stale)
        return stale

    def drop(self, ids: Iterable[str]) -> None:
        """These steps turn out to have no value. What was bound to it stays."""
        for id in ids:
            del self._values[id]
        self._recount()

    # what follows

    def finished(self, id: str) -> bool:
        return id in self._values or id in self._chosen or id in self._idle

    def is_ready(self, id: str) -> bool:
        """Whether a node is not finished, and all that it needs is."""
        return not self._waits[id] and not self.finished(id)

    def ready(self) -> tuple[str, ...]:
        """All nodes that are ready, those first that change the model and the batch least (`plan/order.py`)."""
        self._put_in_order()
        return tuple(self._order[place] for place in self._ready)

    def next(self) -> str | None:
        """The first that is ready; None where everything is finished."""
        self._put_in_order()
        return self._order[self._ready[0]] if self._ready else None

    def place(self, id: str) -> int:
        """Where a node stands in the order of `ready`."""
        self._put_in_order()
        return self._places[id]

    def news(self) -> tuple[str, ...] | None:
        """The nodes that have become ready since this was asked for the last time; None where more may have changed,
        and `ready` has to be looked at."""
        news, self._news = self._news, []
        return None if news is None else tuple(filter(self.is_ready, news))

    def bind(self, id: str) -> Step:
        """A step that is ready, with the digests and heads that it needs; one that need not run is finished then."""
        node, wanted = self.plan.nodes[id], self.plan.needs[id]
        assert not isinstance(node, Choice)
        values = {need: self._values[need] for need in wanted if need in self._values}
        step = bind(node, values, {need: self._chosen[need] for need in wanted if need in self._chosen})
        self._bound[id] = step
        idle = Idle.KNOWN_ZERO if known_zero(step) else self._without_heads(node) if screened_out(step) else None
        if idle is not None and not self.finished(id):
            self._idle[id] = idle
            self._free(id)
        return step

    def _without_heads(self, node: Step) -> Idle:
        """Why a path patch has no heads left."""
        senders = node.senders if isinstance(node, PathPatch) else None
        chooser = self.plan.nodes[senders.id] if isinstance(senders, Screened) else None
        match chooser:
            case Race():
                return Idle.DECIDED
            case Select():
                return Idle.NOT_KEPT
            case _:
                return Idle.SCREENED_OUT

    def bound(self, id: str) -> Step | None:
        """The step as it was bound; None where it has not been, or is not known any more."""
        return self._bound.get(id)

    def idle(self, why: Idle) -> frozenset[str]:
        """The steps that are not run for this reason."""
        return frozenset(id for id, own in self._idle.items() if own is why)

    def is_idle(self, id: str) -> bool:
        return id in self._idle

    # bookkeeping

    def _remove(self, ids: Iterable[str]) -> None:
        known: tuple[dict[str, object], ...] = (self._bound, self._values, self._chosen, self._idle)  # type: ignore[assignment]  # only removed from
        for id in ids:
            for one in known:
                one.pop(id, None)
        self._recount()

    def _recount(self) -> None:
        """How many unfinished nodes each waits for; and, where an order has been asked for, what is ready in it."""
        self._news = None
        self._waits = {id: sum(not self.finished(need) for need in wanted) for id, wanted in self.plan.needs.items()}
        self._ready = [place for place, id in enumerate(self._order) if self.is_ready(id)]

    def _put_in_order(self) -> None:
        if not self._order and self.plan.nodes:
            self._order = tuple(by_model(self.plan.nodes, self.plan.needs))
            self._places = {id: place for place, id in enumerate(self._order)}
            self._ready = [place for place, id in enumerate(self._order) if self.is_ready(id)]

    def _free(self, id: str) -> None:
        """A node is finished now: it is not ready any more, and what waited for it alone is."""
        for user in self._users.get(id, ()):
            self._waits[user] -= 1
            if self._news is not None and not self._waits[user]:
                self._news.append(user)
        if self._order:
            self._take(id)
            for user in filter(self.is_ready, self._users.get(id, ())):
                insort(self._ready, self._places[user])

    def _take(self, id: str) -> None:
        place = self._places.get(id)
        at = len(self._ready) if place is None else bisect_left(self._ready, place)
        if self._ready[at : at + 1] == [place]:
            del self._ready[at]
