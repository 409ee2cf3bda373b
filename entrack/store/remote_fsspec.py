"""A remote on a file system that fsspec knows: SFTP, S3 and the like."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import Any

from entrack.store import folders
from entrack.store.remote_place import Beat, pieces
from entrack.store.remote_url import SSH, Kind, RemoteURL

PIECE = 1 << 22
"""Bytes that are asked for at once."""


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
