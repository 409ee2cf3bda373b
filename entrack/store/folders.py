"""Files and folders of the store by their `Location`: read, listed, written whole or not at all, moved, removed.

Made of the system calls in `fs.py`; only the way to the store's own folder goes by path.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress

from entrack.store import fs
from entrack.store.location import Location

TEMPORARY = ".tmp-"


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
        fs.mkdir(path)
    except FileExistsError:
        if not os.path.isdir(path):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from None
    else:
        with _closing(fs.open_folder(above)) as fd:
            fs.fsync(fd)


@contextmanager
def _closing(fd: int) -> Iterator[int]:
    try:
        yield fd
    finally:
        fs.close(fd)


@contextmanager
def opened(folder: Location) -> Iterator[int]:
    """The descriptor of a folder, reached through real folders only. Raises `OSError` with the name of the one that
    is not."""
    fd = fs.open_folder(folder.root)
    try:
        for depth, part in enumerate(folder.parts, 1):
            try:
                inner = fs.open_folder(part, fd)
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(Location(folder.root, folder.parts[:depth]))) from error
            fd, above = inner, fd
            fs.close(above)
        yield fd
    finally:
        fs.close(fd)


def about(place: Location) -> os.stat_result | None:
    """What stands at a place, a link as a link; None where nothing is."""
    try:
        with opened(place.folder) as folder:
            return fs.lstat(place.name, folder)
    except FileNotFoundError:
        return None


def exists(place: Location) -> bool:
    return about(place) is not None


def exists_in(folder: int, name: str) -> bool:
    """Whether something stands in a folder that is open."""
    try:
        fs.lstat(name, folder)
    except FileNotFoundError:
        return False
    return True


def listed(folder: Location) -> list[str]:
    """The names in a folder, sorted; none when it does not exist."""
    try:
        with opened(folder) as fd:
            return fs.names(fd)
    except FileNotFoundError:
        return []


def described(folder: Location) -> list[tuple[str, os.stat_result]]:
    """The names in a folder, sorted, each with what stands there. What disappears meanwhile is left out."""
    found: list[tuple[str, os.stat_result]] = []
    with suppress(FileNotFoundError), opened(folder) as fd:
        for name in fs.names(fd):
            with suppress(FileNotFoundError):
                found.append((name, fs.lstat(name, fd)))
    return found


def make_folder(place: Location) -> None:
    """Make a folder unless it is there, and make that last; a link to a folder is refused."""
    with opened(place.folder) as above:
        try:
            fs.mkdir(place.name, above)
        except FileExistsError:
            if not stat.S_ISDIR(fs.lstat(place.name, above).st_mode):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(place)) from None
        else:
            fs.fsync(above)


def write_file(place: Location, data: bytes, mode: int = 0o444) -> None:
    """Put `data` at `place`, whole or not at all, and return when it would survive a loss of power."""
    temporary = f"{TEMPORARY}{os.getpid()}-{secrets.token_hex(8)}"
    with opened(place.folder) as folder:
        try:
            _fill(temporary, folder, data, mode)
            fs.replace(temporary, folder, place.name, folder)
        except BaseException:
            with suppress(OSError):
                fs.unlink(temporary, folder)
            raise
        fs.fsync(folder)


def _fill(name: str, folder: int, data: bytes, mode: int) -> None:
    with _closing(fs.open_new(name, folder)) as fd:
        rest = memoryview(data)
        while rest:
            rest = rest[fs.write(fd, rest) :]
        fs.chmod(fd, mode)
        fs.fsync(fd)


def move(old: Location, new: Location) -> None:
    """Give what stands at `old` the name `new`."""
    with opened(old.folder) as source, opened(new.folder) as target:
        fs.replace(old.name, source, new.name, target)


def forget(folder: Location, gone: Iterable[str]) -> None:
    """Remove files of one folder, those that are there, and return when that would survive a loss of power."""
    with suppress(FileNotFoundError), opened(folder) as fd:
        for name in gone:
            with suppress(FileNotFoundError):
                fs.unlink(name, fd)
        fs.fsync(fd)


def remove_folder(place: Location, known: Collection[str]) -> None:
    """Remove a folder and the regular files in it with `known` names. Whatever else it holds stays, and the folder
    with it."""
    with opened(place.folder) as above:
        with opened(place) as folder:
            for name in known:
                with suppress(FileNotFoundError):
                    if stat.S_ISREG(fs.lstat(name, folder).st_mode):
                        fs.unlink(name, folder)
            empty = not fs.names(folder)
        if empty:
            fs.rmdir(place.name, above)


class NotAFile(Exception):
    """A link, folder, pipe or device stands where a file belongs."""


class Unreadable(Exception):
    """This one file cannot be read, though its folder can."""


@contextmanager
def opened_file(place: Location) -> Iterator[int]:
    """The descriptor of a regular file, to be read."""
    with opened(place.folder) as folder:
        fd = _open_plain(place.name, folder)
    with _closing(fd):
        yield fd


@contextmanager
def opened_in(folder: int, name: str) -> Iterator[int]:
    """The same of a folder that is open: for those who read many files of one."""
    with _closing(_open_plain(name, folder)) as fd:
        yield fd


def _open_plain(name: str, folder: int) -> int:
    try:
        fd = fs.open_read(name, folder)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a link; a socket
            raise NotAFile(name) from error
        raise _of_this_file(error) from error
    if not stat.S_ISREG(fs.fstat(fd).st_mode):
        fs.close(fd)
        raise NotAFile(name)
    return fd


def _of_this_file(error: OSError) -> Exception:
    return Unreadable(error.strerror) if error.errno in (errno.EACCES, errno.EPERM, errno.EIO) else error


@contextmanager
def opened_lock(place: Location) -> Iterator[int]:
    """The descriptor of a lock file, made where it is missing. Raises `OSError` for anything but a regular file."""
    with opened(place.folder) as folder:
        try:
            fd = fs.open_lock(place.name, folder)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(place)) from error
    with _closing(fd):
        if not stat.S_ISREG(fs.fstat(fd).st_mode):
            raise OSError(errno.ENOTDIR, "not a regular file", str(place))
        yield fd


def read_exactly(fd: int, size: int) -> bytes:
    """Up to `size` bytes: fewer where the file ends, never more."""
    pieces: list[bytes] = []
    try:
        while size > 0 and (piece := fs.read(fd, min(size, 1 << 26))):
            pieces.append(piece)
            size -= len(piece)
    except OSError as error:
        raise _of_this_file(error) from error
    return b"".join(pieces) if len(pieces) != 1 else pieces[0]
