"""Links in every place of a store, and the world outside that they lead to."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from attrs import frozen
from store_tools import address, tensors

from entrack.store import Action, DiskStore

OTHER = 50
"""Entries of the other store have numbers from here on."""
Seen = Mapping[str, tuple[object, ...]]


@frozen
class World:
    """A folder with a store in it, and beside that a folder, a file and another store, all of which have what a
    careless store would take."""

    folder: Path

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @classmethod
    def made(cls, folder: Path, fill: Callable[[Path], object]) -> World:
        """`fill` makes the store."""
        world = cls(folder)
        folder.mkdir(parents=True)
        (folder / "file").write_text("precious")
        (folder / "file").chmod(0o644)
        inner = folder / "thesis"
        inner.mkdir()
        for name in (
            "one.tex",
            ".tmp-1-a",
            "cache.db",
            "cache.db-journal",
            "gate.lock",
            "distrusted",
            address(1),
            f"{address(1)}.json",
        ):
            (inner / name).write_text(name)
        with DiskStore(folder / "other") as other:
            for number in (OTHER, OTHER + 1):
                other.put(address(number), tensors(number), {})
        fill(world.store)
        (world.store / "README.md").write_text("What this is for.")
        (world.store / "quarantine").mkdir(exist_ok=True)
        (world.store / "quarantine" / "old").write_text("damaged")
        for path in (*folder.rglob("*"), folder):
            os.utime(path, (1_000_000_000, 1_000_000_000), follow_symlinks=False)
        return world

    def outside(self) -> Seen:
        return {name: what for name, what in seen(self.folder).items() if name.split("/")[0] != self.store.name}


def seen(folder: Path) -> Seen:
    """Every name below a folder, and it itself: mode, size, time, bytes, and where a link leads."""
    found = {}
    for path in (folder, *sorted(folder.rglob("*"))):
        about = path.lstat()
        content: object = (
            os.readlink(path) if path.is_symlink() else path.read_bytes() if stat.S_ISREG(about.st_mode) else None
        )
        found[str(path.relative_to(folder))] = (
            about.st_mode,
            about.st_size if content else 0,
            about.st_mtime_ns,
            content,
        )
    return found


def places(action: Action) -> tuple[str, ...]:
    """Every kind of place in a store that has this entry, by its name below the store."""
    object_, recorded = action.object, action.address
    unused = next(f"{number:02x}" for number in range(256) if f"{number:02x}" not in (object_[:2], recorded[:2]))
    top = ("objects", "actions", "index", "locks", "quarantine", "format.json", "CACHEDIR.TAG", "README.md")
    unfinished = (
        ".tmp-1-a",
        ".tmp-index-x",
        ".tmp-index-0123abcd",
        ".tmp-index-0123abcd/cache.db",
        ".tmp-index-0123abcd/thesis",
    )
    index = tuple(
        f"index/{name}"
        for name in ("cache.db", "cache.db-journal", "cache.db-wal", "cache.db-shm", "distrusted", "more")
    )
    locks = tuple(f"locks/{name}.lock" for name in ("gate", "index", recorded[:3]))
    entries = (
        f"objects/{object_[:2]}",
        f"actions/{recorded[:2]}",
        f"objects/{object_[:2]}/{object_}",
        f"actions/{recorded[:2]}/{recorded}.json",
        f"objects/{object_[:2]}/.tmp-1-a",
        f"actions/{recorded[:2]}/.tmp-1-a",
        f"objects/{unused}",
        f"actions/{unused}",
        "objects/zz",
        "objects/more",
    )
    return (*top, *unfinished, *index, *locks, *entries, "quarantine/old")


LINKS = ("folder", "file", "nowhere", "other store", "above", "itself", "hard link")


def link(world: World, place: str, kind: str) -> None:
    """Put a link in a place, of whatever stood there."""
    path = world.store / place
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    up = "../" * (place.count("/") + 1)
    same = world.folder / "other" / place
    target = {
        "folder": world.folder / "thesis",
        "file": world.folder / "file",
        "nowhere": world.folder / "nothing",
        "above": Path(up),
        "itself": Path(path.name),
    }
    if kind == "hard link":
        os.link(same if same.is_file() else world.folder / "file", path)
    else:
        path.symlink_to(same if kind == "other store" else target[kind])


def linked(world: World, places: Iterable[str], kinds: Iterable[str] = LINKS) -> Iterator[str]:
    """Every link in every place in turn, each in a store as it was; what is outside is the same for all."""
    clean = world.folder.with_name(f"{world.folder.name} clean")
    shutil.copytree(world.store, clean, symlinks=True)
    for place in places:
        for kind in kinds:
            afresh(world, clean)
            link(world, place, kind)
            yield f"{place} is a link: {kind}"
    afresh(world, clean)


def afresh(world: World, clean: Path) -> None:
    """The store as it was, and the time of the folder that it is in."""
    shutil.rmtree(world.store, ignore_errors=True)
    shutil.copytree(clean, world.store, symlinks=True)
    os.utime(world.folder, (1_000_000_000, 1_000_000_000))
