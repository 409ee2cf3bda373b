"""A remote in a folder: what the store knows of files, at another place."""

from __future__ import annotations

import os

from entrack.store import folders
from entrack.store.location import Location
from entrack.store.remote_place import Beat, NotThere


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
        self._need_root()
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
        try:
            os.stat(self._root)
        except FileNotFoundError:
            raise NotThere("there is no such folder: mount it, or make it once (mkdir)") from None
