"""The scheduler alone, on drawn plans: the order in which things finish changes nothing that a step says."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from drawn_plans import by_hand, heads_of, of, plans, value_of
from hypothesis import given, settings
from hypothesis import strategies as st

from entrack.execution.scheduler import Idle, Scheduler
from entrack.plan.bind import known_zero
from entrack.plan.order import by_model
from entrack.plan.plan import Plan, needs
from entrack.plan.steps import Choice, Step
from entrack.sites import Site

Pick = Callable[[tuple[str, ...]], str]


class Played:
    """A scheduler that is told what made-up values come out as, node by node."""

    def __init__(self, plan: Plan) -> None:
        self.scheduler = Scheduler(plan)
        self.values: dict[str, str] = {}
        self.heads: dict[str, tuple[Site, ...]] = {}

    def finish(self, id: str, salt: str = "") -> None:
        node = self.scheduler.plan.nodes[id]
        if isinstance(node, Choice):
            self.heads[id] = heads_of(node, self.values, self.heads)
            self.scheduler.choose(id, self.heads[id])
            return
        step = self.scheduler.bind(id)
        if not self.scheduler.is_idle(id):
            self.values[id] = value_of(step, salt)
            self.scheduler.finish(id, self.values[id])

    def finish_all(self, pick: Pick) -> None:
        while ready := self.scheduler.ready():
            self.finish(pick(ready))

    def bound(self) -> dict[str, Step | None]:
        return {id: self.scheduler.bound(id) for id in self.scheduler.plan.steps}


def drawn(data: st.DataObject) -> Pick:
    return lambda ready: data.draw(st.sampled_from(ready))


def can_begin(scheduler: Scheduler) -> Iterator[str]:
    """What is ready, by the definition."""
    for id, node in scheduler.plan.nodes.items():
        if not scheduler.finished(id) and all(scheduler.finished(need) for need in needs(node)):
            yield id


@settings(max_examples=40)
@given(plans(), st.data())
def test_every_order_of_finishing_binds_the_same_steps(plan: Plan, data: st.DataObject) -> None:
    played = Played(plan)
    played.finish_all(drawn(data))
    assert played.bound() == by_hand(plan)
    zero = {id for id, step in by_hand(plan).items() if known_zero(step)}
    assert played.scheduler.idle(Idle.KNOWN_ZERO) == zero


@settings(max_examples=40)
@given(plans(), st.data())
def test_what_is_ready_has_all_that_it_needs_and_nothing_else_does(plan: Plan, data: st.DataObject) -> None:
    played, pick = Played(plan), drawn(data)
    while ready := played.scheduler.ready():
        assert set(ready) == set(can_begin(played.scheduler))
        assert all(played.scheduler.is_ready(id) == (id in ready) for id in plan.nodes)
        played.finish(pick(ready))
    assert all(map(played.scheduler.finished, plan.nodes))


@settings(max_examples=40)
@given(plans())
def test_one_after_the_other_they_come_in_the_order_of_models(plan: Plan) -> None:
    played, order = Played(plan), []
    while (id := played.scheduler.next()) is not None:
        order.append(id)
        played.finish(id)
    assert order == list(by_model(plan.nodes, plan.needs))


@settings(max_examples=40)
@given(plans(), st.data())
def test_a_plan_that_grows_while_it_runs_ends_the_same(plan: Plan, data: st.DataObject) -> None:
    known = data.draw(st.integers(1, len(plan.nodes)))
    played, pick = Played(of(dict(list(plan.nodes.items())[:known]))), drawn(data)
    for _ in range(data.draw(st.integers(0, known))):
        if ready := played.scheduler.ready():
            played.finish(pick(ready))
    played.scheduler.extend(plan)
    assert set(played.scheduler.ready()) == set(can_begin(played.scheduler))
    played.finish_all(pick)
    assert played.bound() == by_hand(plan)


@settings(max_examples=40)
@given(plans(), st.data())
def test_a_value_that_comes_out_another_takes_along_what_was_made_from_it(plan: Plan, data: st.DataObject) -> None:
    played, pick = Played(plan), drawn(data)
    for _ in range(data.draw(st.integers(1, len(plan.nodes)))):
        if ready := played.scheduler.ready():
            played.finish(pick(ready))
    if not played.values:
        return
    damaged = data.draw(st.sampled_from(sorted(played.values)))
    played.finish(damaged, "damaged")
    stale = played.scheduler.forget(damaged)
    assert all(damaged in ancestors_of(plan, id) for id in stale)
    for id in stale:
        played.values.pop(id, None)
        played.heads.pop(id, None)
    assert set(played.scheduler.ready()) == set(can_begin(played.scheduler))
    played.finish_all(pick)
    assert played.bound() == by_hand(plan, damaged)


@settings(max_examples=40)
@given(plans(), st.data())
def test_a_value_that_is_gone_is_ready_again(plan: Plan, data: st.DataObject) -> None:
    played = Played(plan)
    played.finish_all(drawn(data))
    if not played.values:
        return
    gone = data.draw(st.sampled_from(sorted(played.values)))
    played.scheduler.drop([gone])
    assert played.scheduler.ready() == (gone,)
    played.finish(gone)
    assert played.scheduler.ready() == () and played.scheduler.next() is None


def ancestors_of(plan: Plan, id: str) -> set[str]:
    """All that a node needs, however far."""
    found: set[str] = set()
    waiting = [id]
    while waiting:
        for need in plan.needs[waiting.pop()]:
            if need not in found:
                found.add(need)
                waiting.append(need)
    return found
