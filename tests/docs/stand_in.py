"""A stand-in for the services that a pack is published with, on this machine: it notes what it is asked, and answers as
their documentation says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from attrs import field, frozen

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DEPOSIT, PUBLISHED = "/api/deposit/depositions", "/datasets/OWNER/study/resolve"


@frozen
class Asked:
    """A request, whose token was `token`."""

    method: str
    path: str
    token: str
    body: bytes


@frozen
class StandIn:
    """Where it is, what it was asked, and the files that it has been given, by their names."""

    address: str
    asked: list[Asked] = field(factory=list)
    files: dict[str, bytes] = field(factory=dict)

    def told(self, asked: Asked) -> tuple[int, dict[str, Any] | list[Any]]:
        """The status, and what is said."""
        match asked.method, asked.path:
            case "POST", str(path) if path == DEPOSIT:
                return 201, {"id": 42, "links": {"bucket": f"{self.address}/api/files/a-bucket"}}
            case "PUT", str(path) if path.startswith("/api/files/a-bucket/"):
                self.files[path.rpartition("/")[2]] = asked.body
                return 201, {"key": path.rpartition("/")[2]}
            case "PUT", str(path) if path == f"{DEPOSIT}/42":
                return 200, {"id": 42, **json.loads(asked.body)}
            case "POST", str(path) if path == f"{DEPOSIT}/42/actions/publish":
                return 202, {"id": 42, "doi": "10.5281/zenodo.42"}
        return self._of_the_hub(asked)

    def _of_the_hub(self, asked: Asked) -> tuple[int, dict[str, Any] | list[Any]]:
        name = "OWNER/study"
        match asked.method, asked.path.partition("?")[0]:
            case "POST", "/api/repos/create":
                return 200, {"url": f"{self.address}/datasets/{name}", "name": name}
            case "GET", "/api/whoami-v2":
                return 200, {"name": "OWNER", "type": "user"}
            case "POST", "/api/datasets/OWNER/study/preupload/main":
                paths = [one["path"] for one in json.loads(asked.body)["files"]]
                return 200, {
                    "files": [{"path": path, "uploadMode": "regular", "shouldIgnore": False} for path in paths]
                }
            case "POST", "/api/datasets/OWNER/study/commit/main":
                self._commit(asked.body)
                return 200, {
                    "commitUrl": f"{self.address}/datasets/{name}/commit/{COMMIT}",
                    "commitOid": COMMIT,
                    "success": True,
                }
        return 404, {"error": f"nothing answers {asked.method} {asked.path}"}

    def _commit(self, body: bytes) -> None:
        from base64 import b64decode

        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                self.files[line["value"]["path"]] = b64decode(line["value"]["content"])


class _Handler(BaseHTTPRequestHandler):
    stand_in: StandIn
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self._answer()

    do_PUT = do_GET = do_HEAD = do_POST

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(self.command, self.path, self.headers.get("Authorization", ""), body)
        self.stand_in.asked.append(asked)
        file = self.stand_in.files.get(self.path.rpartition("/")[2]) if self.path.startswith(PUBLISHED) else None
        if file is None:
            status, said = self.stand_in.told(asked)
            self._send(status, json.dumps(said).encode(), "application/json")
        else:
            self._send(
                200,
                file,
                "application/octet-stream",
                {"ETag": f'"{sha256(file).hexdigest()}"', "X-Repo-Commit": COMMIT},
            )

    def _send(self, status: int, data: bytes, kind: str, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **(more or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is said on stderr."""


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """One that answers while the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {}))
    made = StandIn(f"http://127.0.0.1:{server.server_address[1]}")
    server.RequestHandlerClass.stand_in = made  # type: ignore[attr-defined]  # a class of this server's own
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
