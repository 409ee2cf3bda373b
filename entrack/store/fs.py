"""All system calls of the store, one function each, relative to the descriptor of a folder.

The rest of the store calls these as `fs.write(...)` and touches `os` for nothing but joining names, so that a test can
replace one of them and see what the store does when it fails, stops, or silently does nothing. `OPERATIONS` lists those
that change something, for a test that takes them in turn. `inside` is the descriptor of the folder that has the name;
only a store's own folder, and those above it, have none. No name with a link behind it is followed, but that of the
store's own folder.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

OPERATIONS = ("mkdir", "open_new", "write", "chmod", "fsync", "replace", "unlink", "rmdir", "open_lock", "index_write")


def mkdir(name: str, inside: int | None = None) -> None:
    os.mkdir(name, dir_fd=inside)


def open_new(name: str, inside: int) -> int:
    return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=inside)


def open_read(name: str, inside: int) -> int:
    # O_NONBLOCK: a planted named pipe must not stop us.
    return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=inside)


def open_folder(name: str, inside: int | None = None) -> int:
    follow = os.O_NOFOLLOW if inside is not None else 0  # the store itself may be reached through a link
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | follow, dir_fd=inside)


def open_lock(name: str, inside: int) -> int:
    # Writable, because flock on network file systems asks for that; nothing is ever written.
    return os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666, dir_fd=inside)


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


def replace(old: str, old_inside: int, new: str, new_inside: int) -> None:
    os.replace(old, new, src_dir_fd=old_inside, dst_dir_fd=new_inside)


def unlink(name: str, inside: int) -> None:
    os.unlink(name, dir_fd=inside)


def rmdir(name: str, inside: int) -> None:
    os.rmdir(name, dir_fd=inside)


def lstat(name: str, inside: int) -> os.stat_result:
    return os.stat(name, dir_fd=inside, follow_symlinks=False)


def fstat(fd: int) -> os.stat_result:
    return os.fstat(fd)


def names(fd: int) -> list[str]:
    """The names in an open folder, sorted."""
    return sorted(os.listdir(fd))


def writable(folder: str) -> bool:
    return os.access(folder, os.W_OK | os.X_OK)


def try_lock(fd: int, *, exclusive: bool) -> bool:
    """Take a lock on an open file if nobody is in the way; the kernel gives it back when we die."""
    try:
        fcntl.flock(fd, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def index_write(change: Callable[[], T]) -> T:
    """Run a change of the index database: SQLite makes its own system calls, this stands for them."""
    return change()
