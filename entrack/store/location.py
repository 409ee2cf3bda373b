"""Paths inside a store's folder, as components that are opened one by one; no system call gets a whole path.

`fs` opens the store's own folder, which may be reached through a link, and goes down from there one folder at a time,
each relative to the descriptor of the one above and never through a link. So whatever links a store holds, nothing
outside it is opened, listed, made, renamed or removed.
"""

from __future__ import annotations

from entrack.frozen import frozen


@frozen
class Location:
    """The name `parts[-1]` in the folder `parts[:-1]` of the store at `root`; without parts, the store itself."""

    root: str
    parts: tuple[str, ...] = ()

    def __truediv__(self, name: str) -> Location:
        return Location(self.root, (*self.parts, name))

    @property
    def folder(self) -> Location:
        return Location(self.root, self.parts[:-1])

    @property
    def name(self) -> str:
        return self.parts[-1]

    def __str__(self) -> str:
        """For people, and for SQLite (`index_validation`)."""
        return "/".join((self.root, *self.parts))

    def __fspath__(self) -> str:
        return str(self)
