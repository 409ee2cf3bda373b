"""Results that are shared, from the command line and from Python: found there, given there, and never named in what is
written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from e2e_world import World, entrack
from typer.testing import Result

from entrack import api
from entrack.errors import ArgumentError
from entrack.events import Event, RemoteDone, RemoteTrouble
from entrack.store import DiskStore, fs, verify

TEXT = """entrack 1
include "tasks.et"
model base = local("base")
group g in base at last = 0.1
measure p = probability of answer (base with [nothing, patch g from scrambled]) on 12 boxes
"""
STEPS = 3


@pytest.fixture
def spec(world: World) -> Path:
    path = world.folder / "shared.et"
    path.write_text(TEXT)
    return path


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    folder = tmp_path / "the lab's folder"
    folder.mkdir()
    return folder


def ran(spec: Path, store: Path, *more: object) -> tuple[dict[str, Any], Result]:
    result = entrack("run", spec, "--json", "--store", store, *more)
    assert result.exit_code == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document, result


def test_one_computes_and_another_takes(spec: Path, lab: Path, tmp_path: Path) -> None:
    alone, _ = ran(spec, tmp_path / "alone")
    first, said = ran(spec, tmp_path / "a", "--remote", lab)
    assert f"the remote {lab}: 0 values taken from it, {STEPS} written to it" in said.stderr
    second, said = ran(spec, tmp_path / "b", "--remote", lab)
    assert f"the remote {lab}: {STEPS} values taken from it, 0 written to it" in said.stderr
    assert (second["provenance"]["computed"], second["provenance"]["found"]) == (0, STEPS)
    assert alone["measures"] == first["measures"] == second["measures"]
    third, said = ran(spec, tmp_path / "b")
    assert third["provenance"]["computed"] == 0 and third["measures"] == alone["measures"]
    with DiskStore(lab) as store:
        assert verify(store).whole and verify(store).actions == STEPS
    written = [said.stdout.encode(), *(path.read_bytes() for path in (tmp_path / "b").rglob("*") if path.is_file())]
    assert not any(str(lab).encode() in each for each in written), "where it was from is nowhere recorded"


def test_a_remote_that_is_only_read(spec: Path, lab: Path, tmp_path: Path) -> None:
    _, said = ran(spec, tmp_path / "a", "--remote", lab, "--remote-read-only")
    assert list(lab.iterdir()) == [] and f"the remote {lab} is no store of entrack" in said.stderr


def test_a_remote_that_is_not_there_costs_a_line(spec: Path, tmp_path: Path) -> None:
    document, said = ran(spec, tmp_path / "a", "--remote", tmp_path / "unmounted")
    assert document["provenance"]["computed"] == STEPS
    assert said.stderr.count("warning: ") == 2 and "3 values were not written" in said.stderr


@pytest.mark.parametrize("url", ["ftp://ada:secret@host/x", "https://ada:secret@host/x?y", "https://ada:secret@/x"])
def test_a_url_that_is_none(url: str, spec: Path, tmp_path: Path) -> None:
    result = entrack("run", spec, "--store", tmp_path / "a", "--remote", url)
    assert result.exit_code == 2 and "a remote" in result.stderr.replace("the remote", "a remote")
    assert "secret" not in result.stderr + result.stdout


def test_reading_only_needs_a_remote(spec: Path, tmp_path: Path) -> None:
    result = entrack("run", spec, "--store", tmp_path / "a", "--remote-read-only")
    assert result.exit_code == 2 and "name it with --remote" in result.stderr


def test_from_python(spec: Path, lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Event] = []
    loaded = api.load(spec)
    first = loaded.run(tmp_path / "a", remote=lab, watcher=told.append)
    second = loaded.run(tmp_path / "b", remote=str(lab), remote_read_only=True, watcher=told.append)
    assert first["p"].records() == second["p"].records()
    done = [event for event in told if isinstance(event, RemoteDone)]
    assert [(event.brought, event.written) for event in done] == [(0, STEPS), (STEPS, 0)]
    with pytest.raises(ArgumentError):
        loaded.run(tmp_path / "b", remote=7)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError):
        loaded.run(tmp_path / "b", remote=lab, remote_read_only=1)  # type: ignore[arg-type]
    monkeypatch.setattr(fs, "writable", lambda _: False)
    told.clear()
    assert loaded.run(tmp_path / "b", remote=lab, watcher=told.append)["p"].records() == first["p"].records()
    (trouble,) = (event for event in told if isinstance(event, RemoteTrouble))
    assert trouble.why == f"the remote {lab} is not asked: the store here cannot be written"


def test_a_pack_runs_with_a_remote(spec: Path, lab: Path, tmp_path: Path) -> None:
    """Of what the pack does not have, the remote is asked."""
    ran(spec, tmp_path / "a", "--remote", lab)
    pack = tmp_path / "shared.etz"
    assert entrack("pack", spec, "--store", tmp_path / "a", "--out", pack).exit_code == 0
    document, said = ran(pack, tmp_path / "b", "--remote", lab)
    assert document["provenance"]["computed"] == 0 and "Traceback" not in said.stderr
