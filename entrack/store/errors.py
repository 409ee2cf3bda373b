"""The ways in which a store can fail, and how an operating system error becomes one of them.

A message names the folder and what a person can do about it. Damage is not here: a damaged entry is reported
and computed again, the store goes on.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from entrack.errors import EntrackError


class StoreError(EntrackError):
    """The store cannot do what was asked; the message says what to do."""


class StoreFull(StoreError):
    """No space, or no quota, is left."""


class StoreReadOnly(StoreError):
    """Something was to be written to a store that cannot be written."""


class StoreUnreadable(StoreError):
    """The folder is not a store, or the system does not let us read it."""


class StoreTooNew(StoreError):
    """A later version of entrack made this store."""


class StoreTooOld(StoreError):
    """An earlier version of entrack made this store, and knew its values by other addresses."""


class StoreBusy(StoreError):
    """The store is in use, and what was asked needs it alone."""


@contextmanager
def named(verb: Literal["read", "write"], root: str) -> Iterator[None]:
    """Turn an `OSError` met while reading or writing the store at `root` into its name."""
    try:
        yield
    except OSError as error:
        raise name_error(error, verb, root) from error


def name_error(error: OSError, verb: Literal["read", "write"], root: str) -> StoreError:
    kind, advice = _BY_ERRNO.get(error.errno or 0, (StoreUnreadable, _LOOK))
    if verb == "write" and error.errno in (errno.EACCES, errno.EPERM):
        kind, advice = StoreReadOnly, _GIVE
    reason = error.strerror or "the system gives no reason"
    where = f" ({error.filename})" if error.filename else ""
    return kind(f"cannot {verb} the store {root}: {reason}{where}; {advice}")


_LOOK = "see what `doctor` says about this folder, or choose another one"
_GIVE = "ask for the right to write there, or choose a folder of your own"
_SPACE = "free some space or collect garbage, then run again: what is finished is kept"
_BY_ERRNO: dict[int, tuple[type[StoreError], str]] = {
    errno.ENOSPC: (StoreFull, _SPACE),
    errno.EDQUOT: (StoreFull, _SPACE),
    errno.EFBIG: (StoreFull, "this process may write no larger files (see `ulimit -f`)"),
    errno.EROFS: (StoreReadOnly, "it can be read as it is; to add results choose another folder"),
    errno.EACCES: (StoreUnreadable, "ask its owner for the right to read it, or choose a folder of your own"),
    errno.EPERM: (StoreUnreadable, "ask its owner for the right to read it, or choose a folder of your own"),
    errno.ENOTDIR: (StoreUnreadable, "every part of a store must be a real folder, not a file or a symbolic link"),
    errno.ELOOP: (StoreUnreadable, "every part of a store must be a real folder, not a file or a symbolic link"),
    errno.EMFILE: (StoreUnreadable, "this process has too many files open (see `ulimit -n`)"),
    errno.ENFILE: (StoreUnreadable, "this machine has too many files open"),
    errno.EIO: (StoreUnreadable, "the disk may be failing: copy what you need, and see the system log"),
}
