"""Every operation the store makes on the file system, one function each.

The rest of the store calls these as `files.write(...)` and touches `os` for nothing but joining names, so that a
test can replace one of them and see what the store does when it fails, stops, or silently does nothing.
`OPERATIONS` lists those that change something, for a test that takes them in turn.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from filelock import FileLock

T = TypeVar("T")

OPERATIONS = ("mkdir", "open_new", "write", "chmod", "fsync", "replace", "unlink", "open_lock", "index_write")
TEMPORARY = ".tmp-"


# One system call each.


def mkdir(path: str) -> None:
    os.mkdir(path)


def open_new(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def open_read(name: str, inside: int | None = None) -> int:
    # O_NONBLOCK: a planted named pipe must not stop us.
    return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=inside)


def open_folder(name: str, inside: int | None = None) -> int:
    follow = os.O_NOFOLLOW if inside is not None else 0  # the store itself may be reached through a link
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | follow, dir_fd=inside)


def read(fd: int, count: int) -> bytes:
    return os.read(fd, count)


def write(fd: int, data: memoryview) -> int:
    return os.write(fd, data)


def chmod(fd: int, mode: int) -> None:
    os.fchmod(fd, mode)


def fsync(fd: int) -> None:
    os.fsync(fd)


def close(fd: int) -> None:
    os.close(fd)


def replace(old: str, new: str) -> None:
    os.replace(old, new)


def unlink(path: str) -> None:
    os.unlink(path)


def rmdir(path: str) -> None:
    os.rmdir(path)


def lstat(path: str) -> os.stat_result:
    return os.lstat(path)


def names(folder: str) -> list[str]:
    """The names in a folder, sorted; none when it does not exist."""
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []


def writable(folder: str) -> bool:
    return os.access(folder, os.W_OK | os.X_OK)


def open_lock(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)


def try_lock(fd: int, exclusive: bool) -> bool:
    """Take a lock on an open file if nobody is in the way; the kernel gives it back when we die."""
    try:
        fcntl.flock(fd, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def file_lock(path: str) -> FileLock:
    from filelock import FileLock

    return FileLock(path)


def index_write(change: Callable[[], T]) -> T:
    """Run a change of the index database: SQLite makes its own system calls, this stands for them."""
    return change()


# Made of the above.


def exists(path: str) -> bool:
    try:
        lstat(path)
    except FileNotFoundError:
        return False
    return True


def is_file(path: str) -> bool:
    """Whether a regular file is there; a link to one is not one."""
    try:
        return stat.S_ISREG(lstat(path).st_mode)
    except FileNotFoundError:
        return False


def nearest_folder(path: str) -> str:
    """`path` if it is a folder, or the nearest one above it that exists."""
    while not os.path.isdir(path) and os.path.dirname(path) != path:
        path = os.path.dirname(path)
    return path


def make_folder(path: str) -> None:
    """Make a folder unless it is there, and make that last; a link to a folder is refused."""
    try:
        mkdir(path)
    except FileExistsError:
        if not stat.S_ISDIR(lstat(path).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from None
    else:
        fsync_folder(os.path.dirname(path))


def make_folders(path: str) -> None:
    """Make a folder and those above it where they are missing; these may be reached through links."""
    if not os.path.isdir(path):
        if os.path.dirname(path) != path:
            make_folders(os.path.dirname(path))
        make_folder(path)


def write_file(path: str, data: bytes, mode: int = 0o444) -> None:
    """Put `data` at `path`, whole or not at all, and return when it would survive a loss of power."""
    temporary = os.path.join(os.path.dirname(path), f"{TEMPORARY}{os.getpid()}-{secrets.token_hex(8)}")
    try:
        _fill(temporary, data, mode)
        replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            unlink(temporary)
        raise
    fsync_folder(os.path.dirname(path))


def _fill(path: str, data: bytes, mode: int) -> None:
    fd = open_new(path)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[write(fd, rest) :]
        chmod(fd, mode)
        fsync(fd)
    finally:
        close(fd)


def fsync_folder(folder: str) -> None:
    fd = open_folder(folder)
    try:
        fsync(fd)
    finally:
        close(fd)


def forget(path: str) -> bool:
    """Remove a file; whether there was one."""
    try:
        unlink(path)
    except FileNotFoundError:
        return False
    return True


def remove_folder(path: str) -> None:
    """Remove a folder that holds files only."""
    for name in names(path):
        forget(f"{path}/{name}")
    rmdir(path)


class NotAFile(Exception):
    """A link, folder, pipe or device stands where a file belongs."""


class Unreadable(Exception):
    """This one file cannot be read, though its folder can."""


@contextmanager
def opened_inside(root: str, *parts: str) -> Iterator[int]:
    """Open a file below `root` without following a link on the way, so never one outside it."""
    folder = open_folder(root)
    try:
        for part in parts[:-1]:
            folder, above = open_folder(part, folder), folder
            close(above)
        fd = _open_plain(parts[-1], folder)
    finally:
        close(folder)
    try:
        yield fd
    finally:
        close(fd)


def _open_plain(name: str, folder: int) -> int:
    try:
        fd = open_read(name, folder)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a link; a socket
            raise NotAFile(name) from error
        raise _of_this_file(error) from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        close(fd)
        raise NotAFile(name)
    return fd


def _of_this_file(error: OSError) -> Exception:
    return Unreadable(error.strerror) if error.errno in (errno.EACCES, errno.EPERM, errno.EIO) else error


def size_of(fd: int) -> int:
    return os.fstat(fd).st_size


def read_exactly(fd: int, size: int) -> bytes:
    """Up to `size` bytes: fewer where the file ends, never more."""
    pieces: list[bytes] = []
    try:
        while size > 0 and (piece := read(fd, min(size, 1 << 26))):
            pieces.append(piece)
            size -= len(piece)
    except OSError as error:
        raise _of_this_file(error) from error
    return b"".join(pieces) if len(pieces) != 1 else pieces[0]
