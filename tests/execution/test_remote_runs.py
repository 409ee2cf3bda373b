"""Runs with a remote behind the store: they end with the values that a run without one has, whatever the remote does;
and which of its values are taken."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "store"))

from remote_tools import FAULTS, FaultyPlace, lab
from stress.walks import Arrays, Study, compute
from wrong_forms import wrong_forms

from entrack.execution.coordinator import Coordinator
from entrack.execution.environment import versions
from entrack.execution.local import LocalExecutor
from entrack.execution.repository import Repository
from entrack.execution.reuse_policy import ReusePolicy
from entrack.plan.steps import Step
from entrack.store import Action, MemoryStore, Store, action_codec, tensors
from entrack.store.remote_place import action_name, object_name

SCHEDULES = st.lists(st.none() | st.sampled_from([*FAULTS, "full"]), max_size=60)
HARMS = ("nothing", "gone", "cut short", "another", "one bit", "garbage")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Study.made(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def filled(study: Study) -> Mapping[str, bytes]:
    """The files of a remote that has everything."""
    place = FaultyPlace()
    with lab(MemoryStore(), place).store as store:
        assert study.run(store) == len(study.expected)
    assert len(place.files) > len(study.expected)
    return place.files


def test_what_one_run_computed_another_takes(study: Study, filled: Mapping[str, bytes]) -> None:
    own, place = MemoryStore(), FaultyPlace(dict(filled))
    there = lab(own, place)
    with there.store:
        assert study.run(there.store) == 0
    assert study.is_in(own) and there.store.brought == len(study.expected) and there.said == []
    asked = len(place.asked)
    with lab(own, place).store as store:
        assert study.run(store) == 0
    assert len(place.asked) == asked, "what the store has is not asked for"


@settings(max_examples=25, deadline=None)
@given(schedule=SCHEDULES, harms=st.lists(st.sampled_from(HARMS), min_size=1, max_size=12), chance=st.randoms())
def test_faults_in_any_order_change_no_value(
    schedule: list[str | None], harms: list[str], chance: Any, study: Study, filled: Mapping[str, bytes]
) -> None:
    names = sorted(filled)
    place = FaultyPlace(dict(filled), iter(schedule))
    for harm in harms:
        _harm(place.files, chance.choice(names), harm, filled[chance.choice(names)])
    own = MemoryStore()
    there = lab(own, place)
    with there.store:
        study.run(there.store)
    assert study.is_in(own)
    assert not any("secret" in line for line in there.said)
    other = MemoryStore()
    with lab(other, FaultyPlace(place.files)).store as store:
        study.run(store)
    assert study.is_in(other), "nothing wrong was written either"


def _harm(files: dict[str, bytes], name: str, harm: str, other: bytes) -> None:
    data = files.get(name, b"x")
    match harm:
        case "gone":
            files.pop(name, None)
        case "cut short":
            files[name] = data[: len(data) // 2]
        case "another":
            files[name] = other
        case "one bit":
            files[name] = data[:-1] + bytes([data[-1] ^ 4]) if data else b""
        case "garbage":
            files[name] = b"\0" * len(data)


def test_a_value_of_another_form_is_refused_and_replaced(study: Study, filled: Mapping[str, bytes]) -> None:
    """Under sound digests: the stranger has hashed what he made up."""
    place, full = FaultyPlace(dict(filled)), MemoryStore()
    study.run(full)
    walk = Coordinator(study.plan, Repository(full), None)
    walk.survey()
    for id in [id for id in study.plan.steps if walk.made(id)][:5]:
        step, value = walk.bound(id), walk.tensors(id)
        assert step is not None and value is not None
        data = tensors.encode(next(iter(wrong_forms(step, dict(value)).values())))
        _plant(place.files, Repository(full).address(step), data)
    own = MemoryStore()
    there = lab(own, place)
    with there.store:
        assert study.run(there.store) >= 5
    assert study.is_in(own) and len(there.said) == 5
    assert all(line.startswith("damage in the entry") for line in there.said)
    with lab(MemoryStore(), place).store as store:
        assert study.run(store) == 0, "what was wrong is right now"


def _plant(files: dict[str, bytes], address: str, data: bytes) -> None:
    import hashlib

    action = Action(address, hashlib.sha256(data).hexdigest(), len(data))
    files[object_name(action.object)] = data
    files[action_name(address)] = action_codec.encode(action)


# which values are taken

OTHER = {"torch": "1.0"}


def made_here(step: Step, inputs: Mapping[str, Any]) -> tuple[Arrays, Mapping[str, Any]]:
    return compute(step, inputs)[0], {**versions(), "device": "cpu"}


def made_elsewhere(step: Step, inputs: Mapping[str, Any]) -> tuple[Arrays, Mapping[str, Any]]:
    return compute(step, inputs)[0], {**versions(), **OTHER, "device": "cpu"}


def computed(study: Study, store: Store, accept: ReusePolicy = ReusePolicy.SAME_STACK, made: Any = made_here) -> int:
    repository = Repository(store, accept=accept)
    walk = Coordinator(study.plan, repository, LocalExecutor(repository, made, clock=lambda: 0.0))
    walk.run()
    return walk.computed


def test_values_of_another_stack_stay_and_those_of_this_one_are_put_and_found_beside(study: Study) -> None:
    place, everything = FaultyPlace(), len(study.expected)
    with lab(MemoryStore(), place).store as store:
        computed(study, store, ReusePolicy.ANY, made_elsewhere)
    theirs = dict(place.files)
    with lab(MemoryStore(), place).store as store:
        assert computed(study, store, ReusePolicy.ANY) == 0
    with lab(MemoryStore(), place).store as store:
        assert computed(study, store) == everything
    assert {name: place.files[name] for name in theirs} == theirs
    assert sum(name.startswith("actions") for name in place.files) == 2 * everything
    own = MemoryStore()
    with lab(own, place).store as store:
        assert computed(study, store) == 0
    assert computed(study, own) == 0, "it is as if it had been there"


def test_a_value_of_this_stack_does_not_take_the_place_of_another(study: Study) -> None:
    """The store has values of another stack where the remote has those of this one."""
    place, own = FaultyPlace(), MemoryStore()
    with lab(MemoryStore(), place).store as store:
        computed(study, store)
    computed(study, own, ReusePolicy.ANY, made_elsewhere)
    before = {address: own.find(address) for address in own.addresses()}
    with lab(own, place).store as store:
        assert computed(study, store) == 0
    assert all(own.find(address) == action for address, action in before.items())
    assert own.stats().entries == 2 * len(before) and computed(study, own) == 0
