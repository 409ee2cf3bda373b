"""Who computes: versions, code and device of a process, which a run and its workers hold against each other before
anything is computed. Loads no torch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from entrack.execution.environment import versions
from entrack.frozen import frozen
from entrack.version import __version__
from entrack.workers.errors import WorkerRefused

PACKAGE = Path(__file__).parents[1]


@frozen
class Identity:
    """With what a process computes: the versions of entrack and of the packages that compute, the digest of entrack's
    own files, and the device."""

    entrack: str
    packages: Mapping[str, str]
    sources: str
    device: str

    @classmethod
    def own(cls, device: str) -> Identity:
        """That of this process."""
        return cls(__version__, dict(versions()), sources_digest(), device)

    @classmethod
    def told(cls, said: Mapping[str, Any]) -> Identity:
        """What another process said. Raises WorkerRefused where that is none."""
        try:
            return cls(str(said["entrack"]), dict(said["packages"]), str(said["sources"]), str(said["device"]))
        except (KeyError, TypeError, ValueError):
            raise WorkerRefused("a worker does not say who it is: it has another version of entrack") from None


def held_against(theirs: Identity, own: Identity, where: str) -> None:
    """Raises WorkerRefused where a worker (`where` says which) would compute with something else than this process
    has. The device may be another: it is recorded with each value."""
    pairs = {
        "entrack": (theirs.entrack, own.entrack),
        **{name: (theirs.packages.get(name), version) for name, version in own.packages.items()},
        "entrack's files": (theirs.sources[:12], own.sources[:12]),
    }
    apart = [f"{name} {there} there, {here} here" for name, (there, here) in pairs.items() if there != here]
    if apart:
        raise WorkerRefused(f"{where} is not as this process: {'; '.join(apart)}; install the same on both sides")


@cache
def sources_digest() -> str:
    """The SHA-256 of all files of the package that are code, with their names."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        data = path.read_bytes()
        digest.update(f"{path.relative_to(PACKAGE).as_posix()} {len(data)}\n".encode() + data)
    return digest.hexdigest()
