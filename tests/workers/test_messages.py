"""What crosses between a run and its workers: every kind of step comes out as it went in, errors keep their names, and
nothing but data is read."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from weakref import ref

import numpy as np
import pytest
from stress.addresses import LATER, STEPS

from entrack.address import address
from entrack.engine import errors
from entrack.engine.errors import NotFinite, OutOfMemory
from entrack.execution.environment import Environment, machine
from entrack.execution.value_cache import ValueCache
from entrack.models.key import ModelSource
from entrack.models.weight_files import ModelMissing
from entrack.plan import placement
from entrack.plan.executor_kind import ExecutorKind
from entrack.plan.steps import Step
from entrack.workers import message, worker
from entrack.workers.errors import InputsForgotten, WorkerMistake, WorkerRefused
from entrack.workers.identity import Identity, held_against
from entrack.workers.worker import Settings, Worker, hello, in_this_process

SOURCE = ModelSource('local("m")', Path("/m"), adapter=Path("/a"), revision="r", digests=("w", None))
INPUTS = {"a" * 64: {"one": np.arange(6, dtype=np.float32).reshape(2, 3), "two": np.array(7)}, "b" * 64: {}}


@pytest.mark.parametrize("step", [*STEPS, *LATER], ids=lambda step: type(step).__name__)
def test_a_step_comes_out_as_it_went_in(step: Step) -> None:
    asked = message.requested(message.request(step, INPUTS, SOURCE))
    assert asked.step == step and address(asked.step) == address(step)
    assert asked.source == SOURCE
    assert {digest: list(value) for digest, value in asked.inputs.items()} == {"a" * 64: ["one", "two"], "b" * 64: []}
    assert np.array_equal(asked.inputs["a" * 64]["one"], INPUTS["a" * 64]["one"])


def test_a_value_comes_back_with_how_it_was_made() -> None:
    value = {"logit": np.array([0.1, -0.0], dtype=np.float32)}
    tensors, how = message.replied(message.reply(value, {"seconds": 0.1, "device": "cpu"}))
    assert tensors["logit"].tobytes() == value["logit"].tobytes() and how == {"seconds": 0.1, "device": "cpu"}


@pytest.mark.parametrize(
    "error", [NotFinite("Evaluate", 3, 7, "the logits"), OutOfMemory("does not fit"), ModelMissing("is not here")]
)
def test_an_error_keeps_its_name_its_words_and_its_facts(error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        message.replied(message.failure(error))
    assert str(raised.value) == str(error) and vars(error).items() <= vars(raised.value).items()


def test_every_error_of_the_engine_keeps_its_name() -> None:
    known = {*message.ERRORS.values()}
    for module in (errors, placement):
        raised = {each for each in vars(module).values() if isinstance(each, type) and issubclass(each, Exception)}
        assert {each for each in raised if each.__module__ == module.__name__} <= known


@pytest.mark.parametrize(("error", "kind"), [(FileNotFoundError(2, "none"), OSError), (ImportError("x"), ImportError)])
def test_what_a_machine_lacks_keeps_its_name(error: Exception, kind: type[Exception]) -> None:
    with pytest.raises(kind) as raised:
        message.replied(message.failure(error))
    assert str(raised.value) == str(error)


def test_another_error_is_a_mistake_and_says_where() -> None:
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError as error:
        told = message.failure(error)
    with pytest.raises(WorkerMistake, match=r"^ZeroDivisionError: division by zero at test_messages.py:\d+"):
        message.replied(told)


def test_a_class_that_is_no_part_of_a_step_is_not_made() -> None:
    head = json.dumps({"step": {"os.system": {}}, "inputs": [], "source": None, "sizes": []}).encode()
    with pytest.raises(KeyError):
        message.requested(len(head).to_bytes(8) + head)


def test_a_worker_answers_what_it_cannot_do() -> None:
    with pytest.raises(ModelMissing, match="digests of its weights alone"):
        message.replied(Worker(Settings()).answer(message.request(STEPS[0], {}, SOURCE)))
    with pytest.raises(WorkerMistake):
        message.replied(Worker(Settings()).answer(b""))


def test_a_worker_says_which_machine_it_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker.Computing, "compute", lambda *given: ({}, {"device": "cpu"}))
    _, how = message.replied(Worker(Settings()).answer(message.request(STEPS[0], {}, None)))
    assert how == {"device": "cpu", "machine": machine()}


def test_settings_cross_as_json() -> None:
    settings = Settings(ExecutorKind.REFERENCE, Environment("cpu", 2, 10**9, 1), 3, held_to_digests=True)
    assert Settings.heard(json.loads(json.dumps(settings.told()))) == settings


def test_another_version_is_refused_by_name() -> None:
    own = Identity.own("cpu")
    said = json.loads(json.dumps(hello(Settings(environment=Environment("cuda:1")))))
    held_against(Identity.told(said), own, "worker 1")
    other = {**said, "packages": {**said["packages"], "torch": "1.0"}, "sources": "0" * 64}
    with pytest.raises(WorkerRefused, match=r"worker 1 .*torch 1\.0 there.*entrack's files 000000000000 there"):
        held_against(Identity.told(other), own, "worker 1")
    with pytest.raises(WorkerRefused, match="does not say who it is"):
        Identity.told({"entrack": "0.0"})


@pytest.mark.parametrize(
    ("asked", "here", "said"),
    [(None, "cuda", "cuda"), ("cuda:1", "cuda", "cuda:1"), ("cuda", "cpu", "cpu"), ("cpu", "cuda", "cpu")],
)
def test_a_worker_says_the_device_that_it_has(
    asked: str | None, here: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("entrack.execution.environment._gpu", lambda: here == "cuda")
    assert hello(Settings(environment=Environment(asked)))["device"] == said


def test_a_process_has_one_worker() -> None:
    first = ref(in_this_process(Settings(sharing=1)))
    assert first() is in_this_process(Settings(sharing=1))
    in_this_process(Settings(sharing=2))
    gc.collect()
    assert first() is None


def test_an_input_that_a_worker_keeps_is_not_sent_again() -> None:
    keeping, digest = ValueCache(), "a" * 64
    first = message.request(STEPS[0], INPUTS, None, kept=())
    assert np.array_equal(message.requested(first, keeping).inputs[digest]["one"], INPUTS[digest]["one"])
    again = message.request(STEPS[0], INPUTS, None, kept={digest})
    assert len(again) < len(first)
    assert np.array_equal(message.requested(again, keeping).inputs[digest]["one"], INPUTS[digest]["one"])
    with pytest.raises(InputsForgotten):
        message.requested(again, ValueCache())


def test_nothing_is_kept_unless_that_is_asked_for() -> None:
    keeping = ValueCache()
    message.requested(message.request(STEPS[0], INPUTS, None), keeping)
    assert keeping.get("a" * 64) is None
