"""The lock: what it says, and that each of its lines is held before anything is computed."""

from __future__ import annotations

import json
import re
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from artifact_world import copy_model, done, entrack

from entrack.artifact import merkle
from entrack.artifact.errors import LockRefused
from entrack.artifact.lock import FIRST, Lock, moved, parsed

Change = Callable[[Path], None]


def lock_of(spec: Path) -> Lock:
    path = spec.with_suffix(".lock")
    return parsed(path.read_bytes(), path.name)


def locked(spec: Path) -> Lock:
    done("lock", spec, "--store", spec.parent / "store")
    return lock_of(spec)


def rewritten(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def flip_weights(spec: Path) -> None:
    """Another last number, as small a change of the weights as there is."""
    path = spec.parent / "base" / "model.safetensors"
    data = bytearray(path.read_bytes())
    assert struct.unpack("<Q", data[:8])[0] > 0
    data[-4] ^= 1
    path.write_bytes(data)


def renamed_config(spec: Path) -> None:
    """A config.json that says the same in other bytes."""
    path = spec.parent / "base" / "config.json"
    path.write_text(path.read_text().replace("{", '{"_name_or_path": "x", ', 1))


def other_version(spec: Path) -> None:
    rewritten(spec.with_suffix(".lock"), "version torch = ", "version torch = 9")


CHANGES: dict[str, tuple[Change, set[str]]] = {
    "spec": (lambda spec: rewritten(spec, "A small study", "A study"), {"spec"}),
    "include": (lambda spec: rewritten(spec.parent / "tasks.et", "asked    =", "asked   ="), {'file "tasks.et"'}),
    "data": (
        lambda spec: rewritten(spec.parent / "data" / "objects.csv", "book", "box"),
        {'file "data/objects.csv"'},
    ),
    "weights": (flip_weights, {'model base weights "model.safetensors"'}),
    "config": (renamed_config, {'model base file "config.json"'}),
    "seed": (lambda spec: rewritten(spec, "seed 3", "seed 4"), {"seed", "spec"}),
    "version": (other_version, {"version torch"}),
}


def test_what_is_said_is_what_is_written(study: Path, tmp_path: Path) -> None:
    """A lock counts addresses. Steps that turn out to be one have one: here a circuit is found, and written down."""
    store = study.parent / "store"
    (found,) = json.loads(done("run", study, "--store", store, "--json").stdout)["discoveries"]
    groups = (f"group {each['name']} at {each['position']} = {' '.join(each['sites'])}" for each in found["groups"])
    measure = "measure again = accuracy(base with zero hand) on n boxes"
    study.write_text(f"{study.read_text()}\ncircuit hand in base {{ {'; '.join(groups)} }}\n{measure}\n")
    said = done("lock", study, "--store", tmp_path / "empty").stderr
    known = lock_of(study).facts["root known"].split()[0]
    assert f"with the {known} addresses of its steps that are known before a run; run, then lock again for all" in said
    steps = json.loads(done("run", study, "--store", store, "--json").stdout)["provenance"]["steps"]
    said = done("lock", study, "--store", store).stderr
    every = lock_of(study).facts["root all"].split()[0]
    assert f"with all {every} addresses of its steps\n" in said
    assert int(every) == steps - 1


@pytest.mark.parametrize("kind", CHANGES)
def test_each_kind_of_line_is_held(study: Path, kind: str) -> None:
    change, expected = CHANGES[kind]
    before = locked(study)
    done("run", study, "--store", study.parent / "store", "--locked")
    change(study)
    entries = sorted((study.parent / "store").rglob("*.json"))
    failed = entrack("run", study, "--store", study.parent / "store", "--locked", "--json")
    said = json.loads(failed.stdout)
    assert (failed.exit_code, said["error"]) == (1, "lock drift")
    assert all(key in said["message"] for key in expected), said["message"]
    assert sorted((study.parent / "store").rglob("*.json")) == entries, "nothing was computed"
    difference = entrack("lock", study, "--store", study.parent / "store", "--diff", "--json")
    keys = {line["key"] for line in json.loads(difference.stdout)}
    assert difference.exit_code == 1
    assert expected <= keys <= expected | {"root known", "root all"}, keys
    assert before.facts.keys() >= expected


def test_a_param_is_held(study: Path) -> None:
    locked(study)
    failed = entrack("run", study, "--store", study.parent / "store", "--locked", "-p", "n=5")
    assert failed.exit_code == 1
    assert "param n: 6 -> 5" in failed.stderr


def test_nothing_moved(study: Path) -> None:
    first = locked(study)
    again = entrack("lock", study, "--store", study.parent / "store", "--diff")
    assert (again.exit_code, again.stdout) == (0, "nothing moved\n")
    assert moved(first, first) == ()


def test_without_values_a_lock_says_that_it_knows_a_part(study: Path, tmp_path: Path) -> None:
    everything = locked(study)
    done("lock", study, "--store", tmp_path / "empty")
    part = lock_of(study)
    assert {line.key for line in moved(everything, part)} == {"root all"}
    assert int(part.facts["root known"].split()[0]) < int(everything.facts["root all"].split()[0])
    done("run", study, "--store", study.parent / "store", "--locked")


def test_what_a_run_comes_to_is_held(study: Path, tmp_path: Path) -> None:
    lock = locked(study)
    path = study.with_suffix(".lock")
    path.write_text(path.read_text().replace(lock.facts["root all"], "3 " + "0" * 64))
    failed = entrack("run", study, "--store", tmp_path / "empty", "--locked")
    assert failed.exit_code == 1
    assert "root all: 3 000" in failed.stderr
    assert list((tmp_path / "empty").rglob("actions/*/*.json")), "it was found after the run"


def test_a_lock_is_beside_its_spec_and_names_no_folder(study: Path) -> None:
    text = locked(study).text
    assert str(study.parent) not in text
    assert [line for line in text.splitlines()[2:] if " = " not in line] == []
    body = text.splitlines()[2:]
    assert body == sorted(body)


def test_without_a_lock_nothing_is_run(study: Path) -> None:
    failed = entrack("run", study, "--store", study.parent / "store", "--locked", "--json")
    assert (failed.exit_code, json.loads(failed.stdout)["error"]) == (3, "lock missing")


# --- the hub -----------------------------------------------------------------------------------------------------

COMMITS = ("a" * 40, "b" * 40)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A hub's cache with two commits of one model, and a study of it; nothing is asked of a network."""
    from huggingface_hub import constants

    folder = tmp_path / "hub" / "models--some--model"
    for commit in COMMITS:
        copy_model(folder / "snapshots" / commit)
    card = "---\nlanguage: en\nlicense: apache-2.0\n---\n# A card\nlicense: none\n"
    (folder / "snapshots" / COMMITS[0] / "README.md").write_text(card)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(COMMITS[0])
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    yield folder


@pytest.fixture
def of_the_hub(study: Path, hub: Path) -> Path:
    rewritten(study, 'local("base")', 'hub("some/model")')
    shutil.rmtree(study.parent / "base")
    return study


def test_a_branch_is_resolved_once(of_the_hub: Path, hub: Path) -> None:
    lock = locked(of_the_hub)
    assert lock.facts["model base"] == f'hub "some/model" {COMMITS[0]}'
    assert lock.facts["model base licence"] == '"apache-2.0"'
    (hub / "refs" / "main").write_text(COMMITS[1])
    done("run", of_the_hub, "--store", of_the_hub.parent / "store", "--locked")
    difference = entrack("lock", of_the_hub, "--store", of_the_hub.parent / "store", "--diff", "--json")
    assert difference.exit_code == 1
    keys = {line["key"] for line in json.loads(difference.stdout)}
    assert keys == {"model base", "model base licence"}, "the second commit has the same files"


def test_another_revision_is_drift(of_the_hub: Path) -> None:
    locked(of_the_hub)
    rewritten(of_the_hub, 'hub("some/model")', f'hub("some/model", revision = "{COMMITS[1]}")')
    failed = entrack("run", of_the_hub, "--store", of_the_hub.parent / "store", "--locked")
    assert failed.exit_code == 1
    assert "spec: " in failed.stderr


# --- locks from strangers ----------------------------------------------------------------------------------------

GOOD = f"""# a comment
{FIRST}
device = cpu
file "a = b.csv" = 12 {"0" * 64}
language = 1
root known = 3 {"1" * 64}
seed = 0
spec = "x.et" 10 {"2" * 64}
tolerance = "none"
version entrack = 0.1.0
"""
BAD: dict[str, str] = {
    "nothing": "",
    "no first line": GOOD.replace(FIRST + "\n", ""),
    "another version": GOOD.replace("lock 1", "lock 2"),
    "a line twice": GOOD + "seed = 0\n",
    "a line twice, otherwise": GOOD + "seed = 1\n",
    "an unknown key": GOOD + "seeds = 0\n",
    "no value": GOOD.replace("seed = 0", "seed ="),
    "a short digest": GOOD.replace("1" * 64, "1" * 63),
    "capitals in a digest": GOOD.replace("1" * 64, "A" * 64),
    "blanks at the end": GOOD.replace("seed = 0", "seed = 0 "),
    "a huge number": GOOD.replace("seed = 0", "seed = " + "1" * 5000),
    "controls in a name": GOOD.replace("a = b.csv", "a\x1b[31m"),
    "not ASCII": GOOD.replace("a = b", "ä"),
    "a carriage return": GOOD.replace("\n", "\r\n"),
    "no needed line": GOOD.replace("seed = 0\n", ""),
    "too many lines": GOOD + "\n" * 20_000,
    "too large": GOOD + "#" * (1 << 20),
    "an open text": GOOD.replace('"none"', '"none'),
    "a hub without a commit": GOOD + 'model m = hub "a/b" main\n',
    "two lines in one": GOOD.replace("seed = 0", "seed = 0\x0bdevice = cpu"),
}


def test_a_good_lock_is_read() -> None:
    lock = parsed(GOOD.encode(), "x.lock")
    assert dict(lock.under("file")) == {"a = b.csv": f"12 {'0' * 64}"}
    assert parsed(lock.text.encode(), "x.lock") == lock


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_lock_is_refused(kind: str) -> None:
    with pytest.raises(LockRefused, match=re.escape("x.lock")):
        parsed(BAD[kind].encode(), "x.lock")


def test_garbage_is_refused_by_name() -> None:
    chance = Random(5)
    for _ in range(300):
        data = bytearray(GOOD.encode())
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            parsed(bytes(data), "x.lock")
        except LockRefused as refused:
            assert "\x1b" not in str(refused)


# --- the root ----------------------------------------------------------------------------------------------------


def test_a_root_is_of_a_set() -> None:
    addresses = [f"{number:064x}" for number in range(11)]
    assert merkle.root(addresses) == merkle.root([*reversed(addresses), addresses[3]])
    roots = {merkle.root(addresses[:many]) for many in range(12)}
    assert len(roots) == 12
    changed = {merkle.root([*addresses[:at], "f" * 64, *addresses[at + 1 :]]) for at in range(11)}
    assert len(changed) == 11


def test_a_root_by_hand() -> None:
    """RFC 6962, section 2.1: leaves begin with 0, inner nodes with 1; an odd one is taken up as it is."""
    from hashlib import sha256

    leaves = [sha256(b"\0" + name.encode()).digest() for name in ("a", "b", "c")]
    inner = sha256(b"\1" + leaves[0] + leaves[1]).digest()
    assert merkle.root(["c", "a", "b"]) == sha256(b"\1" + inner + leaves[2]).hexdigest()
    assert merkle.root([]) == sha256().hexdigest()
