"""The command line in odd surroundings, in real processes: it works, or ends with a named error and its documented
status."""

from __future__ import annotations

import importlib
import io
import itertools
import json
import os
import pkgutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from e2e_surroundings import (
    ENTRY,
    SURROUNDINGS,
    Command,
    Place,
    Surrounding,
    cheap,
    command,
    ended,
    environment,
    held,
    make_place,
)
from e2e_world import World, entrack, told

import entrack as package
from entrack.cli import failures, streams
from entrack.cli.heartbeat import APART, FIRST, LONGEST, Beat
from entrack.cli.interrupted import SAID
from entrack.store import layout, locks

USUAL = SURROUNDINGS[0]
INSIDE = {
    "entrack.compile.SpecError",
    "entrack.cli.failures.Refused",
    "entrack.errors.EntrackError",
    "entrack.errors.ArgumentError",
    "entrack.errors.ArgumentTypeError",
    "entrack.errors.UnknownName",
    "entrack.budget.Spent",
    "entrack.editor.lenses.Unwanted",
    "entrack.execution.coordinator._Changed",
    "entrack.execution.coordinator._Failed",
    "entrack.execution.local._Lost",
    "entrack.files.NoFile",
    "entrack.notebook.magic.CellEnded",
    "entrack.separate_process.NoLibrary",
    "entrack.workers.errors.WorkerMistake",
    "entrack.workers.process.Ended",
}
"""Errors that have a form of their own - diagnostics, a line without a name, a wrong call - or are raised and caught
inside."""


@pytest.fixture(scope="module")
def place(world: World) -> Place:
    return make_place(world, world.folder / "store")


@pytest.mark.parametrize(("around", "given"), list(cheap()), ids=lambda value: value.name)
def test_a_command_works_or_says_why_not(place: Place, around: Surrounding, given: Command) -> None:
    held(place, given, around)


# --- arguments -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "--device nonsense",
        "--device cuda:x",
        "--device cpu:7",
        "--threads 1000000000",
        "--threads -1",
        "--threads abc",
        "--memory nan",
        "--memory 1",
        "--gpus-per-worker 0",
    ],
)
def test_an_argument_that_makes_no_sense(place: Place, text: str) -> None:
    held(place, command(f"run SPEC --json {text}", 2), USUAL)


def test_a_device_that_is_not_there(place: Place, tmp_path: Path) -> None:
    done = held(place, command(f"run SPEC --json --device cuda:99 --store {tmp_path / 'store'}", 3), USUAL)
    assert json.loads(done.stdout)["error"] == "device missing"
    assert "there is no device cuda:99 here" in done.stderr


@pytest.mark.parametrize("asked", ["run SPEC --device cpu", "plan SPEC"])
def test_gpus_that_are_not_there(asked: str, place: Place, tmp_path: Path) -> None:
    text = f"{asked} --json --gpus-per-worker 2 --store {tmp_path / 'store'}"
    done = held(place, command(text, 3), USUAL)
    assert json.loads(done.stdout)["error"] == "device missing"
    assert "a model is to be placed over 2 GPUs, and cpu is none" in done.stderr


def test_what_is_no_file_is_not_waited_for(place: Place, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.et")
    for path, why in ((tmp_path / "pipe.et", "a pipe"), (Path("/dev/zero"), "a device"), (tmp_path, "directory")):
        for verb in ("check", "fmt --check"):
            done = held(place, command(f"{verb} {path}", 3, prints=False), USUAL)
            assert f"error: spec missing: {path} cannot be read: " in done.stderr and why in done.stderr


def test_no_docstrings(place: Place, tmp_path: Path) -> None:
    around = Surrounding("no docstrings", env={"PYTHONOPTIMIZE": "2"})
    assert "PYTHONOPTIMIZE=2" in held(place, command(f"run SPEC --json --store {tmp_path / 'store'}", 3), around).stderr


def test_little_memory(place: Place, tmp_path: Path) -> None:
    around = Surrounding("0.8 GB of addresses", 'ulimit -v 800000; "$@"')
    done = held(place, command(f"run SPEC --json --store {tmp_path / 'store'}", 3), around)
    assert json.loads(done.stdout)["error"] == "out of memory"


# --- signals, waiting ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_is_said_also_as_json(place: Place, tmp_path: Path, number: int, status: int) -> None:
    with waiting(place, tmp_path / "store", "--json") as (process, gate):
        heard(process, "waiting for another process")
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        gate.set()
    assert process.returncode == status, err
    assert told(err).splitlines()[-1:] == (
        [SAID] if status == 130 else [f"ended by {signal.Signals(number).name}: {SAID.removeprefix('interrupted: ')}"]
    )
    document = json.loads(out)
    assert (document["error"], document["status"]) == ("interrupted", status)


def test_a_wait_is_said(place: Place, tmp_path: Path) -> None:
    with waiting(place, tmp_path / "store") as (process, gate):
        heard(process, "waiting for another process")
        gate.set()
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0 and "accuracy" in out, err
    assert told(err) == "" and "\x1b" not in err and "\r" not in err


class waiting:
    """A run that waits, because a thread of this process holds the store alone until the event is set."""

    def __init__(self, place: Place, store: Path, *more: str) -> None:
        self._place, self._store, self._more = place, store, more
        self._gate, self._held = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._hold)

    def _hold(self) -> None:
        where = layout.Layout(str(self._store))
        layout.make_root(where)
        with locks.alone(where, 1.0):
            self._held.set()
            self._gate.wait(100)

    def __enter__(self) -> tuple[subprocess.Popen[str], threading.Event]:
        self._thread.start()
        assert self._held.wait(60)
        spec = str(self._place.folder / "tiny.et")
        usual = "signal.signal(signal.SIGINT, signal.default_int_handler); signal.signal(signal.SIGHUP, signal.SIG_DFL)"
        code = f"import signal; {usual}; {ENTRY}"
        line = [sys.executable, "-c", code, "run", spec, "--store", str(self._store), *self._more]
        self._process = subprocess.Popen(
            line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
        )
        return self._process, self._gate

    def __exit__(self, *error: object) -> None:
        self._gate.set()
        self._thread.join(60)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(60)


def heard(process: subprocess.Popen[str], words: str) -> None:
    """Read what a process says until it says this. It ends by itself: the lock is held for a bounded time."""
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if words in line:
            return
    raise AssertionError("".join(lines))


def test_signs_of_life_are_few() -> None:
    now = [0.0]
    beat = Beat(lambda: now[0])
    said = []
    while now[0] < 3600:
        if beat.line() is not None:
            said.append(now[0])
        now[0] += 0.5
    assert said[:6] == [2.0, 6.0, 14.0, 30.0, 62.0, 122.0]
    assert len(said) < 70 and said[0] == FIRST and max(b - a for a, b in itertools.pairwise(said)) == LONGEST


def test_waits_are_said_soon_but_not_often() -> None:
    now = [0.0]
    beat = Beat(lambda: now[0])
    said = []
    while now[0] < 1000:
        if now[0] >= 500:
            beat.waits()
        if beat.line() is not None:
            said.append(now[0])
        now[0] += 0.5
    assert any(500 < when <= 502 + APART for when in said)
    assert all(after - before >= APART for before, after in itertools.pairwise(said[3:]))


def test_nothing_is_said_while_a_bar_is_drawn() -> None:
    beat = Beat(lambda: 0.0)
    beat._clock = lambda: 10.0
    beat.silent()
    assert beat.line() is None


# --- names ---------------------------------------------------------------------------------------------------------


def test_every_error_has_a_name_in_words() -> None:
    """Each error class of entrack is in the table, under one that is, or has a form of its own."""
    for module in pkgutil.walk_packages(package.__path__, "entrack."):
        if ".builtin" not in module.name and "__main__" not in module.name:
            with suppress(ModuleNotFoundError):  # of an extra that is not installed; its errors stand elsewhere
                importlib.import_module(module.name)
    ours = [kind for kind in descendants(Exception) if kind.__module__.startswith("entrack.")]
    nameless = {
        f"{kind.__module__}.{kind.__qualname__}"
        for kind in ours
        if not any(path(each) in failures.NAMES for each in kind.__mro__)
    }
    raised_and_caught_inside = {
        name
        for name in nameless
        if name.split(".")[1] in ("syntax", "check", "prompts", "plan", "store", "engine", "analysis", "models")
    }
    assert nameless - raised_and_caught_inside == INSIDE
    assert len(ours) > 15
    assert set(failures.NAMES) <= {path(kind) for kind in ours}, "the table names classes that are there"


def path(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def descendants(kind: type) -> list[type]:
    children: list[type] = kind.__subclasses__()
    return [each for child in children for each in (child, *descendants(child))]


def test_a_mistake_in_entrack_is_said_as_one(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from entrack import api

    def broken(*_: object, **__: object) -> None:
        raise LookupError("top")

    monkeypatch.setattr(api, "checked", broken)
    monkeypatch.delenv("ENTRACK_TRACEBACK")
    result = entrack("run", place.folder / "tiny.et", "--json")
    assert (result.exit_code, result.stderr.count("\n")) == (4, 1)
    assert (
        result.stderr.startswith("error: internal: LookupError: top at cli/runs.py:")
        and "please report" in result.stderr
    )
    assert json.loads(result.stdout)["status"] == 4


def test_every_name_and_status_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "exit-status.md").read_text()
    names = {
        *failures.NAMES.values(),
        failures.SPEC,
        failures.CALL,
        failures.MEMORY,
        failures.PACKAGE,
        failures.SYSTEM,
        failures.MISTAKE,
        failures.INTERRUPTION,
    }
    assert {name for name in names if f"| `{name}` |" not in text} == set()
    assert {status for status in (0, 1, 2, 3, 4, 130, 143, 129) if f"| {status} |" not in text} == set()


# --- streams -------------------------------------------------------------------------------------------------------


def test_output_is_lost_once(tmp_path: Path) -> None:
    """After it was said, what is printed is dropped, so that Python's own tidying up says nothing."""
    descriptor = os.open(tmp_path / "file", os.O_RDONLY | os.O_CREAT)
    outlet = streams.Outlet(descriptor, needed=True)
    with pytest.raises(streams.OutputLost):
        outlet.write(b"a")
    assert outlet.write(b"bc") == 2 and outlet.written == 0
    os.close(descriptor)


def test_a_descriptor_that_does_not_block_is_waited_for() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    stream = io.BufferedWriter(streams.Outlet(writing, needed=True))
    data = os.urandom(1 << 20)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.extend(iter(lambda: os.read(reading, 1 << 16), b"")))
    reader.start()
    stream.write(data)
    stream.flush()
    os.close(writing)
    reader.join(60)
    assert b"".join(got) == data
    os.close(reading)


def test_a_closed_stream_is_not_taken_by_a_file(place: Place, tmp_path: Path) -> None:
    """Without a stream in its place, an object of the store would be opened as standard output, and be printed into."""
    around = Surrounding("all closed", '"$@" <&- >&- 2>&-', mute=True)
    store = tmp_path / "store"
    ended(place, command(f"run SPEC --store {store}"), around)
    assert held(place, command(f"cache verify --store {store}", prints=False), USUAL).returncode == 0
    assert len([path for path in (store / "objects").rglob("*") if path.is_file()]) == 1
