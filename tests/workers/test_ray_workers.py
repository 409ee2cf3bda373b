"""What is asked of Ray, without Ray: a stand-in notes what it is told. `tests/cluster` has the real one."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from stress.addresses import STEPS

from entrack.execution.environment import Environment
from entrack.workers.errors import NoWorkers, WorkerCalledOff, WorkerLost
from entrack.workers.worker import Settings, hello

STEP = STEPS[0]
SETTINGS = Settings(environment=Environment("cpu"))
ERRORS = ("RayActorError", "OutOfMemoryError", "NodeDiedError", "WorkerCrashedError", "LocalRayletDiedError")


class Fake(ModuleType):
    """A cluster of two machines with five GPUs; actors' greetings are futures that a test resolves, as is the answer
    of each."""

    def __init__(self) -> None:
        super().__init__("ray")
        self.connected = False
        self.greetings: list[Future[Any]] = []
        self.answer = Future[Any]()
        self.exceptions = SimpleNamespace(**{name: type(name, (Exception,), {}) for name in ERRORS})

    def is_initialized(self) -> bool:
        return self.connected

    def init(self, *given: Any, **more: Any) -> None:
        self.connected = True

    def shutdown(self) -> None:
        self.connected = False

    def kill(self, actor: Any) -> None:
        pass

    def cluster_resources(self) -> dict[str, float]:
        return {"GPU": 5.0}

    def nodes(self) -> list[str]:
        return ["one", "two"]

    def remote(self, **options: Any) -> Any:
        actor = SimpleNamespace(
            greeting=SimpleNamespace(remote=lambda told: SimpleNamespace(future=self._greeting)),
            answer=SimpleNamespace(remote=lambda told, asked: SimpleNamespace(future=lambda: self.answer)),
        )
        return lambda cls: SimpleNamespace(options=lambda **given: SimpleNamespace(remote=lambda: actor))

    def _greeting(self) -> Future[Any]:
        self.greetings.append(Future())
        return self.greetings[-1]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    fake = Fake()
    monkeypatch.setitem(sys.modules, "ray", fake)
    monkeypatch.delitem(sys.modules, "entrack.workers.ray", raising=False)
    yield fake
    sys.modules.pop("entrack.workers.ray", None)


@pytest.fixture
def own(fake: Fake) -> Any:
    return importlib.import_module("entrack.workers.ray")


@pytest.mark.parametrize("before", [True, False])
def test_a_connection_of_the_callers_stays(fake: Fake, own: Any, before: bool) -> None:
    fake.connected = before
    ours = own.connect(None)
    assert ours is not before and fake.connected
    own.RayWorkers(1, 0, SETTINGS, ours=ours).close()
    assert fake.connected is before


def test_a_cluster_is_not_taken_for_another(fake: Fake, own: Any) -> None:
    fake.connected = True
    with pytest.raises(NoWorkers, match="`ray` uses it, ray://head:1 may be another"):
        own.connect("ray://head:1")


def test_as_many_workers_as_have_their_gpus(fake: Fake, own: Any) -> None:
    assert [own.most(gpus) for gpus in (0, 1, 2, 8)] == [5, 5, 2, 2]


@pytest.mark.parametrize("error", ERRORS)
def test_an_actor_that_dies_while_it_greets_greets_again(fake: Fake, own: Any, error: str) -> None:
    workers = own.RayWorkers(1, 0, SETTINGS)
    fake.greetings[0].set_exception(getattr(fake.exceptions, error)("died"))
    assert len(workers.roster) == 0 and len(fake.greetings) == 2
    fake.greetings[1].set_result({**hello(SETTINGS), "machine": "node-7"})
    assert len(workers.roster) == 1


@pytest.mark.parametrize(
    ("said", "preempted", "wanted"),
    [
        ("Worker exit detail: Worker exits with an exit code 1. The process receives a SIGTERM.", False, True),
        ("the node is drained", True, True),
        ("Worker exit detail: Worker unexpectedly exits with a connection error code 2.", False, False),
    ],
)
def test_an_actor_that_somebody_ended_does_not_count_against_its_step(
    fake: Fake, own: Any, said: str, preempted: bool, wanted: bool
) -> None:
    workers = own.RayWorkers(1, 0, SETTINGS)
    workers.roster.joins("ray-0")
    died = fake.exceptions.RayActorError(said)
    died.preempted = preempted
    fake.answer.set_exception(died)
    with pytest.raises(WorkerLost) as raised, workers.roster.seat(STEP) as seat:
        workers._ask(seat, b"")
    assert isinstance(raised.value, WorkerCalledOff) == wanted
    assert len(fake.greetings) == 2, "it comes again"
