"""The command line: what goes where, exit statuses, and one named line for each way in which the world can fail."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import pytest
from e2e_world import World, entrack
from typer.testing import Result

from entrack.store import fs

TINY = (
    'entrack 1\ninclude "tasks.et"\nmodel base = local("base")\nmeasure a = accuracy(base with zero '
    "g) on 12 boxes\ngroup g in base at last = 0.1\n"
)


@pytest.fixture
def spec(world: World, tmp_path: Path) -> Path:
    """A spec of one measure in a folder of its own, that may be spoilt."""
    shutil.copytree(world.folder / "base", tmp_path / "base")
    shutil.copy(world.folder / "tasks.et", tmp_path)
    (tmp_path / "tiny.et").write_text(TINY)
    return tmp_path / "tiny.et"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def failed(result: Result, named: str, *words: str) -> None:
    """Exit status 3 and one line that names what failed."""
    assert result.exit_code == 3, result.stderr
    assert result.stdout == ""
    assert result.stderr.startswith(f"error: {named}: "), result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    for word in words:
        assert word in result.stderr


# --- what goes where ---------------------------------------------------------------------------------------------


def test_json_is_one_document_and_nothing_else(world: World, store: Path) -> None:
    result = entrack("run", world.study, "--json", "--store", store)
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["entrack_results"] == 1
    assert [measure["name"] for measure in found["measures"]] == ["acc", "prob", "far", "told"]
    assert [claim["passed"] for claim in found["claims"]] == [True, False]
    for command in ("plan", "check"):
        shown = entrack(command, world.study, *(["--json", "--store", store] if command == "plan" else []))
        assert shown.exit_code == 0
        assert (json.loads(shown.stdout)["total"]["forwards"] == 0) if command == "plan" else shown.stdout == ""
    assert entrack("run", world.study, "--strict", "--json", "--store", store).exit_code == 1
    assert entrack("run", world.study, "-p", "n=5", "--json", "--store", store).exit_code == 0


def test_out_writes_what_json_prints(spec: Path, store: Path, tmp_path: Path) -> None:
    result = entrack("run", spec, "--json", "--out", tmp_path / "out" / "deep", "--store", store)
    assert result.exit_code == 0, result.stderr
    assert json.loads((tmp_path / "out" / "deep" / "results.json").read_text()) == json.loads(result.stdout)


def test_nothing_is_coloured_without_a_terminal(
    world: World, spec: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    spec.write_text(TINY.replace("zero g", "zero h"))
    shown = [
        entrack("run", world.study, "--store", store),
        entrack("check", spec),
        entrack("plan", world.study, "--store", store),
        entrack("prompts", world.study, "boxes"),
        entrack("models"),
        entrack("cache", "ls", "--store", store),
        entrack("--help"),
    ]
    assert [result.exit_code for result in shown] == [0, 2, 0, 0, 0, 0, 0]
    for result in shown:
        assert "\x1b" not in result.stdout + result.stderr
        assert result.stdout + result.stderr


# --- a wrong spec, a wrong call ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("zero g", "zero h", "E201"),
        ("zero g", "zerog", "E"),
        ("= 0.1", "= 7.1", "E511"),
        ("at last", "at lost", "no position `lost`"),
        ('"tasks.et"', '"task.et"', "did you mean"),
        ("entrack 1", "entrack 2", "E102"),
        ("12 boxes", "0 boxes", "E304"),
        ("accuracy(base", "probability of asked (base", "E604"),
    ],
)
def test_a_wrong_spec(spec: Path, store: Path, old: str, new: str, word: str) -> None:
    spec.write_text(TINY.replace(old, new))
    for command in ("check", "run"):
        result = entrack(command, spec, *(["--store", store] if command == "run" else []))
        assert result.exit_code == 2, result.stderr
        assert result.stdout == ""
        assert word in result.stderr
    assert not store.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("run",),
        ("runs", "x"),
        ("run", "SPEC", "-p", "n"),
        ("run", "SPEC", "-p", "n=nan"),
        ("run", "SPEC", "-p", "m=3"),
        ("prompts", "SPEC", "box"),
        ("explain", "E9"),
        ("plan", "SPEC", "--explain", "--device", "cpu"),
        ("plan", "SPEC", "--explain", "--price", "2"),
    ],
)
def test_a_wrong_call(spec: Path, arguments: tuple[str, ...]) -> None:
    result = entrack(*(str(spec) if word == "SPEC" else word for word in arguments))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert result.stderr


def test_fmt(spec: Path) -> None:
    spec.write_text(loose := TINY.replace(" = ", "="))
    assert entrack("fmt", "--check", spec).exit_code == 1
    assert spec.read_text() == loose
    assert entrack("fmt", spec).exit_code == 0
    assert entrack("fmt", "--check", spec).exit_code == 0
    assert spec.read_text() == entrack("fmt", "--stdout", spec).stdout == TINY
    assert [path.name for path in spec.parent.iterdir() if path.name.startswith(".")] == []


# --- a world that fails ------------------------------------------------------------------------------------------


def test_no_spec(spec: Path) -> None:
    failed(entrack("run", spec.with_name("none.et")), "spec missing", "none.et", "No such file")
    failed(entrack("check", spec.parent), "spec missing")
    spec.write_bytes(b"entrack 1 # \xff")
    failed(entrack("fmt", spec), "spec missing", "UTF-8")


def without(name: str) -> Callable[[Path], None]:
    return lambda model: (model / name).unlink()


def cut(name: str) -> Callable[[Path], None]:
    return lambda model: os.truncate(model / name, (model / name).stat().st_size // 2)


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (shutil.rmtree, "model missing"),
        (without("config.json"), "model missing"),
        (without("tokenizer.json"), "model missing"),
        (without("model.safetensors"), "model missing"),
        (cut("model.safetensors"), "model refused"),
    ],
    ids=["folder", "no config", "no tokenizer", "no weights", "cut weights"],
)
def test_a_model_that_is_not_there(spec: Path, store: Path, spoil: Callable[[Path], None], named: str) -> None:
    spoil(spec.parent / "base")
    failed_after_warnings(entrack("run", spec, "--store", store), named)


def test_a_tokenizer_that_is_cut(spec: Path, store: Path) -> None:
    cut("tokenizer.json")(spec.parent / "base")
    result = entrack("run", spec, "--store", store)
    assert (result.exit_code, result.stdout) == (2, "") and result.stderr.startswith("error[E434]: ")


def failed_after_warnings(result: Result, named: str) -> None:
    assert (result.exit_code, result.stdout) == (3, ""), result.stderr
    assert result.stderr.splitlines()[-1].startswith(f"error: {named}: "), result.stderr
    assert "Traceback" not in result.stderr


def test_a_model_on_the_hub_without_network(spec: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    spec.write_text(TINY.replace('local("base")', 'hub("nobody/has-this")'))
    assert entrack("check", spec).exit_code == 0
    failed(
        entrack("run", spec, "--store", store), "model missing", "nobody/has-this", "no connection", 'local("folder")'
    )
    failed(entrack("plan", spec, "--store", store), "model missing", "nobody/has-this", "downloads")


def test_a_model_from_the_hub_is_checked_when_it_comes(
    spec: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only its config.json can tell is told after the download, with the place in the spec."""
    here: list[str] = []
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **_: here.append(name))
    monkeypatch.setattr(
        huggingface_hub,
        "try_to_load_from_cache",
        lambda *_, **__: str(spec.parent / "base" / "config.json") if here else None,
    )
    spec.write_text(TINY.replace('local("base")', 'hub("some/model")').replace("0.1", "0.7"))
    assert entrack("check", spec).exit_code == 0
    result = entrack("run", spec, "--store", store)
    assert result.exit_code == 2, result.stderr
    assert "there is no head 0.7" in result.stderr
    spec.write_text(spec.read_text().replace("0.7", "0.1"))
    here.clear()
    assert entrack("run", spec, "--store", store).exit_code == 0


def test_a_full_disk(spec: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int, data: memoryview) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(fs, "write", full)
        failed(
            entrack("run", spec, "--store", store),
            "store full",
            str(store),
            "No space left",
            "what is finished is kept",
        )
    assert entrack("run", spec, "--store", store).exit_code == 0


def test_a_store_of_an_earlier_entrack(spec: Path, store: Path, tmp_path: Path) -> None:
    """It is named, with what to do; nothing in it is harmed; and another folder does."""
    assert entrack("run", spec, "--store", store).exit_code == 0
    (store / "format.json").write_text('{"entrack_store":1}\n')
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    for command in (("run", spec), ("plan", spec), ("cache", "ls"), ("cache", "gc", "--max-size", "0")):
        failed(entrack(*command, "--store", store), "store too old", str(store), "earlier", "choose another folder")
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before
    assert entrack("run", spec, "--store", tmp_path / "other").exit_code == 0


def test_a_store_that_is_only_read(spec: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert entrack("run", spec, "--store", store).exit_code == 0
    monkeypatch.setattr(fs, "writable", lambda _: False)
    assert entrack("run", spec, "--store", store).exit_code == 0, "everything is there"
    spec.write_text(TINY.replace("12", "13"))
    failed(entrack("run", spec, "--store", store), "store read-only", str(store), "choose another folder")


def test_a_store_that_cannot_be_read(spec: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write_text("a file")
    failed(entrack("run", spec, "--store", store), "store unreadable", str(store))
    store.unlink()
    assert entrack("run", spec, "--store", store).exit_code == 0

    def denied(name: str, inside: int | None = None) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", name)

    monkeypatch.setattr(fs, "open_folder", denied)
    failed(entrack("run", spec, "--store", store), "store unreadable", "Permission denied")


def test_results_that_cannot_be_written(spec: Path, store: Path) -> None:
    (spec.parent / "taken").write_text("a file")
    result = entrack("run", spec, "--store", store, "--json", "--out", spec.parent / "taken" / "out")
    assert result.exit_code == 3
    assert result.stderr.startswith("error: system: Not a directory"), result.stderr
    assert "taken" in result.stderr
    assert result.stderr.count("\n") == 1
    assert json.loads(result.stdout)


@pytest.mark.parametrize(
    "spoil",
    [lambda data: data[:-7], lambda data: data[:-1] + bytes([data[-1] ^ 1]), lambda _: b""],
    ids=["cut", "flipped", "empty"],
)
def test_a_damaged_store_is_said_and_mended(world: World, store: Path, spoil: Callable[[bytes], bytes]) -> None:
    first = entrack("run", world.study, "--json", "--store", store)
    objects = sorted(path for path in (store / "objects").rglob("*") if path.is_file())
    for path in objects:
        data = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(spoil(data))
    again = entrack("run", world.study, "--json", "--store", store)
    assert again.exit_code == 0, again.stderr
    assert "damage" in again.stderr
    assert "computed again" in again.stderr
    assert numbers(again) == numbers(first)
    quiet = entrack("run", world.study, "--json", "--store", store)
    assert quiet.stderr == ""
    assert json.loads(quiet.stdout)["provenance"]["computed"] == 0


def test_a_damaged_store_is_planned(world: World, store: Path) -> None:
    assert entrack("run", world.study, "--store", store).exit_code == 0
    for path in (store / "objects").rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(b"x" * path.stat().st_size)
    planned = entrack("plan", world.study, "--json", "--store", store)
    assert planned.exit_code == 0, planned.stderr
    assert json.loads(planned.stdout)["total"]["forwards"] > 0


def numbers(result: Result) -> object:
    found = json.loads(result.stdout)
    return {part: found[part] for part in ("measures", "discoveries", "claims")}
