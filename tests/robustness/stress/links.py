"""A link in every place of a store in turn, and every command: nothing outside the store is changed, and who only
looks changes nothing at all."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

from attrs import frozen
from e2e_world import entrack, make_world
from store_links import LINKS, World, afresh, link, places, seen
from store_tools import environment

from entrack.store import DiskStore
from stress.tried import Tally, Tried

TINY = (
    'entrack 1\ninclude "tasks.et"\nmodel base = local("base")\nmeasure a = accuracy(base with '
    "[nothing, zero g]) on 12 boxes\ngroup g in base at last = 0.1\n"
)
SHARE = 20
"""One of so many links is tried with commands in processes of their own too."""


@frozen
class Scene:
    """A world whose store holds a run of `spec`; a copy of that store; the address of an entry, and what it has for
    results."""

    world: World
    clean: Path
    spec: Path
    address: str
    document: str


def everywhere(count: int, seed: int, folder: Path) -> Tried:
    """`count` links in places chosen by chance, or every link in every place where there are no more."""
    tally, scene = Tally(), _scene(folder)
    action = DiskStore(scene.world.store).find(scene.address)
    assert action is not None
    links = [(place, kind) for place in places(action) for kind in LINKS]
    chosen = random.Random(seed).sample(links, min(count, len(links)))
    outside, processes = scene.world.outside(), 0
    for number, (place, kind) in enumerate(chosen):
        alone = number % SHARE == 0
        _looked_at(tally, scene, place, kind)
        for command in changes(scene):
            _changed(tally, scene, place, kind, command, outside, alone)
            processes += alone
    tally.notes.append(
        f"{len(chosen)} of {len(links)} links, {len(looks(scene)) + len(changes(scene))} commands, "
        f"{processes} of them in processes of their own"
    )
    return tally.tried


def looks(scene: Scene) -> tuple[tuple[str, ...], ...]:
    """The commands that only look."""
    spec = str(scene.spec)
    return (
        ("plan", spec),
        ("plan", spec, "--explain", "--json"),
        ("verify", spec, "--all"),
        ("cache", "ls"),
        ("cache", "show", scene.address[:12]),
        ("cache", "why", spec),
        ("cache", "why", scene.address[:12]),
        ("cache", "verify"),
        ("cache", "doctor"),
        ("cache", "gc", "--dry-run", "--max-size", "0"),
        ("cache", "gc", "--dry-run", "--keep-spec", spec),
        ("check", spec),
        ("run", "--help"),
        ("prompts", spec, "boxes"),
    )


def changes(scene: Scene) -> tuple[tuple[str, ...], ...]:
    """The commands that change the store."""
    return (
        ("run", str(scene.spec), "--json"),
        ("cache", "gc", "--max-size", "0"),
        ("cache", "gc", "--keep-spec", str(scene.spec)),
    )


def _looked_at(tally: Tally, scene: Scene, place: str, kind: str) -> None:
    afresh(scene.world, scene.clean)
    link(scene.world, place, kind)
    before = seen(scene.world.folder)
    for command in looks(scene):
        with tally.case(f"{place} is a link: {kind}; {' '.join(command)}"):
            _command(scene, command, alone=False)
            assert seen(scene.world.folder) == before, "something was changed"


def _changed(
    tally: Tally, scene: Scene, place: str, kind: str, command: tuple[str, ...], outside: object, alone: bool
) -> None:
    with tally.case(f"{place} is a link: {kind}; {' '.join(command)}"):
        afresh(scene.world, scene.clean)
        link(scene.world, place, kind)
        said = _command(scene, command, alone)
        assert scene.world.outside() == outside, "something outside was changed"
        assert command[0] != "run" or said in ("", scene.document), "another number"


def _command(scene: Scene, command: tuple[str, ...], alone: bool) -> str:
    """What a command prints, empty where it failed by name."""
    words = [
        *command,
        *(
            ("--store", str(scene.world.store))
            if command[0] in ("run", "plan", "verify", "cache") and "--help" not in command
            else ()
        ),
    ]
    if alone:
        start = "from entrack.cli.main import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", start, *words],
            capture_output=True,
            text=True,
            check=False,
            env=environment(),
            timeout=120,
        )
        status, said, trouble = done.returncode, done.stdout, done.stderr
    else:
        result = entrack(*words)
        assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
        status, said, trouble = result.exit_code, result.stdout, result.stderr
    assert status in (0, 1, 2, 3) and "Traceback" not in trouble, (status, trouble)
    return _values(said) if status == 0 and command[0] == "run" and "--json" in command else ""


def _values(document: str) -> str:
    return json.dumps(json.loads(document)["measures"])


def _scene(folder: Path) -> Scene:
    (folder / "specs").mkdir()
    spec = make_world(folder / "specs").folder / "tiny.et"
    spec.write_text(TINY)
    said: list[str] = []
    world = World.made(
        folder / "world", lambda store: said.append(entrack("run", spec, "--json", "--store", store).stdout)
    )
    clean = folder / "clean"
    address = next(DiskStore(world.store).addresses())
    world.store.rename(clean)
    afresh(world, clean)
    return Scene(world, clean, spec, address, _values(said[0]))
