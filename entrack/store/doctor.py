"""Diagnose a store's folder without opening the store: what may cause trouble. Changes nothing."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable

from entrack.frozen import frozen
from entrack.store import folders, fs, index_validation, layout
from entrack.store.errors import StoreError, name_error, named
from entrack.store.layout import Layout

LITTLE_SPACE = 1 << 30
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "lustre", "beegfs", "gpfs", "afs", "9p", "ceph"}


@frozen
class Check:
    """One thing that was looked at; `advice` says what to do, and is empty where it is good."""

    name: str
    found: str
    advice: str = ""

    @property
    def good(self) -> bool:
        return not self.advice


def doctor(folder: str | os.PathLike[str]) -> tuple[Check, ...]:
    """All checks, in the order in which to attend to them."""
    where = Layout(os.path.abspath(os.fspath(folder)))
    return tuple(_looked(check, where) for check in _CHECKS)


def _looked(check: Callable[[Layout], Check], where: Layout) -> Check:
    try:
        return check(where)
    except OSError as error:
        name = check.__name__.strip("_").replace("_", " ")
        return Check(name, f"{error.strerror} ({error.filename})", str(name_error(error, "read", where.root)))


def _store(where: Layout) -> Check:
    try:
        with named("read", where.root):
            there = layout.check_format(where)
    except StoreError as error:
        return Check("store", "cannot be used", str(error))
    return Check("store", f"format {layout.FORMAT}" if there else "not there yet: it is made on the first write")


def _writable(where: Layout) -> Check:
    if fs.writable(_existing(where)):
        return Check("writable", "yes")
    return Check("writable", "no", "results can be read; to add some, choose a folder of your own")


def _permissions(where: Layout) -> Check:
    mode = os.stat(_existing(where)).st_mode
    if where.root == _existing(where) and mode & stat.S_IWOTH:
        return Check("permissions", stat.filemode(mode), "anyone can change it: remove `o+w`")
    return Check("permissions", stat.filemode(mode))


def _space(where: Layout) -> Check:
    about = os.statvfs(_existing(where))
    free = about.f_bavail * about.f_frsize
    advice = "" if free >= LITTLE_SPACE else "free some space, or collect garbage"
    return Check("free space", f"{free / 1e9:.1f} GB", advice)


def _file_system(where: Layout) -> Check:
    kind = _kind_of(os.path.realpath(_existing(where)))
    advice = "locks and SQLite are unreliable on network file systems: prefer a local disk" if kind in _NETWORK else ""
    return Check("file system", kind, advice)


def _sqlite(_: Layout) -> Check:
    return Check("SQLite", f"{sqlite3.sqlite_version}, rollback journal")


def _index(where: Layout) -> Check:
    if not folders.exists(where.index):
        return Check("index", "not there yet")
    try:
        ours = index_validation.is_ours(where.index, to_read=True)
    except sqlite3.OperationalError:
        return Check("index", "in use, or left in the middle of a change, which the next write takes back")
    return Check("index", "sound" if ours else "not sound", "" if ours else "it is made again by the next write")


def _leftovers(where: Layout) -> Check:
    count = sum(1 for _ in where.temporaries())
    advice = "left by killed runs, or being written now: collecting garbage removes the dead ones" if count else ""
    return Check("unfinished files", str(count), advice)


def _quarantine(where: Layout) -> Check:
    count = len(folders.listed(where.quarantine))
    advice = f"look at {where.quarantine}; it can be deleted" if count else ""
    return Check("quarantine", f"{count} damaged files", advice)


_CHECKS = (
    _store,
    _writable,
    _permissions,
    _space,
    _file_system,
    _sqlite,
    _index,
    _leftovers,
    _quarantine,
)


def _existing(where: Layout) -> str:
    return folders.nearest_folder(where.root)


def _kind_of(path: str) -> str:
    """The type of the file system that `path` is on, where the system says."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8") as lines:
            mounts = [(line.split()[4], line.split(" - ")[1].split()[0]) for line in lines]
    except OSError:
        return "unknown"
    above = [mount for mount in mounts if os.path.commonpath((mount[0], path)) == mount[0]]
    return max(above, key=lambda mount: len(mount[0]), default=("/", "unknown"))[1]
