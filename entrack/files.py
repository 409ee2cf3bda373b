"""Files put in one move, so that a reader sees the old file or the new one, never half of one; and regular files
opened, never what would not end.

The store does both apart from this (`store/folders.py`): a store may come from strangers, so it opens every name
relative to a folder that it holds open, and follows no link.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

MOST_OF_A_NAME = 40
"""Letters of a file's name that its temporary one has, too."""
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)


class NoFile(ValueError):
    """A pipe or a device, which might never end."""


def reserved(name: str) -> bool:
    """Whether some systems keep a file's name for themselves, whatever it ends with."""
    return _RESERVED.fullmatch(name.partition(".")[0]) is not None


def opened(path: str | os.PathLike[str], *, through_links: bool = True) -> BinaryIO:
    """A regular file, open to be read; `through_links` says whether its own name may be a link. Raises OSError,
    NoFile."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if through_links else os.O_NOFOLLOW)
    descriptor = os.open(path, flags)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    raise NoFile("it is a pipe or a device, not a file")


def beginning(path: str | os.PathLike[str], most: int, *, through_links: bool = True) -> bytes:
    """The bytes of a regular file; of one that has more than `most`, one more than these. Raises as `opened`."""
    with opened(path, through_links=through_links) as stream:
        return stream.read(most + 1)


def put(path: Path, content: bytes) -> Path:
    """Write beside `path`, then replace it; a file that says the same already stays. The folder is made. Raises
    OSError; then nothing is left behind."""
    if not _holds(path, content):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as (stream, _):
            stream.write(content)
    return path


def _holds(path: Path, content: bytes) -> bool:
    """Whether a file of that name has these bytes. A link does not count, nor what is no file."""
    try:
        status = path.lstat()
        return S_ISREG(status.st_mode) and status.st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False


@contextmanager
def replacing(path: Path, mode: int = 0o666) -> Iterator[tuple[BinaryIO, Path]]:
    """A new file beside `path`, and its name. At the end of the block it is on the disk and takes the place of `path`;
    where the block raises, it is gone. Raises OSError."""
    stream, temporary = created(path, mode)
    try:
        with stream:
            yield stream, temporary
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def created(path: Path, mode: int) -> tuple[BinaryIO, Path]:
    """An empty file beside `path` that nobody else writes. Raises OSError."""
    temporary = path.with_name(f".{path.name[:MOST_OF_A_NAME]}.{os.urandom(4).hex()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return open(os.open(temporary, flags, mode), "wb"), temporary
