"""Which store a command or a call uses, and how it is opened."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from entrack import arguments
from entrack.events import Damaged, Watcher, unwatched

if TYPE_CHECKING:
    from entrack.store.base import Store


def open_store(
    folder: str | os.PathLike[str], watcher: Watcher = unwatched, *, read_only: bool = False, inspect: bool = False
) -> Store:
    """The store in a folder. `read_only`: it is somebody's publication; `inspect`: nothing of it is changed,
    whatever is found. Raises StoreError."""
    from entrack.store.disk import DiskStore

    arguments.folder(folder, "folder")
    arguments.function(watcher, "watcher")
    arguments.flag(read_only, "read_only")
    arguments.flag(inspect, "inspect")
    return DiskStore(
        folder,
        on_damage=lambda damage: watcher(Damaged(damage.address or "", damage.message)),
        read_only=read_only,
        inspect=inspect,
    )


def store_folder(given: str | os.PathLike[str] | None = None) -> Path:
    """Where the store is: as given, else `ENTRACK_STORE`, else `cache/` of the checkout round the working folder,
    else `cache/` here."""
    if given is not None:
        return Path(arguments.path(given, "store"))
    if os.environ.get("ENTRACK_STORE"):
        return Path(os.environ["ENTRACK_STORE"])
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "grammars" / "entrack.lark").is_file():
            return folder / "cache"
    return here / "cache"
