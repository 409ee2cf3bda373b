"""All file system operations of the store, one function each, relative to the descriptor of a folder.

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
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from entrack.store.location import Location

T = TypeVar("T")

OPERATIONS = ("mkdir", "open_new", "write", "chmod", "fsync", "replace", "unlink", "rmdir", "open_lock", "index_write")
TEMPORARY = ".tmp-"


# One system call each. `inside` is the descriptor of the folder that has the name; only a store's own folder, and those
# above it, have none. No name with a link behind it is followed, but that of the store's own folder.


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


# The way to the store's own folder, the only one by path.


def nearest_folder(path: str) -> str:
    """`path` if it is a folder, or the nearest one above it that exists."""
    while not os.path.isdir(path) and os.path.dirname(path) != path:
        path = os.path.dirname(path)
    return path


def make_root(path: str) -> None:
    """Make a store's own folder and those above it where they are missing; these may be reached through links."""
    if os.path.isdir(path):
        return
    above = os.path.dirname(path)
    if above != path:
        make_root(above)
    try:
        mkdir(path)
    except FileExistsError:
        if not os.path.isdir(path):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from None
    else:
        _fsync_root(above)


def _fsync_root(path: str) -> None:
    fd = open_folder(path)
    try:
        fsync(fd)
    finally:
        close(fd)


# Below it: made of the above.


@contextmanager
def opened(folder: Location) -> Iterator[int]:
    """The descriptor of a folder, reached through real folders only. Raises `OSError` with the name of the one that
    is not."""
    fd = open_folder(folder.root)
    try:
        for depth, part in enumerate(folder.parts, 1):
            try:
                inner = open_folder(part, fd)
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(Location(folder.root, folder.parts[:depth]))) from error
            fd, above = inner, fd
            close(above)
        yield fd
    finally:
        close(fd)


def about(place: Location) -> os.stat_result | None:
    """What stands at a place, a link as a link; None where nothing is."""
    try:
        with opened(place.folder) as folder:
            return lstat(place.name, folder)
    except FileNotFoundError:
        return None


def exists(place: Location) -> bool:
    return about(place) is not None


def listed(folder: Location) -> list[str]:
    """The names in a folder, sorted; none when it does not exist."""
    try:
        with opened(folder) as fd:
            return names(fd)
    except FileNotFoundError:
        return []


def described(folder: Location) -> list[tuple[str, os.stat_result]]:
    """The names in a folder, sorted, each with what stands there. What disappears meanwhile is left out."""
    found: list[tuple[str, os.stat_result]] = []
    with suppress(FileNotFoundError), opened(folder) as fd:
        for name in names(fd):
            with suppress(FileNotFoundError):
                found.append((name, lstat(name, fd)))
    return found


def make_folder(place: Location) -> None:
    """Make a folder unless it is there, and make that last; a link to a folder is refused."""
    with opened(place.folder) as above:
        try:
            mkdir(place.name, above)
        except FileExistsError:
            if not stat.S_ISDIR(lstat(place.name, above).st_mode):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(place)) from None
        else:
            fsync(above)


def write_file(place: Location, data: bytes, mode: int = 0o444) -> None:
    """Put `data` at `place`, whole or not at all, and return when it would survive a loss of power."""
    temporary = f"{TEMPORARY}{os.getpid()}-{secrets.token_hex(8)}"
    with opened(place.folder) as folder:
        try:
            _fill(temporary, folder, data, mode)
            replace(temporary, folder, place.name, folder)
        except BaseException:
            with suppress(OSError):
                unlink(temporary, folder)
            raise
        fsync(folder)


def _fill(name: str, folder: int, data: bytes, mode: int) -> None:
    fd = open_new(name, folder)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[write(fd, rest) :]
        chmod(fd, mode)
        fsync(fd)
    finally:
        close(fd)


def move(old: Location, new: Location) -> None:
    """Give what stands at `old` the name `new`."""
    with opened(old.folder) as source, opened(new.folder) as target:
        replace(old.name, source, new.name, target)


def forget(folder: Location, gone: Iterable[str]) -> None:
    """Remove files of one folder, those that are there, and return when that would survive a loss of power."""
    with suppress(FileNotFoundError), opened(folder) as fd:
        for name in gone:
            with suppress(FileNotFoundError):
                unlink(name, fd)
        fsync(fd)


def remove_folder(place: Location, known: Collection[str]) -> None:
    """Remove a folder and the regular files in it with `known` names. Whatever else it holds stays, and the folder
    with it."""
    with opened(place.folder) as above:
        with opened(place) as folder:
            for name in known:
                with suppress(FileNotFoundError):
                    if stat.S_ISREG(lstat(name, folder).st_mode):
                        unlink(name, folder)
            empty = not names(folder)
        if empty:
            rmdir(place.name, above)


class NotAFile(Exception):
    """A link, folder, pipe or device stands where a file belongs."""


class Unreadable(Exception):
    """This one file cannot be read, though its folder can."""


@contextmanager
def opened_file(place: Location) -> Iterator[int]:
    """The descriptor of a regular file, to be read."""
    with opened(place.folder) as folder:
        fd = _open_plain(place.name, folder)
    try:
        yield fd
    finally:
        close(fd)


@contextmanager
def opened_in(folder: int, name: str) -> Iterator[int]:
    """The same of a folder that is open: for those who read many files of one."""
    fd = _open_plain(name, folder)
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
    if not stat.S_ISREG(fstat(fd).st_mode):
        close(fd)
        raise NotAFile(name)
    return fd


def _of_this_file(error: OSError) -> Exception:
    return Unreadable(error.strerror) if error.errno in (errno.EACCES, errno.EPERM, errno.EIO) else error


@contextmanager
def opened_lock(place: Location) -> Iterator[int]:
    """The descriptor of a lock file, made where it is missing. Raises `OSError` for anything but a regular file."""
    with opened(place.folder) as folder:
        try:
            fd = open_lock(place.name, folder)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(place)) from error
    try:
        if not stat.S_ISREG(fstat(fd).st_mode):
            raise OSError(errno.ENOTDIR, "not a regular file", str(place))
        yield fd
    finally:
        close(fd)


def size_of(fd: int) -> int:
    return fstat(fd).st_size


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
