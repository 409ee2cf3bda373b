"""Stored values of a wrong form, under sound digests: each is found and named, put aside and computed again; the
results are what they were."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Mapping
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
from attrs import frozen
from numpy.typing import NDArray
from plan_worlds import SPEC
from wrong_forms import wrong_forms

from entrack.events import unwatched
from entrack.execution.coordinator import Coordinator
from entrack.execution.repository import Repository
from entrack.plan.steps import Step
from entrack.store import Action, Damage, DiskStore, fs, verify
from entrack.verification.recompute import recomputed
from stress.tried import Tally, Tried
from stress.walks import Study, compute

EVERY_KIND = (
    SPEC
    + """
model tuned = local("tuned")
desideratum position on boxes {
  alternate { fresh label; asked != original.asked }
  target    original.object[alternate.asked]
}
discover wide in base on n boxes against scrambled screen 4 in 2 steps check 1 {
  score logit of answer
  group first at last -> logits keep 3
}
mask role over cir in base for position { train 6; validate 4; sparsity 0.01; epochs 3; batch 2; rate 0.3 }
measure taken = accuracy(base with [patch written from tuned, patch written.query from tuned, patch cir.key from tuned, patch cir.value from tuned]) on n boxes
"""
)
"""A spec with steps of every kind."""
Wrong = Mapping[str, NDArray[np.generic]]


@frozen
class Stored:
    """A step as a store has it: its node, itself, and its value."""

    id: str
    step: Step
    value: Wrong


def of_stored_values(count: int, seed: int, folder: Path) -> Tried:
    """`count` values, of the kinds of steps in turn, each put in the place of a right one and looked at, verified
    and run."""
    tally, chance, study, full = Tally(), random.Random(seed), Study.made(folder, EVERY_KIND), folder / "full"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fs, "fsync", lambda fd: None)  # takes its time, and is tried elsewhere
        with DiskStore(full) as store:
            study.run(store)
            kinds = _by_kind(study, store)
        ways = set[str]()
        for number, kind in zip(range(count), cycle(sorted(kinds)), strict=False):
            one = chance.choice(kinds[kind])
            what, wrong = chance.choice(sorted(wrong_forms(one.step, one.value).items(), key=lambda way: way[0]))
            ways.add(f"{kind} {what}")
            _try(tally, f"{kind}, {what}, {number} of seed {seed}", study, folder, one, wrong)
    tally.notes.append(f"{len(ways)} ways, {len(kinds)} kinds of steps")
    return tally.tried


def _try(tally: Tally, name: str, study: Study, folder: Path, one: Stored, wrong: Wrong) -> None:
    """One wrong value in a store that is full; a store that was put right serves again."""
    harmed, failures = folder / "harmed", len(tally.failures)
    if not harmed.exists():
        shutil.copytree(folder / "full", harmed)
    with tally.case(name):
        planted = _plant(harmed, one, wrong)
        _look(study, harmed, one)
        _run(study, harmed, planted)
    if len(tally.failures) > failures:
        shutil.rmtree(harmed)


def _by_kind(study: Study, store: DiskStore) -> dict[str, list[Stored]]:
    walk = Coordinator(study.plan, Repository(store))
    walk.survey()
    kinds: dict[str, list[Stored]] = {}
    for id in filter(walk.made, study.plan.steps):
        step = walk.bound(id)
        assert step is not None
        kinds.setdefault(type(step).__name__, []).append(Stored(id, step, walk.value(id)))
    return kinds


def _plant(folder: Path, one: Stored, wrong: Wrong) -> Action:
    """A wrong value at a step's address, with a sound digest and action file."""
    with DiskStore(folder) as store:
        action = store.find(Repository(store).address(one.step))
        assert action is not None
        return store.put(action.address, wrong, action.how)


def _look(study: Study, folder: Path, one: Stored) -> None:
    """What only looks finds the same, and leaves every file as it is."""
    damage: list[Damage] = []
    before = dict(_files(folder))
    with DiskStore(folder, on_damage=damage.append, read_only=True) as store:
        walk = Coordinator(study.plan, Repository(store))
        survey = walk.survey()
        assert one.id in survey.found or walk.lost(one.id)
        (found,) = recomputed(study.plan, walk, [one.id], compute, unwatched)
        assert found.verdict == "lost", found
    assert {each.kind for each in damage} == {"value"}
    assert all(each.moved_to is None for each in damage)
    assert dict(_files(folder)) == before


def _run(study: Study, folder: Path, planted: Action) -> None:
    damage: list[Damage] = []
    with DiskStore(folder, on_damage=damage.append) as store:
        computed = study.run(store)
        assert study.is_in(store), "the results are not what they were"
        assert computed == 1, "what was damaged is computed again, and nothing else"
        (found,) = damage
        assert (found.kind, found.address, found.object) == ("value", planted.address, planted.object)
        assert found.why and found.why in found.message and len(found.message) < 1000
        assert found.moved_to and (folder / "quarantine") in Path(found.moved_to).parents
        assert verify(store).whole


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.parent.name != "index":
            yield str(path.relative_to(folder)), path.read_bytes()
