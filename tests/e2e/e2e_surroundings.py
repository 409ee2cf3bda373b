"""Odd surroundings of the command line, commands to run in them, and what holds in all: a process each, as a shell
starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen
from e2e_world import World, told

from entrack.api import load

ROOT = Path(__file__).parents[2]
SECONDS = 300
"""After which a command hangs."""
ENTRY = "from entrack.cli.main import main; main()"
TINY = (
    'entrack 1\ninclude "tasks.et"\nmodel base = local("base")\nmeasure a = accuracy(base with zero '
    "g) on 12 boxes\ngroup g in base at last = 0.1\n"
)
STORED = '{"entrack_results"'
NEVER = ("Traceback", "error: internal", "Exception ignored", "Fatal Python error", "\x1b")
LOST, GONE, MUTE = "lost", "gone", "mute"


@frozen
class Surrounding:
    """`shell` runs the command, which is `"$@"`, in bash. `out` says what of its stdout is seen: all of it, none
    because it is LOST (a command that prints has status 3) or because its reader is GONE; with `mute` its stderr
    cannot be seen. `fails` are statuses that it may have besides."""

    name: str
    shell: str = '"$@"'
    env: Mapping[str, str | None] = {}
    out: str = ""
    mute: bool = False
    fails: tuple[int, ...] = ()
    python: tuple[str, ...] = ()


@frozen
class Command:
    """Arguments, in which SPEC, BAD, NONE and STORE are files; the status in a usual world; whether it prints;
    `light` starts quickly."""

    name: str
    arguments: tuple[str, ...]
    status: int = 0
    prints: bool = True
    light: bool = False

    @property
    def as_json(self) -> bool:
        return "--json" in self.arguments


def command(text: str, status: int = 0, prints: bool = True, light: bool = False) -> Command:
    return Command(text, tuple(text.split()), status, prints, light)


COMMANDS = (
    command("check SPEC", prints=False, light=True),
    command("check BAD", 2, prints=False, light=True),
    command("check NONE", 3, prints=False, light=True),
    command("fmt --stdout SPEC", light=True),
    command("--version"),
    command("--help"),
    command("explain E201"),
    command("models --json"),
    command("prompts SPEC boxes --json"),
    command("plan SPEC --store STORE"),
    command("plan SPEC --store STORE --json"),
    command("run SPEC --store STORE"),
    command("run SPEC --store STORE --json"),
    command("run BAD --store STORE --json", 2),
    command("run NONE --json", 3),
    command("run SPEC --threads 0 --json", 2),
    command("cache ls --store STORE"),
    command("cache why SPEC --store STORE --json"),
    command("cache verify --store STORE", prints=False),
)
SURROUNDINGS = (
    Surrounding("usual"),
    Surrounding("stdout closed", '"$@" >&-'),
    Surrounding("stderr closed", '"$@" 2>&-'),
    Surrounding("all closed", '"$@" <&- >&- 2>&-', mute=True),
    Surrounding("stdin closed", '"$@" <&-'),
    Surrounding("stdout full", '"$@" >/dev/full', out=LOST),
    Surrounding("stdout only to read", '"$@" 1</dev/null', out=LOST),
    Surrounding("stderr full", '"$@" 2>/dev/full', mute=True),
    Surrounding("no reader", 'set -o pipefail; "$@" | true', out=GONE),
    Surrounding("a reader of one line", 'set -o pipefail; "$@" | head -1 >/dev/null', out=GONE),
    Surrounding("a pipe", 'set -o pipefail; "$@" | cat'),
    Surrounding("dumb terminal", env={"TERM": "dumb"}),
    Surrounding("no column", env={"COLUMNS": "0"}),
    Surrounding("one column", env={"COLUMNS": "1"}),
    Surrounding("columns of letters", env={"COLUMNS": "abc", "LINES": "²"}),
    Surrounding("columns that are no number", env={"COLUMNS": "²"}),
    Surrounding("a billion columns", env={"COLUMNS": "1000000000"}),
    Surrounding("ASCII", env={"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}),
    Surrounding("no locale", env={"LC_ALL": "nowhere", "LANG": None}),
    Surrounding("no home", env={"HOME": None}),
    Surrounding("home that is not there", env={"HOME": "/nonexistent"}),
    Surrounding("no folder for temporary files", env={"TMPDIR": "/nonexistent"}),
    Surrounding("another seed of hashes", env={"PYTHONHASHSEED": "7"}),
    Surrounding("no asserts", env={"PYTHONOPTIMIZE": "1"}),
    Surrounding("no docstrings", env={"PYTHONOPTIMIZE": "2"}),
    Surrounding("isolated", python=("-I",)),
    Surrounding("warnings are errors to show", env={"PYTHONWARNINGS": "always"}),
    Surrounding("a backend that is not there", env={"MPLBACKEND": "nonsense"}),
    Surrounding("working folder removed", 'd=$(mktemp -d) && cd "$d" && rmdir "$d" && "$@"', fails=(3,)),
    Surrounding("0.2 GB of addresses", 'ulimit -v 200000; "$@"', fails=(3,)),
    Surrounding("0.5 GB of addresses", 'ulimit -v 500000; "$@"', fails=(3,)),
    Surrounding("6 open files", 'ulimit -n 6; "$@"', fails=(3,)),
    Surrounding("10 open files", 'ulimit -n 10; "$@"', fails=(3,)),
    Surrounding("files may not grow", 'ulimit -f 0; "$@"', fails=(3,)),
    Surrounding("signals ignored", 'trap "" HUP TERM PIPE; "$@"'),
)


@frozen
class Place:
    """A folder with a spec, a broken one, and a store that has all of the spec."""

    folder: Path

    def arguments(self, given: Command) -> list[str]:
        files = {"SPEC": "tiny.et", "BAD": "bad.et", "NONE": "none.et", "STORE": "store"}
        return [str(self.folder / files[word]) if word in files else word for word in given.arguments]


def make_place(world: World, store: Path) -> Place:
    """The specs beside the study; the store is filled."""
    (world.folder / "tiny.et").write_text(TINY)
    (world.folder / "bad.et").write_text(TINY.replace("zero g", "zero h"))
    place = Place(world.folder)
    load(world.folder / "tiny.et").run(store)
    return place


def environment(more: Mapping[str, str | None] = {}) -> dict[str, str]:
    """That of this process, with the traceback of mistakes and with what is asked for (None: without). A PYTHONPATH
    that is not absolute keeps Python from starting where there is no working folder."""
    wanted = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "ENTRACK_TRACEBACK": "1", **more}
    return {name: value for name, value in wanted.items() if value is not None}


def ended(place: Place, given: Command, around: Surrounding) -> subprocess.CompletedProcess[str]:
    """The command, run to its end in these surroundings."""
    line = [sys.executable, *around.python, "-c", ENTRY, *place.arguments(given)]
    return subprocess.run(
        ["bash", "-c", around.shell, "bash", *line],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env=environment(around.env),
        cwd=place.folder,
    )


def held(place: Place, given: Command, around: Surrounding) -> subprocess.CompletedProcess[str]:
    """Run a command, and hold it against what is promised. Raises AssertionError."""
    done = ended(place, given, around)
    said = told(done.stderr)
    lost = around.out == LOST and given.prints
    wanted = {3} if lost and given.status == 0 else {given.status, *around.fails}
    assert done.returncode in wanted, (done.returncode, done.stdout[-300:], done.stderr[-2000:])
    assert not [word for word in NEVER if word in done.stdout + done.stderr], done.stderr[-2000:]
    if done.returncode == 3 and not around.mute and not around.name.startswith("stderr"):
        assert [line.startswith("error: ") for line in said.splitlines()].count(True) == 1, done.stderr
    if given.as_json and done.stdout:
        _one_document(done)
    if given.as_json and not around.out and "closed" not in around.name:
        assert done.stdout, "a document in every case"
    return done


def _one_document(done: subprocess.CompletedProcess[str]) -> None:
    document: Any = json.loads(done.stdout)
    failed = isinstance(document, dict) and "entrack_error" in document
    assert failed == (done.returncode != 0), done.stdout
    if failed:
        assert set(document) == {"entrack_error", "error", "status", "message", "problems"}
        assert (document["entrack_error"], document["status"]) == (1, done.returncode)


def cheap() -> Iterator[tuple[Surrounding, Command]]:
    """Each of the surroundings with two commands that start quickly, and the streams with a run too."""
    named = {given.name: given for given in COMMANDS}
    for number, around in enumerate(SURROUNDINGS):
        yield around, COMMANDS[number % 4]
        heavy = around.shell != '"$@"' or around.name.startswith(("usual", "one column", "columns that"))
        yield around, named["run SPEC --store STORE --json" if heavy else "--version"]
