"""The files of a remote: read whole or not at all, and never more of one than was asked for; written whole or not at
all.

Nothing here decides what a file is worth, or how long one waits for it: `remote.py` does. What an operation raises is
what its file system raises.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Protocol

from entrack.store import folders, layout
from entrack.store.errors import StoreError
from entrack.store.location import Location
from entrack.store.remote_url import SSH, Kind, RemoteURL

PIECE = 1 << 22
"""Bytes that are asked for at once."""
Beat = Callable[[], None]
"""Called when something has come. Raises where nobody waits for the rest."""


class Place(Protocol):
    """Files by names with `/`, which are made of digests and addresses only."""

    def read(self, name: str, most: int, beat: Beat) -> bytes | None:
        """The bytes of a file: of one that has more than `most`, so many and one more. None where there is none."""

    def size(self, name: str) -> int | None:
        """Bytes of a file; None where there is none."""

    def write(self, name: str, data: bytes) -> None:
        """Put a file there, in place of the one that is."""

    def reopen(self) -> None:
        """Forget the connection: after something went wrong the next operation makes another."""


def place_of(remote: RemoteURL) -> Place:
    """Raises StoreError where a package is missing. Connects to nothing."""
    if remote.kind is None:
        return FolderPlace(remote.folder)
    _need(remote.kind)
    if remote.kind.on_the_web:
        from entrack.store.remote_web import WebPlace

        return WebPlace(*remote.web)
    return FsspecPlace(remote, remote.kind)


class FolderPlace:
    """A folder of this machine, or one that is mounted. It must be there; no link in it is followed."""

    def __init__(self, root: str) -> None:
        self._root = os.path.abspath(root)

    def read(self, name: str, most: int, beat: Beat) -> bytes | None:
        try:
            with folders.opened_file(self._location(name)) as fd:
                return folders.read_exactly(fd, most + 1)
        except folders.NotAFile:
            return b""  # which is no action and no value
        except FileNotFoundError:
            self._need_root()
            return None

    def size(self, name: str) -> int | None:
        self._need_root()
        found = folders.about(self._location(name))
        return None if found is None else found.st_size

    def write(self, name: str, data: bytes) -> None:
        place = self._location(name)
        for depth in range(1, len(place.parts)):
            folders.make_folder(Location(place.root, place.parts[:depth]))
        folders.write_file(place, data)

    def reopen(self) -> None:
        pass

    def _location(self, name: str) -> Location:
        return Location(self._root, tuple(name.split("/")))

    def _need_root(self) -> None:
        """A folder that is not there is a disk that is not mounted, and nothing is made in its place."""
        os.stat(self._root)


class FsspecPlace:
    """A file system that fsspec knows, with its own credentials: of the environment, of its configuration, or of the
    URL."""

    def __init__(self, remote: RemoteURL, kind: Kind) -> None:
        self._remote, self._kind = remote, kind
        self._fs: Any = None
        self._root = ""
        self._folders: set[str] = set()

    def read(self, name: str, most: int, beat: Beat) -> bytes | None:
        try:
            with self._opened().open(self._path(name), "rb", cache_type="none") as file:
                return pieces(iter(lambda: file.read(min(most + 1, PIECE)), b""), most + 1, beat)
        except FileNotFoundError:
            return None

    def size(self, name: str) -> int | None:
        try:
            found = self._opened().info(self._path(name))["size"]
        except FileNotFoundError:
            return None
        return int(found) if found is not None else -1

    def write(self, name: str, data: bytes) -> None:
        fs, path = self._opened(), self._path(name)
        folder = path.rpartition("/")[0]
        if not self._kind.renames:
            fs.pipe_file(path, data)
            return
        if folder not in self._folders:
            fs.makedirs(folder, exist_ok=True)
            self._folders.add(folder)
        temporary = f"{folder}/{folders.TEMPORARY}{secrets.token_hex(8)}"
        try:
            fs.pipe_file(temporary, data)
            fs.mv(temporary, path)
        except BaseException:
            with suppress(Exception):
                fs.rm_file(temporary)
            raise

    def reopen(self) -> None:
        self._fs = None
        self._folders.clear()

    def _opened(self) -> Any:
        if self._fs is None:
            self._fs, self._root = _connected(self._remote, self._kind)
        return self._fs

    def _path(self, name: str) -> str:
        self._opened()
        return f"{self._root}/{name}"


def _connected(remote: RemoteURL, kind: Kind) -> tuple[Any, str]:
    """A file system of one's own, and the path of the remote in it."""
    import fsspec

    told = fsspec.config.conf.get("ssh", {})
    hosts = {"known_hosts": ()} if kind is SSH and "known_hosts" not in told else {}  # those that ssh knows: checked
    fs, root = fsspec.url_to_fs(remote.url, skip_instance_cache=True, **hosts)
    return fs, str(root).rstrip("/")


def _need(kind: Kind) -> None:
    try:
        if kind.on_the_web:
            import httpx  # noqa: F401  # is it there?
        else:
            import fsspec

            fsspec.get_filesystem_class(kind.protocol)
    except ImportError:
        why = f"a remote of this kind needs a package that is not installed: {kind.install}"
        raise StoreError(why) from None


def pieces(coming: Iterable[bytes], most: int, beat: Beat) -> bytes:
    """At most so many bytes of what comes."""
    came: list[bytes] = []
    for piece in coming:
        beat()
        came.append(piece[:most])
        most -= len(piece)
        if most <= 0:
            break
    return b"".join(came)


def object_name(digest: str) -> str:
    return "/".join(layout.Layout("").object(digest).parts)


def action_name(address: str) -> str:
    return "/".join(layout.Layout("").action(address).parts)
