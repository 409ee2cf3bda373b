"""A small hub on this machine: it serves one model, and can have any kind of bad day."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from attrs import define, field

NAME, COMMIT = "someone/tiny", "1" * 40


@define
class Hub:
    """`trouble` is an HTTP status that every answer has, or `cut` (a file ends half way) or `slow` (it stops half
    way); `only` says for which file."""

    folder: Path
    trouble: str = ""
    only: str = ""
    headers: dict[str, str] = field(factory=dict)
    asked: list[str] = field(factory=list)
    address: str = ""
    done: threading.Event = field(factory=threading.Event)


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.done.set()
        server.shutdown()
        server.server_close()


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def do_POST(self) -> None:
            self._answer(body=True)

        def _answer(self, body: bool) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.asked.append(f"{self.command} {path}")
            if hub.trouble.isdigit() and hub.only in path:
                return self._send(int(hub.trouble), b"{}", body, hub.headers)
            if path.startswith("/api/models/"):
                return self._api(path, body)
            name = path.rsplit("/", 1)[-1]
            if "/resolve/" not in path or not (hub.folder / name).is_file():
                return self._send(404, b"{}", body, {"X-Error-Code": "EntryNotFound"})
            self._file(hub.folder / name, body)

        def _api(self, path: str, body: bool) -> None:
            if not path.startswith(f"/api/models/{NAME}"):
                return self._send(404, b"{}", body, {"X-Error-Code": "RepoNotFound"})
            files = sorted(hub.folder.iterdir())
            tree = [
                {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": _digest(file)[:40]}
                for file in files
            ]
            info = {
                "id": NAME,
                "modelId": NAME,
                "sha": COMMIT,
                "siblings": [{"rfilename": file.name} for file in files],
                "tags": [],
                "private": False,
                "downloads": 0,
            }
            self._send(
                200, json.dumps(tree if "/tree/" in path else info).encode(), body, {"Content-Type": "application/json"}
            )

        def _file(self, file: Path, body: bool) -> None:
            content = file.read_bytes()
            told = {"ETag": f'"{_digest(file)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
            given = self.headers.get("Range", "")
            if given.startswith("bytes=") and given[6:].split("-")[0].isdigit():
                content = content[int(given[6:].split("-")[0]) :]
            if body and hub.trouble in ("cut", "slow") and hub.only in file.name:
                self.send_response(200)
                for name, value in (told | {"Content-Length": str(len(content))}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content[: len(content) // 2])
                self.wfile.flush()
                if hub.trouble == "slow":
                    hub.done.wait(60)
                self.close_connection = True
                with suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                return
            self._send(200, content, body, told)

        def _send(self, status: int, content: bytes, body: bool, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(content))}).items():
                self.send_header(name, value)
            self.end_headers()
            if body:
                self.wfile.write(content)

    return Handler


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
