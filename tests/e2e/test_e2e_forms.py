"""Stored values and notes of a wrong form, in stores of a model's runs: what is damaged is named, put aside and
computed again, and nothing ends in a traceback."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from attrs import frozen
from e2e_world import World, counted, entrack, make_model
from typer.testing import Result
from wrong_forms import wrong_forms

from entrack import api
from entrack.engine.engine import Computed, Engine
from entrack.execution.read_run_record import NUMBERS, TEXTS, read_run_record
from entrack.execution.repository import Repository
from entrack.execution.run_record import recorded_key
from entrack.execution.value_check import WrongForm, fault
from entrack.plan.executor_kind import ExecutorKind
from entrack.plan.steps import Step
from entrack.report.document import document
from entrack.store import Action, Damage, DiskStore, StoreReadOnly, Tensors

TEXT = """entrack 1
include "tasks.et"
model base  = local("base")
model tuned = local("tuned")
group g in base at last  = 0.1 2.3
group h in base at query = 1.2
discover cir in base on 6 boxes against scrambled screen 8 in 2 steps check 2 {
  score logit of answer
  group first at last -> logits keep 3
}
intervention only(c) = keep c, mean elsewhere over 6 scrambled
mask role over cir in base for position { train 6; validate 4; sparsity 0.01; epochs 3; batch 2; rate 0.3 }
measure p = probability of answer (base with [nothing, patch g from scrambled, only(cir)]) on 6 boxes
measure q = logit of answer (base with [patch g from tuned, patch g.query from tuned, patch h.key from tuned, patch h.value from tuned]) on 6 boxes
measure r = accuracy(base with patch role.heads from alternate) on 6 role.desideratum
measure m = minimality(g, 0.5) in base over 6 scrambled on 6 boxes
measure s = loss over query (base) on 6 boxes
measure t = attention from last to query (base) on 6 boxes
measure u = logit lens of logit at last (base) on 6 boxes
measure v = direct logit attribution of logit at last by heads (base) on 6 boxes
"""
KINDS = {kind.__name__ for kind in get_args(Step)}
EACH = {False: 2, True: 1}
"""Values of each kind of step that are tried with either executor."""


@frozen
class Filled:
    """A spec with steps of every kind, a store that has them all, the document of its run, and the steps with their
    entries."""

    spec: Path
    store: Path
    reference: bool
    text: str
    steps: tuple[tuple[Step, Action, Tensors], ...]

    def of(self, kind: str) -> list[tuple[Step, Action, Tensors]]:
        return [one for one in self.steps if type(one[0]).__name__ == kind]


@pytest.fixture(scope="module", params=[False, True], ids=["optimised", "reference"])
def filled(request: pytest.FixtureRequest, world: World, tmp_path_factory: pytest.TempPathFactory) -> Filled:
    if not (world.folder / "tuned").exists():
        make_model(world.folder / "tuned", heads=4, shared=4, seed=5)
    spec, store = world.folder / "forms.et", tmp_path_factory.mktemp("filled")
    spec.write_text(TEXT)
    text = document(api.load(spec).run(store, reference=request.param))
    with DiskStore(store) as opened:
        plan, walk, survey = api.load(spec).surveyed(Repository(opened, ExecutorKind.of(reference=request.param)))
        assert not survey.missing and not survey.unknown
        steps = [(walk.bound(id), walk.action(id), walk.value(id)) for id in filter(walk.made, plan.steps)]
    return Filled(spec, store, request.param, text, tuple(steps))  # type: ignore[arg-type]  # all are there


@pytest.fixture
def store(filled: Filled, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled.store, tmp_path / "store"))


def planted(store: Path, action: Action, value: Tensors) -> Action:
    """A value with a sound digest and action file."""
    with DiskStore(store) as opened:
        return opened.put(action.address, value, action.how)


def files_of(store: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(store)): path.read_bytes()
        for kind in ("objects", "actions", "quarantine")
        for path in (store / kind).rglob("*")
        if path.is_file()
    }


def command(*arguments: object, status: int | tuple[int, ...] = 0) -> Result:
    """The command line, which never ends in a traceback."""
    result = entrack(*arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), (arguments, repr(result.exception))
    assert result.exit_code in ((status,) if isinstance(status, int) else status), (
        arguments,
        result.exit_code,
        result.stderr,
    )
    assert "Traceback" not in result.stderr
    return result


# --- values ------------------------------------------------------------------------------------------------------


def test_every_kind_of_step_is_of_its_form(filled: Filled) -> None:
    assert {type(step).__name__ for step, _, _ in filled.steps} == KINDS
    for step, _, value in filled.steps:
        assert fault(step, value) == ""
        for what, wrong in wrong_forms(step, value).items():
            assert fault(step, wrong), what


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_value_of_a_wrong_form_is_damage(filled: Filled, store: Path, kind: str) -> None:
    for number in range(EACH[filled.reference]):
        _damaged(filled, store, kind, number)


def _damaged(filled: Filled, store: Path, kind: str, number: int) -> None:
    chance = random.Random(f"{kind} {number}")
    step, action, value = chance.choice(filled.of(kind))
    what, wrong = chance.choice(sorted(wrong_forms(step, value).items(), key=lambda way: way[0]))
    there, damage = planted(store, action, wrong), list[Damage]()
    with DiskStore(store, on_damage=damage.append) as opened:
        results = api.load(filled.spec).run(opened, reference=filled.reference)
    assert counted(document(results)) == counted(filled.text.strip()), what
    assert results.provenance.computed == 1, what
    assert [(found.kind, found.address, found.object) for found in damage] == [("value", there.address, there.object)]
    assert damage[0].why and damage[0].moved_to and Path(damage[0].moved_to).exists()
    with DiskStore(store) as opened:
        stored = {address: opened.find(address) for address in opened.addresses()}
        assert (found := stored[action.address]) is not None and found.object == action.object
        assert {each and each.object for each in stored.values()} == {each.object for _, each, _ in filled.steps}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_command_on_a_wrong_value(filled: Filled, store: Path, kind: str) -> None:
    if filled.reference:
        return
    _, action, value = random.Random(kind).choice(filled.of(kind))
    name = sorted(value)[0]
    planted(store, action, {**value, name: value[name].reshape(-1).astype(np.float16)})
    before = files_of(store)
    for arguments in (
        ("cache", "ls"),
        ("cache", "show", action.address),
        ("cache", "why", action.address),
        ("cache", "verify"),
    ):
        command(*arguments, "--store", store)
    assert files_of(store) == before, "a command that knows no step sees nothing wrong"
    command("plan", filled.spec, "--store", store)
    command("cache", "why", filled.spec, "--store", store)
    planted(store, action, {**value, name: value[name].reshape(-1).astype(np.float16)})
    found = command("verify", filled.spec, "--all", "--json", "--store", store, status=1)
    assert action.address in {
        each["address"] for each in json.loads(found.stdout)["steps"] if each["verdict"] == "lost"
    }
    assert "damage in the entry" in found.stderr and f"`{name}` is float16" in found.stderr
    again = command("run", filled.spec, "--json", "--store", store)
    assert counted(again.stdout.strip()) == counted(filled.text.strip())


def test_a_store_that_is_only_read_keeps_it(filled: Filled, store: Path) -> None:
    _, action, value = filled.of("Evaluate")[-1]
    planted(store, action, {"top": value["top"]})
    before, damage = files_of(store), list[Damage]()
    with DiskStore(store, on_damage=damage.append, read_only=True) as opened, pytest.raises(StoreReadOnly):
        api.load(filled.spec).run(opened, reference=filled.reference)
    assert damage and {(found.kind, found.moved_to) for found in damage} == {("value", None)}
    assert "it holds `top`, not `log_probability`, `logit`, `top`" in damage[0].message
    assert files_of(store) == before


def test_one_object_for_two_steps(filled: Filled, store: Path) -> None:
    """An entry that names the whole object of another step is damaged; the other's is not touched."""
    (_, right, value), (_, wrong, _) = filled.of("Evaluate")[0], filled.of("PathPatch")[0]
    assert planted(store, wrong, value).object == right.object
    damage = list[Damage]()
    with DiskStore(store, on_damage=damage.append) as opened:
        results = api.load(filled.spec).run(opened, reference=filled.reference)
    assert counted(document(results)) == counted(filled.text.strip())
    assert (results.provenance.computed, [found.address for found in damage]) == (1, [wrong.address])


@pytest.mark.parametrize("asked", ["run", "verify"])
def test_a_kernel_that_gives_a_wrong_form(
    filled: Filled, store: Path, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    if filled.reference:
        return
    real = Engine.compute
    monkeypatch.setattr(Engine, "compute", lambda *given: _halved(real(*given)))
    if asked == "run":
        shutil.rmtree(store)
    before = files_of(store) if store.exists() else {}
    result = command(asked, filled.spec, "--store", store, status=3)
    assert result.stderr.startswith("error: engine: ") and "not stored" in result.stderr
    assert (files_of(store) if store.exists() else {}) == before
    monkeypatch.undo()
    assert counted(command("run", filled.spec, "--json", "--store", store).stdout.strip()) == counted(
        filled.text.strip()
    )


def _halved(computed: Computed) -> Computed:
    return Computed({name: array.astype(np.float16) for name, array in computed.tensors.items()}, computed.how)


def test_wrong_form_is_an_error_of_the_engine() -> None:
    from entrack.engine.errors import EngineError

    assert issubclass(WrongForm, EngineError)


# --- notes -------------------------------------------------------------------------------------------------------

WORDS: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**30,
    1e308,
    "",
    "12",
    "nan",
    "x" * 2_000,
    "\x1b[31m\u202e\ud800",
    [],
    {},
    [["a"]],
    {"a": {"b": [1]}},
    [1, "a", None],
)


def renoted(store: Path, change: Callable[[int, dict[str, Any]], dict[str, Any]]) -> list[str]:
    """The same values with other notes, by their number. -> their addresses"""
    with DiskStore(store) as opened:
        addresses = list(opened.addresses())
        for number, address in enumerate(addresses):
            action, value = opened.find(address), opened.load(address)
            assert action is not None and value is not None
            opened.put(address, value, change(number, dict(action.how)))
    return addresses


def hostile(number: int, how: dict[str, Any]) -> dict[str, Any]:
    """All words of a note of one kind, or, in later entries, of all kinds."""
    chance, names = random.Random(number), (*how, *TEXTS, *NUMBERS)
    return (
        dict.fromkeys(names, WORDS[number]) if number < len(WORDS) else {name: chance.choice(WORDS) for name in names}
    )


@pytest.mark.parametrize(
    "rest",
    [hostile, lambda number, how: {**how, "device": WORDS[number % len(WORDS)], "machine": 3, "what": "x" * 20_000}],
    ids=["all", "device"],
)
def test_notes_of_a_wrong_form(filled: Filled, store: Path, rest: Any) -> None:
    if filled.reference:
        return
    addresses = renoted(store, rest)
    asked = [
        (*words, address)
        for address in addresses[: len(WORDS)]
        for words in (("cache", "show"), ("cache", "why"), ("cache", "why", "--json"))
    ]
    for arguments in (
        *asked,
        ("cache", "ls", "-n", "100"),
        ("cache", "verify"),
        ("plan", filled.spec),
        ("cache", "why", filled.spec),
        ("cache", "why", filled.spec, "1"),
        ("cache", "why", filled.spec, "--accept", "any", "--json"),
        ("verify", filled.spec, "--sample", "1", "--accept", "any"),
    ):
        result = command(*arguments, "--store", store)
        assert "\x1b" not in result.stdout + result.stderr and "\u202e" not in result.stdout + result.stderr
    found = json.loads(command("run", filled.spec, "--json", "--store", store, "--accept", "any").stdout)
    assert found["provenance"]["computed"] == 0
    for entry in (*found["provenance"]["realised"], *found["provenance"]["reused"]):
        assert all(
            value is None or (isinstance(value, str) and len(value) <= 4000) or type(value) in (int, float)
            for value in entry.values()
        )
    again = json.loads(command("run", filled.spec, "--json", "--store", store).stdout)
    assert again["measures"] == json.loads(filled.text)["measures"]


KEYS: tuple[Any, ...] = (
    [],
    "x",
    {"step": "x"},
    {"step": []},
    {"step": ["a"]},
    {"step": [1, "a"]},
    {"step": ["a", {}]},
    {"": ["a", "b"]},
    {"\x1b[31m": ["a", "b"]},
    {"step": ["a", "b" * 9000]},
    {f"part {number}": ["a", "b"] for number in range(1000)},
    {"step": ["\ud800", "b"]},
    {"step": ["a", "\x1b\ud800"]},
    {"weights": ["a", "b"]},
)


ODD = tuple(pair for key in KEYS if isinstance(key, dict) and len(key) == 1 for pair in key.items())


def test_keys_of_a_wrong_form(filled: Filled, store: Path) -> None:
    if filled.reference:
        return
    addresses = renoted(
        store,
        lambda number, how: {
            **how,
            "key": KEYS[number] if number < len(KEYS) else {**how["key"], **dict([random.Random(number).choice(ODD)])},
        },
    )
    changed = filled.spec.with_name("forms-other.et")
    changed.write_text(TEXT.replace("on 6 boxes", "on 7 boxes"))
    asked = [(address, *more) for address in addresses for more in ((), ("--json",))]
    for arguments in (*asked, (changed,), (changed, "--json"), (changed, "1")):
        result = command("cache", "why", *arguments, "--store", store)
        assert "\x1b" not in result.stdout


def test_own_notes_are_all_read(filled: Filled) -> None:
    for _, action, _ in filled.steps:
        assert read_run_record(action.how) == {name: value for name, value in action.how.items() if name != "key"}
        assert recorded_key(action) is not None
