"""What Dask tells, without Dask: a stand-in has the topics that are heard. `tests/cluster` has the real one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from stress.addresses import STEPS

from entrack.execution.environment import Environment
from entrack.workers import remote
from entrack.workers.dask import DaskWorkers
from entrack.workers.errors import WorkerCalledOff
from entrack.workers.worker import Settings, hello

SETTINGS = Settings(environment=Environment("cpu"))
NAME = "tcp://10.0.0.7:4000"


class Fake:
    """A client of a scheduler that has one worker."""

    def __init__(self) -> None:
        self.topics: dict[str, Callable[[tuple[float, Any]], None]] = {}

    def subscribe_topic(self, topic: str, hear: Callable[[tuple[float, Any]], None]) -> None:
        self.topics[topic] = hear

    def unsubscribe_topic(self, topic: str) -> None:
        if topic not in self.topics:
            raise ValueError(f"No event handler known for topic {topic}.")
        del self.topics[topic]

    def scheduler_info(self, n_workers: int) -> dict[str, Any]:
        return {"workers": {NAME: {}}}

    def submit(self, call: object, told: object, **more: object) -> Future[Any]:
        said = Future[Any]()
        said.set_result({**hello(SETTINGS), "machine": "node-7"})
        return said


@pytest.mark.parametrize(
    ("reason", "expected", "wanted"),
    [
        ("signal-15", False, True),
        ("signal-2", False, False),
        ("worker-close", False, False),
        ("worker-lifetime-reached", True, True),
    ],
)
def test_a_worker_that_somebody_ended_does_not_count_against_its_step(
    reason: str, expected: bool, wanted: bool
) -> None:
    client = Fake()
    workers = DaskWorkers(client, SETTINGS)
    with workers.roster.seat(STEPS[0]) as seat:
        client.topics[NAME]((0.0, {"action": "closing-worker", "reason": reason}))
        client.topics["all"]((0.0, {"action": "remove-worker", "worker": NAME, "expected": expected}))
        assert seat.gone and isinstance(remote.lost(seat), WorkerCalledOff) == wanted
    assert set(client.topics) == {"all"} and len(workers.roster) == 0


def test_a_worker_that_comes_and_goes_once_the_run_has_ended_is_left_alone() -> None:
    client = Fake()
    workers = DaskWorkers(client, SETTINGS)
    workers.roster.close()
    for action in ("add-worker", "remove-worker"):
        client.topics["all"]((0.0, {"action": action, "worker": "tcp://late:1"}))
    assert set(client.topics) == {"all", NAME}
