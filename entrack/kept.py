"""What is kept in a folder of the user's own, by address: so that what was made once for a user is not made again.

It is never part of a store, a pack or an output folder, which may come from strangers. A folder that others may write,
and a file that is not as it was written, count as empty. Nothing depends on a thing being kept, so no failure here is
said.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from entrack.address import address, file_digest, is_address
from entrack.files import replacing
from entrack.frozen import frozen
from entrack.version import __version__

PACKAGE = Path(__file__).parent
INSTALLED = re.compile(r"(?P<name>\w+)-(?P<version>[^-]+)(?:-.*)?\.(?:dist|egg)-info")
"""How the folder is called that says what is installed."""
SEAL = 64
"""Characters before what a file keeps: the digest of its name and of the rest."""
File = tuple[str, int, int, int]
CODE = (".py", ".json", ".lark")
"""How the files end that our code is made of."""


@frozen
class Kept:
    """What is kept in a folder, of at most `most` bytes: when it comes to more, the oldest go until half is left.
    Nothing is, where there is no folder."""

    folder: Path | None
    most: int

    def get(self, what: str) -> bytes | None:
        """What is kept at an address; None where nothing is, or not as it was written."""
        if self.folder is None:
            return None
        try:
            data = _of_own_file(self._folder() / what, self.most)
        except OSError:
            return None
        return data[SEAL:] if _sealed(what, data[SEAL:]) == data else None

    def keep(self, what: str, content: bytes) -> None:
        """Keep something at an address, if there is room and the folder can be used."""
        data = _sealed(what, content)
        if self.folder is not None and len(data) * 8 <= self.most:
            with suppress(OSError):
                with replacing(self._folder() / what, 0o600) as (stream, _):
                    stream.write(data)
                self._tidy()

    def _tidy(self) -> None:
        """What is in the folder and is not called like an address is somebody's own."""
        named = ((path, path.lstat()) for path in self._folder().iterdir() if is_address(path.name))
        found = sorted((each.st_mtime_ns, each.st_size, path) for path, each in named if stat.S_ISREG(each.st_mode))
        left = sum(size for _, size, _ in found)
        if left > self.most:
            for _, size, path in found:
                if left * 2 > self.most:
                    path.unlink()
                    left -= size

    def _folder(self) -> Path:
        """The folder, made where it is not there. Raises PermissionError where others may write it."""
        assert self.folder is not None
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _hold_private(self.folder.lstat(), stat.S_ISDIR)
        return self.folder


NOT_KEPT = Kept(None, 0)


def of_the_user(name: str, most: int) -> Kept:
    """What the user keeps under a name, `figures` say: in the folder that `ENTRACK_FIGURES` names, nowhere where this
    is no absolute path; else in one below the user's folder for caches. A home that is not there is not made."""
    given = os.environ.get(f"ENTRACK_{name.upper()}")
    if given is not None:
        return _in(Path(given), most)
    if caches := os.environ.get("XDG_CACHE_HOME"):
        return _in(Path(caches) / "entrack" / name, most)
    try:
        home = Path.home()
    except RuntimeError:  # nobody's home
        return NOT_KEPT
    return _in(home / ".cache" / "entrack" / name, most) if home.is_dir() else NOT_KEPT


def _in(folder: Path, most: int) -> Kept:
    """What is kept does not depend on where a command is called."""
    return Kept(folder, most) if folder.is_absolute() else NOT_KEPT


def _of_own_file(path: Path, most: int) -> bytes:
    """The bytes of a file that only the user writes, and no link. Raises OSError."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
        _hold_private(os.fstat(stream.fileno()), stat.S_ISREG)
        return stream.read(most)


def _hold_private(status: os.stat_result, kind: Callable[[int], bool]) -> None:
    if not kind(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError("others may write it, or it is another's")


def _sealed(what: str, data: bytes) -> bytes:
    return address([what, data]).encode() + data


# --- what made it ------------------------------------------------------------------------------------------------


@cache
def code(*places: str) -> str:
    """The address of our own code in some files and folders of the package, each file by its size and when it was
    changed, as Python tells whether what it compiled before is of the same file; and by when its name or anything else
    of it was, which nobody sets, so that an installation whose files have all one date is known too."""
    files = (file for place in places for file in _files(PACKAGE / place) if file[0].endswith(CODE))
    return address((__version__, *sorted(files)))


@cache
def all_code() -> str:
    """The address of all our own code, but for built-in models, which are read as any model. In a checkout the grammar
    stands beside the package."""
    grammar = PACKAGE.parent / "grammars" / "entrack.lark"
    beside = not (PACKAGE / "grammars").is_dir() and grammar.is_file()
    names = sorted(path.name for path in PACKAGE.iterdir() if path.name not in ("builtin", "__pycache__"))
    return address([code(*names), file_digest(grammar) if beside else ""])


def _files(path: Path) -> Iterator[File]:
    """All files of a file or folder, each with its place in the package, its size and when it was changed, by its own
    word and by the system's."""
    status = path.stat()
    if not stat.S_ISDIR(status.st_mode):
        yield _file(str(path), status)
        return
    folders = [str(path)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if not entry.is_dir():
                    yield _file(entry.path, entry.stat())
                elif entry.name != "__pycache__":
                    folders.append(entry.path)


def _file(path: str, status: os.stat_result) -> File:
    return path.removeprefix(str(PACKAGE)), status.st_size, status.st_mtime_ns, status.st_ctime_ns


@cache
def surroundings(*libraries: str) -> tuple[str, ...] | None:
    """The versions of libraries and of Python, and the machine; None where a library is not there, or is built by hand
    and says no version."""
    known = _versions()
    if not known.keys() >= {*libraries}:
        return None
    machine = os.uname()
    python = sys.version.split(maxsplit=1)[0]
    return (*(f"{name} {known[name]}" for name in libraries), python, machine.machine, machine.sysname)


@cache
def _versions() -> Mapping[str, str]:
    """The versions of what is installed, as the names of folders say them: to read what is in these, as
    `importlib.metadata` does, takes as long as checking a short spec."""
    found: dict[str, str] = {}
    for folder in sys.path:
        with suppress(OSError):
            for match in filter(None, map(INSTALLED.fullmatch, os.listdir(folder or "."))):
                found.setdefault(match["name"].lower(), match["version"])
    return found
