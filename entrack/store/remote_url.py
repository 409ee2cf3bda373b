"""Where a remote is: a URL, or a folder -> what kind of place that is, how it is reached, and its name for people.

A URL may hold a name and a password. Only what opens the file system sees them: `shown` has neither, and no message is
made of anything else.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from attrs import field

from entrack.errors import ArgumentError
from entrack.frozen import frozen

INSTALL = "pip install 'entrack[remote]'"


@frozen
class Kind:
    """A kind of place: the name that fsspec has for its file system, the package that it needs beside fsspec, and how
    that is had where it is missing.

    `renames`: a file is written under another name and then moved; elsewhere a file that is put is whole or not there.
    """

    protocol: str
    package: str
    install: str = INSTALL
    writable: bool = True
    renames: bool = True

    @property
    def on_the_web(self) -> bool:
        """Whether it is a web server, for which fsspec is not needed."""
        return self in (WEB, DAV)


WEB, DAV, SSH = Kind("http", "httpx", writable=False), Kind("webdav", "httpx"), Kind("ssh", "sshfs")
AMAZON = Kind("s3", "s3fs", "pip install s3fs", renames=False)
GOOGLE = Kind("gs", "gcsfs", "pip install gcsfs", renames=False)
AZURE = Kind("abfs", "adlfs", "pip install adlfs", renames=False)
KINDS: Mapping[str, Kind] = {
    "http": WEB,
    "https": WEB,
    "dav": DAV,
    "davs": DAV,
    "webdav": DAV,
    "webdavs": DAV,
    "sftp": SSH,
    "ssh": SSH,
    "s3": AMAZON,
    "gs": GOOGLE,
    "gcs": GOOGLE,
    "abfs": AZURE,
    "az": AZURE,
    "memory": Kind("memory", "fsspec"),
}
"""By the scheme of a URL. A folder, and `file`, is none of these: the store reads it with its own means."""


@frozen
class RemoteURL:
    """`url` is what was given; `kind` None is a folder."""

    url: str = field(repr=False)
    kind: Kind | None
    shown: str

    @property
    def folder(self) -> str:
        """The folder, where it is one."""
        return unquote(urlsplit(self.url).path) if "://" in self.url else self.url

    @property
    def web(self) -> tuple[str, tuple[str, str] | None]:
        """The URL of a folder of a web server, and the name and password that stand in what was given."""
        parts = urlsplit(self.url)
        scheme = "https" if parts.scheme.lower() in ("https", "davs", "webdavs") else "http"
        who = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        return f"{scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}", who


def remote_url(given: str | os.PathLike[str]) -> RemoteURL:
    """What a URL, or the path of a folder, says. Raises ArgumentError, which does not repeat a password."""
    url = os.fspath(given)
    if not url:
        raise ArgumentError("the remote is empty: a folder or a URL is wanted")
    if "://" not in url:
        return RemoteURL(os.path.abspath(url), None, os.path.abspath(url))
    scheme = url.partition("://")[0].lower()
    if scheme != "file" and scheme not in KINDS:
        raise ArgumentError(f"a remote is a folder or a URL that begins with {_known()}; not with {scheme[:20]!r}")
    try:
        parts = urlsplit(url)
        shown = f"{scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    except ValueError:
        raise ArgumentError("the URL of the remote cannot be read") from None
    if "::" in parts.path or parts.query or parts.fragment or "?" in url or "#" in url:
        raise ArgumentError(f"the URL of a remote is that of a folder, without `?`, `#` or `::`: {shown}")
    if not parts.netloc.rpartition("@")[2] and scheme not in ("file", "memory"):
        raise ArgumentError(f"the URL of the remote names no host: {shown}")
    return RemoteURL(url, KINDS.get(scheme), shown)


def _known() -> str:
    return ", ".join(f"{scheme}://" for scheme in (*KINDS, "file") if scheme != "memory")
