"""Addresses, small tensors, and the shims that make file operations fail."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from entrack.store import Tensors, fs

COUNT = int(os.environ.get("ENTRACK_TORTURE_COUNT", "8"))
ROOT = Path(__file__).parents[2]


def address(of: object) -> str:
    return hashlib.sha256(repr(of).encode()).hexdigest()


def tensors(seed: int) -> dict[str, NDArray[Any]]:
    return {"effect": np.random.default_rng(seed).normal(size=(3, 4)).astype("float32"), "rank": np.arange(seed % 7)}


def same(one: Tensors | None, other: dict[str, NDArray[Any]]) -> bool:
    """Equal names, dtypes, shapes and bytes: NaN is NaN and -0.0 is not 0.0."""
    if one is None or sorted(one) != sorted(other):
        return False
    return all(_bits(one[name]) == _bits(other[name]) for name in other)


def _bits(array: NDArray[Any]) -> tuple[str, tuple[int, ...], bytes]:
    return array.dtype.name, array.shape, array.tobytes()


def disk_full() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def read_only() -> OSError:
    return OSError(errno.EROFS, os.strerror(errno.EROFS))


class Killed(BaseException):
    """Stands for a death: nothing, not even an `except` clause, does anything to a file afterwards."""


class Shim:
    """Counts the operations that change files, and makes the one numbered `at` raise `error`.

    A killed process does nothing more, so after `Killed` every later operation raises too.
    """

    def __init__(self, patch: pytest.MonkeyPatch, at: int, error: Callable[[], BaseException]) -> None:
        self.count, self.at, self.error = 0, at, error
        for name in fs.OPERATIONS:
            patch.setattr(fs, name, self._wrap(getattr(fs, name)))

    def _wrap(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def shimmed(*args: Any) -> Any:
            self.count += 1
            if self.count == self.at or (self.count > self.at and self.error is Killed):
                raise self.error()
            return real(*args)

        return shimmed


class Power:
    """Knows what a loss of power may take: file contents and names that were not made to last.

    With `honest=False` the disk only says that it made them last.
    """

    def __init__(self, patch: pytest.MonkeyPatch, honest: bool) -> None:
        self.honest, self.paths = honest, dict[int, str]()
        self.contents, self.names = set[str](), list[tuple[str, bytes | None]]()
        real = {name: getattr(fs, name) for name in ("open_new", "open_folder", "fsync", "replace")}
        self.real = real
        for name in real:
            patch.setattr(fs, name, getattr(self, name))

    def open_new(self, name: str, inside: int) -> int:
        fd: int = self.real["open_new"](name, inside)
        self.paths[fd] = self._path(name, inside)
        self.contents.add(self.paths[fd])
        return fd

    def open_folder(self, name: str, inside: int | None = None) -> int:
        fd: int = self.real["open_folder"](name, inside)
        self.paths[fd] = name if inside is None else self._path(name, inside)
        return fd

    def _path(self, name: str, inside: int) -> str:
        return f"{self.paths[inside]}/{name}"

    def fsync(self, fd: int) -> None:
        if self.honest:
            self.contents.discard(self.paths[fd])
            self.names = [entry for entry in self.names if os.path.dirname(entry[0]) != self.paths[fd]]

    def replace(self, old_name: str, old_inside: int, new_name: str, new_inside: int) -> None:
        old, new = self._path(old_name, old_inside), self._path(new_name, new_inside)
        if os.path.isfile(old):
            self.names.append((new, Path(new).read_bytes() if os.path.isfile(new) else None))
        self.real["replace"](old_name, old_inside, new_name, new_inside)
        if old in self.contents:
            self.contents.add(new)

    def lose(self, chance: random.Random) -> None:
        for path in filter(os.path.isfile, sorted(self.contents)):
            os.truncate(path, chance.choice((0, os.path.getsize(path) // 2, os.path.getsize(path))))
        for path, before in reversed(self.names):
            if chance.random() < 0.5:
                Path(path).unlink(missing_ok=True)
                if before is not None:
                    Path(path).write_bytes(before)


WORKER = str(Path(__file__).with_name("worker.py"))


def environment() -> dict[str, str]:
    """That of a process which finds this checkout."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def start(*args: object) -> subprocess.Popen[str]:
    """Run `worker.py` in a process of its own."""
    command = [sys.executable, WORKER, *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
