"""Where things are in a store's folder.

format.json  CACHEDIR.TAG
objects/ab/<sha256 of the bytes>     immutable, mode 0444
actions/ab/<address>.json            what was made at an address: the truth
index/cache.db                       the same, faster; can be deleted at any time
locks/                               a fixed number of empty files
quarantine/                          what was found damaged
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

from attrs import frozen

from entrack.store import files
from entrack.store.base import check_address, json_bytes
from entrack.store.errors import StoreTooNew, StoreUnreadable

FORMAT = 1
_KEY = "entrack_store"
_FORMAT_FILE, _TAG_FILE = "format.json", "CACHEDIR.TAG"
_WELCOME = {"README.md"}  # a checkout says here what the folder is for
_OWN = {*_WELCOME, "objects", "actions", "index", "locks", "quarantine", _FORMAT_FILE, _TAG_FILE}
_TAG = b"""Signature: 8a477f597d28d172789f06886806bc55
# This folder holds results that entrack can compute again. Backup programs may skip it.
# Remove entries with entrack, not by hand. See https://bford.info/cachedir/
"""


@frozen
class Layout:
    """The paths of one store; `root` is absolute."""

    root: str

    def object(self, digest: str) -> str:
        return f"{self.root}/objects/{digest[:2]}/{digest}"

    def action(self, address: str) -> str:
        return f"{self.root}/actions/{address[:2]}/{address}.json"

    @property
    def index(self) -> str:
        return f"{self.root}/index"

    @property
    def quarantine(self) -> str:
        return f"{self.root}/quarantine"

    @property
    def format(self) -> str:
        return f"{self.root}/{_FORMAT_FILE}"

    def lock(self, name: str) -> str:
        return f"{self.root}/locks/{name}.lock"

    def addresses(self) -> Iterator[str]:
        """Addresses with an action file, sorted."""
        for name in self._named("actions"):
            if name.endswith(".json") and _is_hex(name[:-5]):
                yield name[:-5]

    def objects(self) -> Iterator[str]:
        """Digests with an object file, sorted."""
        return (name for name in self._named("objects") if _is_hex(name))

    def _named(self, kind: str) -> Iterator[str]:
        for prefix in files.names(f"{self.root}/{kind}"):
            if len(prefix) == 2:
                yield from (name for name in files.names(f"{self.root}/{kind}/{prefix}") if name[:2] == prefix)

    def temporaries(self) -> Iterator[str]:
        """Paths of unfinished files: of writers at work, or of writers that were killed."""
        for folder in self._folders():
            for name in files.names(folder):
                if name.startswith(files.TEMPORARY) and files.is_file(f"{folder}/{name}"):
                    yield f"{folder}/{name}"

    def _folders(self) -> Iterator[str]:
        yield self.root
        for kind in ("objects", "actions"):
            for prefix in files.names(f"{self.root}/{kind}"):
                if len(prefix) == 2:
                    yield f"{self.root}/{kind}/{prefix}"


def check_format(layout: Layout) -> bool:
    """Whether a store is there, of a version we read; raises `StoreTooNew` or `StoreUnreadable` otherwise."""
    if not files.exists(layout.root):
        return False
    try:
        with files.opened_inside(layout.root, _FORMAT_FILE) as fd:
            version = json.loads(files.read_exactly(fd, 1 << 12))[_KEY]
    except FileNotFoundError:
        return False
    except (ValueError, TypeError, KeyError, RecursionError, files.NotAFile):
        version = None
    _check_version(layout, version)
    return True


def _check_version(layout: Layout, version: object) -> None:
    if type(version) is not int or version < 1:
        raise StoreUnreadable(
            f"{layout.format} is damaged; if {layout.root} is a store made by entrack, delete that one file, "
            "it is then written again, and run `verify`"
        )
    if version > FORMAT:
        raise StoreTooNew(
            f"the store {layout.root} has format {version}, this entrack knows {FORMAT}: "
            "use a newer entrack, or choose another folder"
        )


def make_root(layout: Layout) -> None:
    """Make the folder and its `locks`, which must be there before anything can be written with care."""
    files.make_folders(layout.root)
    _refuse_foreign(layout)
    files.make_folder(f"{layout.root}/locks")


def write_format(layout: Layout) -> None:
    """Mark the folder as ours."""
    if not check_format(layout):
        files.write_file(layout.format, json_bytes({_KEY: FORMAT}) + b"\n", mode=0o644)
    if not files.exists(f"{layout.root}/{_TAG_FILE}"):
        files.write_file(f"{layout.root}/{_TAG_FILE}", _TAG, mode=0o644)


def make_place(path: str) -> str:
    """Make the two folders above `path`, below the root; `path` itself."""
    folder = os.path.dirname(path)
    files.make_folder(os.path.dirname(folder))
    files.make_folder(folder)
    return path


def _refuse_foreign(layout: Layout) -> None:
    if files.exists(layout.format):
        return
    foreign = [name for name in files.names(layout.root) if not name.startswith(".") and name not in _OWN]
    if foreign:
        raise StoreUnreadable(
            f"{layout.root} is not a store and is not empty (it holds {foreign[0]!r}): choose an empty folder"
        )


def _is_hex(name: str) -> bool:
    try:
        check_address(name)
    except ValueError:
        return False
    return True
