"""The place that a URL names."""

from __future__ import annotations

from importlib.util import find_spec

from entrack.store.errors import StoreError
from entrack.store.remote_folder import FolderPlace
from entrack.store.remote_fsspec import FsspecPlace
from entrack.store.remote_place import Place
from entrack.store.remote_url import Kind, RemoteURL
from entrack.store.remote_web import WebPlace


def place_of(remote: RemoteURL) -> Place:
    """Raises StoreError where a package is missing. Connects to nothing."""
    if remote.kind is None:
        return FolderPlace(remote.folder)
    _need(remote.kind)
    if remote.kind.on_the_web:
        return WebPlace(*remote.web)
    return FsspecPlace(remote, remote.kind)


def _need(kind: Kind) -> None:
    if find_spec(kind.package) is None:
        raise StoreError(
            f"a remote of this kind needs the package {kind.package}, which is not installed: {kind.install}"
        )
