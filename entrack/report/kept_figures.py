"""Drawn figures that are kept, so that a run which finds the same again draws nothing.

A figure is a function of what it shows, of the code that draws it and of the libraries that this uses. These make its
address; a file of that name in a folder of the user's own has its bytes in all formats, and their digest. Kept figures
are never part of a store, a pack or an output folder, which may come from strangers: a wrong one would be a wrong
figure in a report. A folder that others may write, and a file that is not as it was written, count as empty. Nothing
depends on a figure being kept, so no failure here is said.
"""

from __future__ import annotations

import json
import os
import platform
import re
import stat
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import Enum
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import attrs

from entrack.address import address, file_digest
from entrack.files import replacing
from entrack.frozen import frozen
from entrack.results import Discovery, Figure, Measure

Files = Mapping[str, bytes]
"""A figure's bytes by format."""

MOST = 64 << 20
"""Bytes of all kept figures; when they come to more, the oldest go until half is left."""
LIBRARIES = ("matplotlib", "numpy", "pillow", "contourpy", "kiwisolver", "fonttools")
"""What draws."""
PACKAGE = Path(__file__).parents[1]
CODE = ("report", "results", "diagnostics", "address.py", "files.py", "labels.py", "ranking.py", "sites.py")
"""Our own part of it, from results to what is drawn."""
NAME = re.compile(r"[0-9a-f]{64}")
"""How a kept figure is called. Whatever else is in the folder is somebody's own."""


@frozen
class KeptFigures:
    """The figures that are kept in a folder, of at most `most` bytes; none where there is no folder."""

    folder: Path | None
    most: int = MOST

    def files(
        self, figure: Figure, item: Measure | Discovery, formats: tuple[str, ...], draw: Callable[[], Files]
    ) -> Files:
        """A figure of a result in some formats: as it is kept, else drawn, and then kept."""
        libraries = _libraries()
        if self.folder is None or libraries is None:
            return draw()
        what = address([_plain(figure), _plain(item), [*formats], [*libraries], drawing_code()])
        kept = self._read(what)
        if kept is not None and tuple(kept) == formats:
            return kept
        drawn = draw()
        with suppress(OSError):
            self._keep(what, drawn)
        return drawn

    def _read(self, what: str) -> Files | None:
        try:
            data = _of_own_file(self._folder() / what, self.most)
        except OSError:
            return None
        if _sealed(what, data[64:]) != data:
            return None
        return {each: b64decode(text) for each, text in json.loads(data[64:]).items()}

    def _keep(self, what: str, files: Files) -> None:
        data = _sealed(
            what, json.dumps({each: b64encode(content).decode() for each, content in files.items()}).encode()
        )
        if len(data) * 8 <= self.most:
            with replacing(self._folder() / what, 0o600) as (stream, _):
                stream.write(data)
            self._tidy()

    def _tidy(self) -> None:
        named = ((path, path.lstat()) for path in self._folder().iterdir() if NAME.fullmatch(path.name))
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


NOTHING_KEPT = KeptFigures(None)


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


def _plain(value: Any) -> Any:
    """A result as lists and texts that have an address. All fields count, whatever takes part in equality."""
    match value:
        case Enum():
            return [type(value).__name__, value.value]
        case float():
            return value.hex()
        case tuple() if value and all(type(each) is float for each in value):
            return ["floats", " ".join(map(float.hex, value))]
        case tuple() | list():
            return [_plain(each) for each in value]
        case Mapping():
            return ["map", *([_plain(key), _plain(each)] for key, each in value.items())]
    if attrs.has(type(value)):
        return [type(value).__name__, *(_plain(getattr(value, name.name)) for name in attrs.fields(type(value)))]
    return value


@cache
def drawing_code() -> str:
    """The address of our own code that draws."""
    places = (PACKAGE / name for name in CODE)
    files = (path for place in places for path in ([place] if place.suffix else place.rglob("*.py")))
    return address(sorted([path.relative_to(PACKAGE).as_posix(), file_digest(path)] for path in files))


@cache
def _libraries() -> tuple[str, ...] | None:
    """The versions of what draws, and the machine that it is for; None where something is not there, or is built by
    hand and says no version."""
    try:
        versions = [f"{name} {version(name)}" for name in LIBRARIES]
    except PackageNotFoundError:
        return None
    return (*versions, platform.python_version(), platform.machine(), platform.system())
