"""Many steps in hand: whatever order they come back in, whoever is lost and whatever is damaged, a run ends as one that
does one step after the other."""

from __future__ import annotations

import itertools
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from drawn_plans import ASKED, BATCHES, MODELS, by_hand, heads_of, of, plans, value_of
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_workers import Losing, MadeUp, salt, some, walked
from plan_worlds import SPEC
from stress.walks import Study, compute

from entrack.engine.errors import EngineError
from entrack.events import Event, StepDone, StepStarted, Waiting
from entrack.execution.coordinator import Coordinator
from entrack.execution.dispatch import Dispatch, behind, where
from entrack.execution.environment import machine
from entrack.execution.executor import Task
from entrack.execution.local import LocalExecutor
from entrack.execution.repository import Repository
from entrack.execution.scheduler import Scheduler
from entrack.interrupts import watched
from entrack.models.key import ModelSource
from entrack.models.weight_files import ModelMissing
from entrack.plan.bind import step_address
from entrack.plan.plan import Plan
from entrack.plan.steps import Choice, Evaluate, PathPatch, Step
from entrack.sites import Site
from entrack.store import DiskStore, MemoryStore, StoreError, StoreFull
from entrack.store.base import JSON, Action
from entrack.workers.errors import PoisonedStep, WorkerLost
from entrack.workers.executor import WorkersExecutor

LOST = 0.1


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Study.made(tmp_path_factory.mktemp("study"), SPEC.replace("n = 6", "n = 120"))


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("entrack-")] == []


def alone(study: Study) -> Coordinator:
    """A run of one step after the other."""
    repository = Repository(MemoryStore())
    run = Coordinator(study.plan, repository, LocalExecutor(repository, compute))
    run.run()
    return run


def heads(run: Coordinator) -> dict[str, tuple[Site, ...] | None]:
    return {id: run.heads(id) for id, node in run.plan.nodes.items() if isinstance(node, Choice)}


@pytest.fixture(scope="module")
def one_after_the_other(study: Study) -> Callable[[int, int, float, float], None]:
    """Tries a run against one that does one step after the other; a study would make a long word in a report."""
    expected = heads(alone(study))
    return lambda *drawn: check_a_run(study, expected, *drawn)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_run_ends_as_one_after_the_other(
    one_after_the_other: Callable[[int, int, float, float], None], data: st.DataObject
) -> None:
    shares = st.sampled_from((0.0, 0.1, 0.5))
    one_after_the_other(
        *data.draw(st.tuples(st.integers(1, 9), st.integers(0, 10**6), shares, st.sampled_from((0.0, LOST))))
    )


def check_a_run(study: Study, expected: object, many: int, seed: int, damaged: float, lost: float) -> None:
    bent = some(study.expected, damaged, salt(seed, "bent"))
    workers = MadeUp(many, salt(seed, "workers"), 0.002, lost, bent)
    repository = Losing(MemoryStore(), bent | some(study.expected, damaged, salt(seed, "gone")))
    try:
        run = walked(study.plan, repository, workers)
    except PoisonedStep:
        assert lost, "workers are lost thrice over one step by chance alone"
        return
    found = {name: action and action.object for name in study.expected for action in [repository.store.find(name)]}
    assert found == study.expected and heads(run) == expected
    assert workers.left == set() and workers.most <= many + max(1, many // 4)
    if not damaged:
        assert sum(workers.asked.values()) - workers.losses == len(study.expected) == run.computed


def test_many_are_in_hand_at_once(study: Study) -> None:
    workers = MadeUp(4, random.Random(1), 0.01)
    walked(study.plan, Repository(MemoryStore()), workers)
    assert workers.most > 2


def test_workers_that_come_are_given_steps_while_others_are_in_hand() -> None:
    together, workers = threading.Barrier(3), MadeUp(1, random.Random(0))

    def grows(step: Step) -> None:
        time.sleep(0.1)  # until all that there is room for is in hand
        workers.many = 3
        together.wait(10)

    workers.meanwhile = grows
    steps = {f"node {number}": Evaluate(MODELS[0], batch, (), ASKED) for number, batch in enumerate(BATCHES)}
    assert len(steps) == 3
    walked(of(steps), Repository(MemoryStore()), workers)


def test_a_store_on_a_disk_is_byte_for_byte_the_same(study: Study, tmp_path: Path) -> None:
    for many in (0, 1, 5):
        with DiskStore(tmp_path / str(many)) as store:
            if many:
                walked(study.plan, Repository(store), MadeUp(many, random.Random(many), 0.002))
            else:
                study.run(store)
            assert study.is_in(store)
    files = {
        many: {
            path.relative_to(tmp_path / str(many)): path.read_bytes()
            for kind in ("objects", "actions")
            for path in (tmp_path / str(many) / kind).rglob("*")
            if path.is_file()
        }
        for many in (0, 1, 5)
    }
    assert files[0] == files[1] == files[5]


def test_what_is_in_hand_is_stored_when_a_step_fails_and_the_first_in_order_is_told() -> None:
    steps = [Evaluate(MODELS[0], batch, (), ASKED) for batch in BATCHES]
    together = threading.Barrier(3)

    def broken(step: Step) -> None:
        number = steps.index(step)  # type: ignore[arg-type]
        together.wait(10)
        if number != 1:
            time.sleep(0.1 * (number == 0))
            raise EngineError(f"step {number}")
        time.sleep(0.2)

    repository = Repository(MemoryStore())
    with pytest.raises(EngineError, match="step 0"):
        walked(
            of({f"node {number}": step for number, step in enumerate(steps)}),
            repository,
            MadeUp(3, random.Random(0), meanwhile=broken),
        )
    assert set(repository.store.addresses()) == {step_address(steps[1])}, "it was in hand and had no error"


@pytest.fixture(autouse=True)
def _heard() -> Iterator[None]:
    """Ctrl-C is heard, also where a shell that began the tests with `&` has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_no_worker_is_asked_for_a_model_that_is_known_by_digests_alone() -> None:
    workers, source = MadeUp(2, random.Random(0)), ModelSource("m", Path("/m"), digests=("w", None))
    executor = WorkersExecutor(Repository(MemoryStore()), workers)
    task = Task(Evaluate(MODELS[0], BATCHES[0], (), ASKED), {}, "a step", source)
    with closing(executor), pytest.raises(ModelMissing, match="m is known by the digests of its weights alone"):
        executor.submit(task).result(10)
    assert not workers.asked


def test_no_thread_is_left_where_workers_cannot_be_ended() -> None:
    class Stuck(MadeUp):
        def close(self) -> None:
            raise EngineError("cannot be ended")

    step = Evaluate(MODELS[0], BATCHES[0], (), ASKED)
    with pytest.raises(EngineError, match="cannot be ended"):
        walked(of({"node 0": step}), Repository(MemoryStore()), Stuck(2, random.Random(0)))


def test_the_machine_of_a_worker_is_recorded() -> None:
    class Elsewhere(MadeUp):
        def compute(self, step, inputs, source):  # type: ignore[no-untyped-def]
            tensors, how = super().compute(step, inputs, source)
            return tensors, {**how, "machine": "12345678"}

    step, found = Evaluate(MODELS[0], BATCHES[0], (), ASKED), list[object]()
    for workers in (MadeUp(2, random.Random(0)), Elsewhere(2, random.Random(0))):
        repository = Repository(MemoryStore())
        walked(of({"node 0": step}), repository, workers)
        action = repository.find(step)
        assert action is not None
        found.append(action.how["machine"])
    assert found == [machine(), "12345678"]


def ctrl_c() -> None:
    """As from a terminal: the main thread is sent the signal, and woken by it."""
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)  # type: ignore[arg-type]  # it runs


def bound(study: Study) -> list[Step]:
    run = alone(study)
    return [step for id in study.plan.steps if (step := run.bound(id)) is not None]


class Full(MemoryStore):
    """Takes so many entries."""

    most = 5

    def put(self, address: str, tensors_: Mapping[str, Any], how: Mapping[str, JSON]) -> Action:
        if self.stats().entries >= self.most:
            raise StoreFull("no space is left")
        return super().put(address, tensors_, how)


def test_a_store_that_gets_full_is_said_and_goes_on_later(study: Study) -> None:
    store = Full()
    with pytest.raises(StoreFull, match="no space"):
        walked(study.plan, Repository(store), MadeUp(4, random.Random(0), 0.002))
    assert store.stats().entries == Full.most
    store.most = 10**6
    assert walked(study.plan, Repository(store), MadeUp(4, random.Random(0))).computed == (
        len(study.expected) - Full.most
    )


def test_a_step_that_takes_its_workers_along_is_named(study: Study) -> None:
    poisoned = next(id for id, node in study.plan.nodes.items() if isinstance(node, PathPatch))
    bad = step_address(next(step for step in bound(study) if isinstance(step, PathPatch)))
    workers = MadeUp(3, random.Random(0))

    def meanwhile(step: Step) -> None:
        if step_address(step) == bad:
            workers.losses += 1
            raise WorkerLost("worker 1 was ended by SIGKILL")

    workers.meanwhile = meanwhile
    repository = Repository(MemoryStore())
    with pytest.raises(PoisonedStep) as raised:
        walked(study.plan, repository, workers)
    assert study.plan.what[poisoned] in str(raised.value) and "SIGKILL" in str(raised.value)
    assert workers.asked[bad] == 3
    assert set(workers.asked) - {bad} == set(repository.store.addresses()), "what else was in hand has been stored"


def test_an_interrupt_drops_what_is_in_hand_and_keeps_what_is_finished(study: Study) -> None:
    workers = MadeUp(4, random.Random(0), 0.002)

    once = [ctrl_c]

    def interrupt(step: Step) -> None:
        if sum(workers.asked.values()) >= 9 and once:
            once.pop()()
            time.sleep(0.05)

    workers.meanwhile = interrupt
    repository = Repository(MemoryStore())
    with pytest.raises(KeyboardInterrupt), watched():
        walked(study.plan, repository, workers)
    finished = repository.store.stats().entries
    assert 0 < finished < len(study.expected)
    again = MadeUp(4, random.Random(0))
    assert walked(study.plan, repository, again).computed == len(study.expected) - finished
    assert study.is_in(repository.store)


def test_who_waits_for_another_process_can_be_ended(study: Study) -> None:
    """A step that another run has is waited for, and no longer than this run lasts."""
    store, events = MemoryStore(), list[Event]()
    first = step_address(bound(study)[0])
    with store.computing(first):
        threading.Timer(1.5, ctrl_c).start()
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt), watched():
            walked(study.plan, Repository(store), MadeUp(2, random.Random(0)), events.append)
    assert any(isinstance(event, Waiting) for event in events) and time.monotonic() - start < 5


def test_steps_that_share_a_lock_do_not_wait_for_another_process(tmp_path: Path) -> None:
    steps: dict[str, Evaluate] = {}
    for tokens in itertools.count(1):  # a few dozen, until two share one
        step = Evaluate(MODELS[0], BATCHES[0], (), ((tokens,), (tokens + 1,)))
        if (other := steps.setdefault(step_address(step)[:3], step)) is not step:
            break
    events: list[Event] = []
    with DiskStore(tmp_path) as store:
        walked(
            of({"one": step, "two": other}),
            Repository(store),
            MadeUp(2, random.Random(0), meanwhile=slow),
            events.append,
        )
    assert not any(isinstance(event, Waiting) for event in events)


def slow(step: Step) -> None:
    time.sleep(1.2)  # a second's wait is told of


def test_steps_that_come_out_as_one_are_computed_once() -> None:
    step, events = Evaluate(MODELS[0], BATCHES[0], (), ASKED), list[Event]()
    workers = MadeUp(4, random.Random(0), 0.01)
    run = walked(of({f"node {number}": step for number in range(5)}), Repository(MemoryStore()), workers, events.append)
    assert run.computed == 1 and sum(workers.asked.values()) == 1
    assert [event.found for event in events if isinstance(event, StepDone)] == [False, True, True, True, True]
    assert not any(isinstance(event, Waiting) for event in events)


def test_a_value_that_is_lost_whenever_it_is_made_is_said(study: Study) -> None:
    class Forgetful(Losing):
        def load(self, value):  # type: ignore[no-untyped-def]
            self.left = set(study.expected)
            return super().load(value)

    with pytest.raises(StoreError, match="as soon as it is put there"):
        walked(study.plan, Forgetful(MemoryStore()), MadeUp(4, random.Random(0)))


def test_each_step_is_begun_and_done_once(study: Study) -> None:
    events: list[Event] = []
    walked(study.plan, Repository(MemoryStore()), MadeUp(3, random.Random(0), 0.002, LOST / 2), events.append)
    begun = sorted(event.what for event in events if isinstance(event, StepStarted))
    assert begun == sorted(event.what for event in events if isinstance(event, StepDone) and not event.found)


# --- what is begun next -----------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(plans(), st.integers(1, 4), st.randoms(use_true_random=False))
def test_each_node_is_given_once_and_all_are(plan: Plan, lanes: int, chance: random.Random) -> None:
    scheduler = Scheduler(plan)
    dispatch = Dispatch(scheduler, dict.fromkeys(plan.nodes, 1))
    values: dict[str, str] = {}
    chosen: dict[str, tuple[Site, ...]] = {}
    begun, given_out = list[str](), list[str]()
    for _ in range(3 * len(plan.nodes) + 1):
        if len(begun) < lanes and (id := dispatch.take(None, ())) is not None:
            assert scheduler.is_ready(id)
            begun.append(id)
            given_out.append(id)
            continue
        if not begun:
            break
        id = begun.pop(chance.randrange(len(begun)))
        node = plan.nodes[id]
        if isinstance(node, Choice):
            chosen[id] = heads_of(node, values, chosen)
            scheduler.choose(id, chosen[id])
            continue
        step = scheduler.bind(id)
        if not scheduler.is_idle(id):
            values[id] = value_of(step)
            scheduler.finish(id, values[id])
    assert sorted(given_out) == sorted(plan.nodes)
    assert {id: scheduler.bound(id) for id in plan.steps} == by_hand(plan)


def test_the_longest_path_comes_first_and_then_the_same_batch(study: Study) -> None:
    works = dict.fromkeys(study.plan.nodes, 1)
    waits = behind(study.plan, works)
    scheduler = Scheduler(study.plan)
    dispatch = Dispatch(scheduler, works)
    ready = [id for id in scheduler.ready() if not isinstance(study.plan.nodes[id], Choice)]
    first = dispatch.take(None, ())
    assert first is not None and waits[first] == max(waits[id] for id in ready)
    node = study.plan.nodes[first]
    assert not isinstance(node, Choice)
    near = where(node)
    like = [id for id in ready if waits[id] == waits[first] and where(study.plan.nodes[id]) == near and id != first]  # type: ignore[arg-type]
    assert (dispatch.take(near, {near}) in like) == bool(like)
    other = dispatch.take(None, {near})
    others = [id for id in ready if waits[id] == waits[first] and where(study.plan.nodes[id]) != near]  # type: ignore[arg-type]
    assert not others or other in others, "what nobody works on is begun by who has nothing"
