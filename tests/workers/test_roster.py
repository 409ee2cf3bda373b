"""The roster: a step goes to the worker that suits it, and who waits learns what becomes of the workers."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from attrs import evolve
from stress.addresses import STEPS

from entrack.events import Event, WorkerNotTaken, WorkersHere
from entrack.execution.dispatch import where
from entrack.plan.steps import Evaluate, Step
from entrack.workers.errors import NoWorkers, WorkerLost, WorkerRefused
from entrack.workers.roster import Roster, Seat, _Request

STEP = next(step for step in STEPS if isinstance(step, Evaluate))
OTHER_BATCH: Step = evolve(STEP, batch=evolve(STEP.batch, tokens=(tuple(reversed(STEP.batch.tokens[0])),)))
OTHER_MODEL: Step = evolve(STEP, model=evolve(STEP.model, weights="f" * 64))
LONGEST = 20


def roster_of(*names: str, watcher: Callable[[Event], None] = lambda event: None) -> Roster:
    roster = Roster(len(names), watcher)
    for name in names:
        assert roster.asks(name)
        roster.joins(name)
    return roster


def named(roster: Roster, step: Step) -> str:
    with roster.seat(step) as seat:
        return seat.name


def asking(roster: Roster, step: Step, pool: ThreadPoolExecutor) -> Future[str]:
    """Somebody who waits for a worker."""
    waits = pool.submit(named, roster, step)
    time.sleep(0.1)
    assert not waits.done()
    return waits


@pytest.fixture
def pool() -> Any:
    with ThreadPoolExecutor(4) as threads:
        yield threads


def test_a_step_goes_where_its_batch_was_then_where_its_model_was_then_to_who_had_none() -> None:
    roster = roster_of("a", "b", "c")
    with roster.seat(STEP) as first, roster.seat(OTHER_MODEL) as second:
        assert (first.name, second.name) == ("a", "b")
    assert named(roster, OTHER_MODEL) == "b"
    assert named(roster, OTHER_BATCH) == "a"
    assert named(roster, STEP) == "a"
    assert named(roster, OTHER_MODEL) == "b"
    with roster.seat(STEP), roster.seat(STEP) as another:
        assert another.name == "c"


def test_a_worker_that_gets_free_takes_what_suits_it(pool: ThreadPoolExecutor) -> None:
    roster = roster_of("a")
    taken: list[Step] = []

    def takes(step: Step) -> None:
        with roster.seat(step):
            taken.append(step)

    with roster.seat(STEP):
        waits = [pool.submit(takes, OTHER_MODEL)]
        time.sleep(0.1)
        waits.append(pool.submit(takes, STEP))
        time.sleep(0.1)
    for each in waits:
        each.result(timeout=LONGEST)
    assert taken == [STEP, OTHER_MODEL]


def test_a_worker_is_asked_once() -> None:
    roster = Roster()
    assert roster.asks("a") and not roster.asks("a")
    roster.joins("a")
    assert not roster.asks("a") and len(roster) == 1
    roster.leaves("a", expected=True)
    assert roster.asks("a")


def test_who_left_before_it_joined_is_not_here() -> None:
    roster = Roster()
    roster.asks("a")
    roster.leaves("a", expected=False)
    roster.joins("a")
    assert len(roster) == 0


@pytest.mark.parametrize("expected", [False, True])
def test_who_waits_for_a_worker_learns_that_it_is_gone(expected: bool, pool: ThreadPoolExecutor) -> None:
    roster = roster_of("a")

    def waits() -> tuple[bool, Seat]:
        with roster.seat(STEP) as seat:
            return seat.wait(lambda: False), seat

    asked = pool.submit(waits)
    time.sleep(0.1)
    roster.leaves("a", expected=expected)
    finished, seat = asked.result(timeout=LONGEST)
    assert not finished and seat.gone and seat.expected == expected


def test_a_step_waits_for_a_worker_that_comes_later(pool: ThreadPoolExecutor) -> None:
    roster = Roster(1)
    waits = asking(roster, STEP, pool)
    roster.asks("late")
    roster.joins("late")
    assert waits.result(timeout=LONGEST) == "late"


def test_where_all_are_refused_the_first_reason_is_told(pool: ThreadPoolExecutor) -> None:
    said: list[Event] = []
    roster = Roster(2, said.append)
    roster.asks("a")
    roster.asks("b")
    waits = asking(roster, STEP, pool)
    roster.refuses("a", "a has torch 1.0")
    assert not waits.done()
    roster.refuses("b", "b has torch 1.1")
    with pytest.raises(WorkerRefused, match=r"a has torch 1\.0"):
        waits.result(timeout=LONGEST)
    assert said[1:] == [WorkerNotTaken("a", "a has torch 1.0"), WorkerNotTaken("b", "b has torch 1.1")]


def test_who_is_refused_and_comes_once_more_is_not_waited_for() -> None:
    roster = Roster(1)
    roster.asks("a")
    roster.refuses("a", "a has torch 1.0")
    assert not roster.asks("a")
    with pytest.raises(WorkerRefused, match=r"a has torch 1\.0"):
        roster._given(_Request(where(STEP)))


def test_others_go_on_where_one_is_refused() -> None:
    roster = roster_of("a")
    roster.asks("b")
    roster.refuses("b", "b has torch 1.0")
    assert named(roster, STEP) == "a" and not roster.asks("b")


@pytest.mark.parametrize("why", [None, NoWorkers("the scheduler is gone")])
def test_who_waits_when_it_closes_is_told_why(why: NoWorkers | None, pool: ThreadPoolExecutor) -> None:
    roster = Roster(1)
    waits = asking(roster, STEP, pool)
    roster.close(why)
    with pytest.raises(type(why or WorkerLost()), match=str(why or "let go")):
        waits.result(timeout=LONGEST)


def test_a_watcher_hears_how_many_are_here() -> None:
    said: list[Event] = []
    roster = roster_of("a", "b", watcher=said.append)
    roster.leaves("a", expected=True)
    assert said == [WorkersHere(here, 2) for here in (0, 1, 2, 1)]
