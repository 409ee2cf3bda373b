"""A remote on a web server: files are read by GET, and written by WebDAV where the server has that.

No answer is parsed: of each only its status, its length and so many bytes of its body are looked at.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from netrc import NetrcParseError
from typing import TYPE_CHECKING

from entrack.store import folders
from entrack.store.remote_place import Beat, pieces

if TYPE_CHECKING:
    import httpx

ABANDONED = 60.0
"""Seconds after which a connection ends of which nothing comes, when nobody waits for it any more."""
MISSING, THERE_ALREADY = (404, 410), 405


class Answered(Exception):
    """The server says no."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


class WebPlace:
    """`base` is the URL of the folder, without a name or password; `who` has both, where the URL does. Otherwise they
    are those of ~/.netrc."""

    def __init__(self, base: str, who: tuple[str, str] | None) -> None:
        self._base, self._who = base.rstrip("/"), who
        self._client: httpx.Client | None = None
        self._folders: set[str] = set()

    def read(self, name: str, most: int, beat: Beat) -> bytes | None:
        with self._opened().stream("GET", self._url(name), follow_redirects=True) as answer:
            if answer.status_code in MISSING:
                return None
            _held(answer, 200)
            return pieces(answer.iter_raw(), most + 1, beat)

    def size(self, name: str) -> int | None:
        answer = self._opened().head(self._url(name))
        if answer.status_code in MISSING:
            return None
        length = _held(answer, 200).headers.get("Content-Length", "")
        return int(length) if length.isdecimal() else -1

    def write(self, name: str, data: bytes) -> None:
        self._make_folders(name)
        folder = name.rpartition("/")[0]
        temporary = f"{folder}/{folders.TEMPORARY}{secrets.token_hex(8)}".lstrip("/")
        try:
            _held(self._opened().put(self._url(temporary), content=data), 200, 201, 204)
            moved = {"Destination": self._url(name), "Overwrite": "T"}
            _held(self._opened().request("MOVE", self._url(temporary), headers=moved), 201, 204)
        except BaseException:
            with suppress(Exception):
                self._opened().delete(self._url(temporary))
            raise

    def reopen(self) -> None:
        self._client = None
        self._folders.clear()

    def _make_folders(self, name: str) -> None:
        parts = name.split("/")[:-1]
        for folder in ("/".join(parts[: depth + 1]) for depth in range(len(parts))):
            if folder not in self._folders:
                _held(self._opened().request("MKCOL", f"{self._url(folder)}/"), 201, THERE_ALREADY)
                self._folders.add(folder)

    def _url(self, name: str) -> str:
        return f"{self._base}/{name}"

    def _opened(self) -> httpx.Client:
        if self._client is None:
            import httpx

            plain = {"Accept-Encoding": "identity"}  # a file comes as it is, and so as long as it is
            self._client = httpx.Client(auth=self._who or _known(), headers=plain, timeout=ABANDONED)
        return self._client


def _known() -> httpx.Auth | None:
    """The names and passwords of ~/.netrc, or of the file that NETRC names."""
    import httpx

    with suppress(OSError, NetrcParseError):
        return httpx.NetRCAuth(os.environ.get("NETRC"))
    return None


def _held(answer: httpx.Response, *wanted: int) -> httpx.Response:
    if answer.status_code not in wanted:
        raise Answered(answer.status_code)
    return answer
