"""Where things are in a store's folder.

format.json  CACHEDIR.TAG
objects/ab/<sha256 of the bytes>     immutable, mode 0444
actions/ab/<address>.json            what was made at an address: the truth
index/cache.db                       the same once more; can be deleted at any time
locks/                               a fixed number of empty files
quarantine/                          what was found damaged
"""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator

from entrack.address import is_address
from entrack.frozen import frozen
from entrack.store import folders
from entrack.store.base import json_bytes
from entrack.store.errors import StoreTooNew, StoreTooOld, StoreUnreadable
from entrack.store.location import Location

FORMAT = 2
"""1: addresses were made of Python's names of classes and fields, so nothing in such a store would be found."""
_KEY = "entrack_store"
FORMAT_FILE, _TAG_FILE = "format.json", "CACHEDIR.TAG"
MOST_FORMAT = 1 << 12
"""Bytes that are read of a format file."""
_WELCOME = {"README.md"}  # a checkout says here what the folder is for
_OWN = {*_WELCOME, "objects", "actions", "index", "locks", "quarantine", FORMAT_FILE, _TAG_FILE}
_PREFIX = re.compile(r"[0-9a-f]{2}\Z")
_TAG = b"""Signature: 8a477f597d28d172789f06886806bc55
# This folder holds results that entrack can compute again. Backup programs may skip it.
# Remove entries with entrack, not by hand. See https://bford.info/cachedir/
"""


@frozen
class Layout:
    """The places of one store; `root` is absolute."""

    root: str

    @property
    def top(self) -> Location:
        return Location(self.root)

    def object(self, digest: str) -> Location:
        return Location(self.root, ("objects", digest[:2], digest))

    def action(self, address: str) -> Location:
        return Location(self.root, ("actions", address[:2], f"{address}.json"))

    @property
    def index(self) -> Location:
        return self.top / "index"

    @property
    def quarantine(self) -> Location:
        return self.top / "quarantine"

    @property
    def format(self) -> Location:
        return self.top / FORMAT_FILE

    @property
    def tag(self) -> Location:
        return self.top / _TAG_FILE

    @property
    def locks(self) -> Location:
        return self.top / "locks"

    def lock(self, name: str) -> Location:
        return self.locks / f"{name}.lock"

    def addresses(self) -> Iterator[str]:
        """Addresses with an action file, sorted."""
        return (address for _, addresses in self.action_folders() for address in addresses)

    def action_folders(self) -> Iterator[tuple[Location, list[str]]]:
        """The folders of action files, sorted, and the addresses in each."""
        for folder in self._folders("actions"):
            named = (name[:-5] for name in folders.listed(folder) if name.endswith(".json") and name[:2] == folder.name)
            yield folder, [address for address in named if is_address(address)]

    def objects(self) -> Iterator[tuple[str, int]]:
        """Digests with an object file, sorted, and the bytes that each takes."""
        for folder in self._folders("objects"):
            for name, about in folders.described(folder):
                if is_address(name) and name[:2] == folder.name:
                    yield name, about.st_size

    def made(self) -> dict[str, int]:
        """When each action file was written, by address, in ns."""
        described = (item for folder in self._folders("actions") for item in folders.described(folder))
        return {name[:-5]: about.st_mtime_ns for name, about in described if name.endswith(".json")}

    def temporaries(self) -> Iterator[Location]:
        """Unfinished files: of writers at work, or of writers that were killed."""
        for folder in (self.top, *self._folders("objects"), *self._folders("actions")):
            for name, about in folders.described(folder):
                if name.startswith(folders.TEMPORARY) and stat.S_ISREG(about.st_mode):
                    yield folder / name

    def _folders(self, kind: str) -> Iterator[Location]:
        """The folders of objects or actions, one for each two digits; a link in the place of one is an `OSError`."""
        return (self.top / kind / name for name in folders.listed(self.top / kind) if _PREFIX.match(name))


def check_format(layout: Layout) -> bool:
    """Whether a store is there, of the version we read; raises `StoreTooNew`, `StoreTooOld` or
    `StoreUnreadable` otherwise."""
    try:
        with folders.opened_file(layout.format) as fd:
            version = format_version(folders.read_exactly(fd, MOST_FORMAT))
    except FileNotFoundError:
        return False
    except folders.Unreadable as error:
        raise StoreUnreadable(f"{layout.format} cannot be read: {error}") from error
    except folders.NotAFile:
        version = None
    _check_version(layout, version)
    return True


def format_version(data: bytes) -> object:
    """What a format file says; None where it says nothing that can be read."""
    try:
        return json.loads(data)[_KEY]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def other_format(data: bytes) -> str:
    """What is wrong with the format file of a store elsewhere; empty where this entrack reads and writes it."""
    version = format_version(data)
    if type(version) is not int or version < 1:
        return f"its {FORMAT_FILE} is none that entrack writes"
    return "" if version == FORMAT else f"it has the format {version}, this entrack knows {FORMAT}"


def format_bytes() -> bytes:
    """The format file of a store that this entrack makes."""
    return json_bytes({_KEY: FORMAT}) + b"\n"


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
    if version < FORMAT:
        raise StoreTooOld(
            f"the store {layout.root} has format {version}, an earlier entrack made it; this one knows {FORMAT}, "
            "and would find nothing in it. It is left as it is: choose another folder (--store, or ENTRACK_STORE), "
            "where everything is computed anew, or rename or delete this one; the earlier entrack can still read it"
        )


def make_root(layout: Layout) -> None:
    """Make the folder and its `locks`, which must be there before anything can be written with care."""
    folders.make_root(layout.root)
    _refuse_foreign(layout)
    folders.make_folder(layout.locks)


def write_format(layout: Layout) -> None:
    """Mark the folder as ours."""
    if not check_format(layout):
        folders.write_file(layout.format, format_bytes(), mode=0o644)
    if not folders.exists(layout.tag):
        folders.write_file(layout.tag, _TAG, mode=0o644)


def write(place: Location, data: bytes) -> None:
    """Put a file two folders below the root, whole or not at all. The folders are made where they are missing, as they
    rarely are."""
    try:
        folders.write_file(place, data)
    except FileNotFoundError:
        folders.make_folder(place.folder.folder)
        folders.make_folder(place.folder)
        folders.write_file(place, data)


def _refuse_foreign(layout: Layout) -> None:
    if folders.exists(layout.format):
        return
    foreign = [name for name in folders.listed(layout.top) if not name.startswith(".") and name not in _OWN]
    if foreign:
        raise StoreUnreadable(
            f"{layout.root} is not a store and is not empty (it holds {foreign[0]!r}): choose an empty folder"
        )
