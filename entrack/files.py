"""Files put in one move: a reader sees the old file or the new one, never half of one.

The store writes apart from this (`store/folders.py`): a store may come from strangers, so it opens every name relative
to a folder that it holds open, and follows no link.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

MOST_OF_A_NAME = 40
"""Letters of a file's name that its temporary one has, too."""


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
    temporary = path.with_name(f".{path.name[:MOST_OF_A_NAME]}.{secrets.token_hex(4)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return open(os.open(temporary, flags, mode), "wb"), temporary
