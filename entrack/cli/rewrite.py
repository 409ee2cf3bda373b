"""Atomic rewriting of a spec by `fmt`: links, mode, owner and attributes of the file are kept.

A link is followed: its target is rewritten. What could not stay as it is is refused, as OSError: a file that may not be
written, one with several names, one that is no regular file, one that was changed since it was read, one whose owner
could not be kept.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from entrack import files

PRIVATE = 0o600


def rewrite(path: Path, before: str, text: str) -> None:
    """Put `text` in the place of `before`. Raises OSError, and the file is as it was."""
    target = Path(os.path.realpath(path, strict=True))
    _refuse(path, os.stat(target))
    try:
        with _new(target) as (stream, temporary):
            stream.write(text.encode())
            stream.flush()
            _like(target, temporary)
            os.fsync(stream.fileno())
            if target.read_bytes().decode("utf-8-sig", errors="replace") != before:
                raise OSError(errno.EBUSY, "it was changed while it was formatted")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


@contextmanager
def _new(target: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """The file that takes the place of `target`, until then for its owner alone."""
    with ExitStack() as stack:
        try:
            made = stack.enter_context(files.replacing(target, PRIVATE))
        except OSError as error:
            raise OSError(error.errno, f"its folder cannot be written ({error.strerror})") from None
        yield made


def _refuse(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    if not status.st_mode & 0o222 or not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "it is read-only", str(path))
    if status.st_nlink > 1:
        raise OSError(
            errno.EMLINK,
            f"it has {status.st_nlink} names (hard links), and would be rewritten under one of them only",
            str(path),
        )


def _like(target: Path, temporary: Path) -> None:
    """Owner, then mode (which a change of owner may narrow) and attributes, but not the times."""
    old, new = os.stat(target), os.stat(temporary)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        os.chown(temporary, old.st_uid, old.st_gid)
    shutil.copystat(target, temporary)
    os.utime(temporary)
