"""The restricted row format of the index: diskcache reads and writes 64 hex digits and bytes. No pickle, no files.

diskcache's own `Disk`, and its `JSONDisk`, unpickle a row that says so and open or remove any path that a row names.
Each of the six methods by which it could is replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from diskcache import UNKNOWN, Cache, Disk, Timeout

from entrack.store.action_codec import MAX_RECORD
from entrack.store.base import check_address

_MODE_RAW = 1


__all__ = ["ForeignRow", "IndexDisk", "Timeout", "connect"]


class ForeignRow(ValueError):
    """The database has a row that we did not write."""


class IndexDisk(Disk):  # type: ignore[misc]  # diskcache has no types
    """Keys are addresses, values are the bytes of records."""

    def put(self, key: object) -> tuple[str, bool]:
        return check_address(key), True

    def get(self, key: object, raw: object) -> str:
        if raw != 1:
            raise ForeignRow("a key that is not raw")
        return check_address(key)

    def store(self, value: object, read: bool, key: object = UNKNOWN) -> tuple[int, int, None, memoryview]:  # noqa: FBT001  # diskcache calls it
        if read or type(value) is not bytes or len(value) > MAX_RECORD:
            raise TypeError("an index value is the bytes of a record")
        return 0, _MODE_RAW, None, memoryview(value)

    def fetch(self, mode: object, filename: object, value: object, read: bool) -> bytes:  # noqa: FBT001  # diskcache calls it
        if mode != _MODE_RAW or filename is not None or read or type(value) is not bytes or len(value) > MAX_RECORD:
            raise ForeignRow("a value that is not the bytes of a record")
        return value

    def filename(self, key: object = UNKNOWN, value: object = UNKNOWN) -> NoReturn:
        raise ForeignRow("a value kept in a file")

    def remove(self, file_path: object) -> None:
        """Remove nothing: we keep no files, so a path that the database names is not ours."""


def connect(folder: str, settings: Mapping[str, Any]) -> Any:
    """Open diskcache on a folder whose database is known to be ours, or is to be made."""
    return Cache(folder, timeout=10, disk=IndexDisk, **settings)
