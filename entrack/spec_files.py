"""The text of a spec, read from its file: bounded, and never from what would not end."""

from __future__ import annotations

import errno
import os
from stat import S_ISDIR, S_ISREG

from entrack import arguments
from entrack.error_text import reason
from entrack.errors import EntrackError
from entrack.source import Source
from entrack.syntax.limits import MOST_BYTES


class SpecMissing(EntrackError):
    """The file of a spec cannot be read; the message says why."""


def read(path: str | os.PathLike[str]) -> Source:
    """The text of a spec. Raises ArgumentError and SpecMissing."""
    arguments.path(path, "path")
    try:
        raw = _whole_file(path)
    except (OSError, ValueError) as error:
        raise SpecMissing(f"{str(path)[:500]} cannot be read: {reason(error)}") from None
    if len(raw) > MOST_BYTES:
        raise SpecMissing(f"{path} is no spec: it has more than {MOST_BYTES:,} bytes")
    try:
        return Source(str(path), raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise SpecMissing(f"{path} is not UTF-8 text") from None


def _whole_file(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a file, and some more than the most that is read. Raises OSError, and ValueError for what is no
    file: a pipe would never end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as stream:
        mode = os.fstat(descriptor).st_mode
        if S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not S_ISREG(mode):
            raise ValueError("it is a pipe or a device, not a file")
        return stream.read(MOST_BYTES + 1)
