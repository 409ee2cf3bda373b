"""`entrack cache why`: the key of each step, what the store has, the entry that is nearest, and two specs side by
side."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from e2e_world import World, entrack
from typer.testing import Result

from entrack.execution.closest_entry import Entries, differing
from entrack.plan.cache_key import KeyPart
from entrack.store import Action, DiskStore

SPEC = """entrack 1
include "tasks.et"
param n = 12
model base = local("base")
group g in base at last = 0.1
discover cir in base on n boxes against scrambled {
  score relative probability of answer
  group first  at last  -> logits      keep 3
  group second at query -> first.value keep 2
}
measure p = probability of answer (base with [nothing, patch g from scrambled, zero cir]) on n boxes
"""


@pytest.fixture(scope="module")
def folder(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of its own, so that models may be exchanged."""
    folder = tmp_path_factory.mktemp("why")
    for name in ("base", "grouped"):
        shutil.copytree(world.folder / name, folder / name)
    shutil.copy(world.folder / "tasks.et", folder)
    return folder


@pytest.fixture(scope="module")
def spec(folder: Path) -> Path:
    return written(folder, "why.et", SPEC)


@pytest.fixture(scope="module")
def store(spec: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("store")
    assert entrack("run", spec, "--store", store).exit_code == 0
    return store


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def changed(folder: Path, *pairs: tuple[str, str]) -> Path:
    text = SPEC
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return written(folder, "changed.et", text)


def told(result: Result) -> Any:
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def steps(spec: Path, store: Path, *more: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = told(entrack("cache", "why", spec, *more, "--json", "--store", store))["steps"]
    return found


def about(found: list[dict[str, Any]], words: str) -> list[dict[str, Any]]:
    return [step for step in found if words in step["what"]]


# --- what is stored ----------------------------------------------------------------------------------------------


def test_a_spec_that_has_run(spec: Path, store: Path) -> None:
    found = steps(spec, store)
    assert {step["state"] for step in found} == {"stored", "zero"}
    assert [step["step"] for step in found] == list(range(1, len(found) + 1))
    shown = entrack("cache", "why", spec, "--store", store).stdout
    assert f"{sum(step['state'] == 'stored' for step in found)} stored" in shown
    for words in ("cir.first: path patching", "p: base with zero cir", 'model weights local("base")', "not run"):
        assert words in shown


def test_what_an_entry_says_is_what_the_spec_says(spec: Path, store: Path) -> None:
    """The key recorded in the store is the key that the spec tells."""
    for step in steps(spec, store):
        if step["state"] == "stored":
            entry = told(entrack("cache", "why", step["address"][:20], "--json", "--store", store))
            assert entry["key"] == step["key"]
            assert (entry["address"], entry["how"]["what"]) == (step["entry"], step["what"])
            assert list(entry["key"]) == list(step["key"]), "in the same order"


def test_an_empty_store(spec: Path, tmp_path: Path) -> None:
    found = steps(spec, tmp_path / "none")
    assert {step["state"] for step in found} == {"missing", "unknown"}
    assert {step["state"] for step in about(found, "zero cir")} == {"unknown"}
    assert all(step["nearest"] is None for step in found)
    assert not (tmp_path / "none").exists(), "asking makes no store"


def test_one_step(spec: Path, store: Path) -> None:
    by_words = steps(spec, store, "p: base with patch g")
    assert len(by_words) == 1
    assert steps(spec, store, by_words[0]["step"]) == steps(spec, store, by_words[0]["address"][:9]) == by_words
    shown = entrack("cache", "why", spec, "patch g", "--store", store).stdout
    for words in (
        "p: base with patch g",
        by_words[0]["address"],
        "what is set",
        "heads to a capture",
        "0.1",
        "12 prompts of",
        "computed 20",
        "on this machine",
        "torch ",
    ):
        assert words in shown


def test_several_steps(spec: Path, store: Path) -> None:
    shown = entrack("cache", "why", spec, "cir.first", "--store", store).stdout
    assert "all have: step path patching, one layer; tokens 12 prompts" in shown
    assert [line.split()[-1] for line in shown.splitlines() if line.strip()[:1].isdigit()] == ["0", "1", "2", "3"], (
        "they differ in their layer alone"
    )
    assert "and 3 more" in entrack("cache", "why", spec, "cir.first", "-n", 1, "--store", store).stdout


@pytest.mark.parametrize("asked", ["nonsense", "0", "1000"])
def test_a_step_that_is_not_there(spec: Path, store: Path, asked: str) -> None:
    result = entrack("cache", "why", spec, asked, "--store", store)
    assert (result.exit_code, result.stdout) == (2, "")
    assert asked in result.stderr and "number from 1" in result.stderr


def test_an_address_that_is_not_there(store: Path) -> None:
    result = entrack("cache", "why", "0" * 64, "--store", store)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "0 entries begin" in result.stderr
    assert entrack("cache", "why", "none.et", "--store", store).exit_code == 3


# --- what is nearest ---------------------------------------------------------------------------------------------


def test_other_weights(folder: Path, spec: Path, store: Path) -> None:
    other = changed(folder, ('local("base")', 'local("grouped")'))
    (capture,) = about(steps(other, store), "cir: alternates at last")
    assert capture["state"] == "missing"
    assert set(capture["nearest"]["differs"]) == {"weights", "config", "shape"}
    assert capture["nearest"]["what"] == "cir: alternates at last"
    shown = entrack("cache", "why", other, capture["step"], "--store", store).stdout
    assert 'local("grouped")' in shown and 'local("base")' in shown and "≠" in shown
    assert "other model weights, config and model shape" in entrack("cache", "why", other, "--store", store).stdout


def test_other_heads(folder: Path, spec: Path, store: Path) -> None:
    found = steps(changed(folder, ("= 0.1", "= 0.2")), store)
    (capture,), (patch,) = about(found, "p: alternates at last"), about(found, "patch g")
    assert (capture["state"], capture["nearest"]["differs"]) == ("missing", ["heads"])
    assert (patch["state"], patch["address"], patch["nearest"]) == ("unknown", None, None), "it builds on the capture"
    assert {step["state"] for step in found} == {"stored", "zero", "missing", "unknown"}


def test_an_entry_of_the_spec_itself_is_not_the_nearest(spec: Path, store: Path, tmp_path: Path) -> None:
    """A step that is simply not there yet: the others of its own spec are no reason."""
    shutil.copytree(store, tmp_path / "store")
    (one,) = steps(spec, store, "patch g")
    (tmp_path / "store" / "actions" / one["address"][:2] / f"{one['address']}.json").unlink()
    shutil.rmtree(tmp_path / "store" / "index")
    found = steps(spec, tmp_path / "store", one["step"])
    assert (found[0]["state"], found[0]["nearest"]) == ("missing", None)
    assert "nothing is like it" in entrack("cache", "why", spec, one["step"], "--store", tmp_path / "store").stdout


def test_entries_of_an_earlier_entrack(folder: Path, spec: Path, store: Path, tmp_path: Path) -> None:
    """They are found as ever; what is missing cannot be compared with them, and that is said."""
    shutil.copytree(store, tmp_path / "store")
    with DiskStore(tmp_path / "store") as opened:
        addresses = list(opened.addresses())
        for address in addresses:
            action, value = opened.find(address), opened.load(address)
            assert action is not None and value is not None
            opened.put(address, value, {name: value for name, value in action.how.items() if name != "key"})
    assert {step["state"] for step in steps(spec, tmp_path / "store")} == {"stored", "zero"}
    other = entrack("cache", "why", changed(folder, ("= 0.1", "= 0.2")), "--store", tmp_path / "store")
    assert f"{len(addresses)} entries of this store have no key recorded" in other.stdout
    assert "not recorded" in entrack("cache", "why", addresses[0], "--store", tmp_path / "store").stdout


def test_made_with_another_stack(spec: Path, store: Path, tmp_path: Path) -> None:
    shutil.copytree(store, tmp_path / "store")
    with DiskStore(tmp_path / "store") as opened:
        for address in list(opened.addresses()):
            action, value = opened.find(address), opened.load(address)
            assert action is not None and value is not None
            opened.put(address, value, {**action.how, "torch": "1.0.0"})
    assert "declined" in {step["state"] for step in steps(spec, tmp_path / "store")}
    assert (
        "stored, made with another stack: torch 1.0.0"
        in entrack("cache", "why", spec, "clean runs", "--store", tmp_path / "store").stdout
    )
    assert {step["state"] for step in steps(spec, tmp_path / "store", "--accept", "any")} == {"stored", "zero"}


def part(name: str, digest: object) -> KeyPart:
    return KeyPart(name, str(digest), "")


def test_the_nearest_is_that_which_shares_most() -> None:
    """Against counting one by one, on many keys."""

    def key(number: int) -> list[KeyPart]:
        return [
            part("step", "s"),
            part("weights", number % 2),
            *(part(f"part {place}", number >> place & 1) for place in range(9)),
            part("tokens", number % 3),
        ]

    def action(number: int, parts: list[KeyPart]) -> Action:
        return Action(
            f"{number:064x}", f"{number:064x}", 1, {"key": {each.name: [each.digest, each.words] for each in parts}}
        )

    entries = Entries(
        [*(action(number, key(number)) for number in range(0, 512, 7)), Action("f" * 64, "f" * 64, 1, {})]
    )
    assert entries.unkeyed == 1
    for number in range(512):
        wanted = min(
            (len(differing(key(number), key(other))), other)
            for other in range(0, 512, 7)
            if other % 2 == number % 2 or other % 3 == number % 3
        )
        found = entries.nearest(key(number))
        assert found is not None
        assert (len(found.differs), int(found.action.address, 16)) == wanted
    assert entries.nearest([part("step", "another"), *key(3)[1:]]) is None
    assert entries.nearest(key(0), entries.those([f"{0:064x}"])) != entries.nearest(key(0))


# --- two specs ---------------------------------------------------------------------------------------------------


def diff(one: Path, other: Path, store: Path) -> dict[str, Any]:
    found: dict[str, Any] = told(entrack("cache", "why", one, "--diff", other, "--json", "--store", store))
    return found


def test_a_spec_and_itself(folder: Path, spec: Path, store: Path) -> None:
    renamed = changed(folder, ("cir", "circuit"), ("measure p", "measure q"))
    for other in (spec, renamed):
        found = diff(spec, other, store)
        assert found["shared"] == len(found["pairs"]) == len(steps(spec, store))


def test_two_specs_side_by_side(folder: Path, spec: Path, store: Path) -> None:
    other = changed(folder, ("= 0.1", "= 0.2"), (", zero cir", ""))
    found = diff(spec, other, store)
    apart = [(pair["what"], pair["differs"], pair["there"]) for pair in found["pairs"] if not pair["shared"]]
    assert [(what, differs) for what, differs, there in apart if there] == [
        ("p: alternates at last", ["heads"]),
        ("p: base with patch g from scrambled", ["heads", "upstream"]),
    ]
    assert {what for what, _, there in apart if there is None} == {"p: base with zero cir"}
    shown = entrack("cache", "why", spec, "--diff", other, "--store", store).stdout
    for words in ("1 with other heads", "1 only here", f"{found['shared']} are shared", "0.1", "0.2"):
        assert words in shown


def test_two_specs_of_which_no_step_is_meant(spec: Path, store: Path) -> None:
    ended = entrack("cache", "why", spec, "no such step", "--diff", spec, "--store", store)
    assert (ended.exit_code, "here:" in ended.stdout, "0 are shared" in ended.stdout) == (0, True, True)


def test_two_specs_that_have_not_run(folder: Path, spec: Path, tmp_path: Path) -> None:
    """Compared by what their steps will be made from: all that follows from another number of heads is another."""
    found = diff(spec, changed(folder, ("logits      keep 3", "logits      keep 2")), tmp_path / "none")
    apart = {pair["what"] for pair in found["pairs"] if not pair["shared"]}
    assert apart == {"cir.second: path patching", "p: base with zero cir"}
    assert all(pair["differs"] in (["receivers"], ["heads"]) for pair in found["pairs"] if not pair["shared"])
