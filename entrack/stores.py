"""Which store a command or a call uses, and how it is opened."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from entrack import arguments
from entrack.events import Damaged, RemoteDone, RemoteTrouble, RemoteWriting, Watcher, unwatched

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


@contextmanager
def with_remote(
    store: Store, remote: str | os.PathLike[str] | None, watcher: Watcher = unwatched, *, read_only: bool = False
) -> Iterator[Store]:
    """A store with a remote behind it, where one is named: a URL, or a folder. On leaving what is on its way there is
    waited for. Raises ArgumentError, and StoreError where a package is missing; not for a remote that cannot be
    reached."""
    arguments.flag(read_only, "remote_read_only")
    if remote is None:
        yield store
        return
    from entrack.store.remote import RemoteStore
    from entrack.store.remote_open import place_of
    from entrack.store.remote_url import remote_url

    url = remote_url(arguments.path(remote, "remote"))
    place_of(url)
    if not getattr(store, "writable", True):
        watcher(RemoteTrouble(f"the remote {url.shown} is not asked: the store here cannot be written"))
        yield store
        return
    behind = RemoteStore(
        store,
        lambda: place_of(url),
        url.shown,
        lambda why: watcher(RemoteTrouble(why)),
        on_damage=lambda damage: watcher(Damaged(damage.address or "", damage.message)),
        read_only=read_only or (url.kind is not None and not url.kind.writable),
    )
    with behind:
        yield behind
        watcher(RemoteWriting(behind.unwritten))
    watcher(RemoteDone(url.shown, behind.brought, behind.written))


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
