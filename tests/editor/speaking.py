"""A language server in a process of its own, spoken to over standard input and output, one request after the other."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from attrs import define, field

COMMAND = (sys.executable, "-c", "from entrack.cli.main import main; main()", "lsp")
PUBLISHED = "textDocument/publishDiagnostics"


@define
class Speaking:
    """What the server says meanwhile is kept in `published`, by URI; `log` is what it wrote to standard error."""

    log: Path
    command: Sequence[str] = COMMAND
    published: dict[str, list[dict[str, Any]]] = field(factory=dict)
    versions: int = 0
    _last: int = 0
    _process: Any = None

    def __enter__(self) -> Speaking:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is not None:
            self._process.kill()
            return
        self.ask("shutdown", None)
        self.tell("exit", None)
        assert self._process.wait(timeout=20) == 0, self.log.read_text()

    def begin(self, folder: Path) -> dict[str, Any]:
        folders = [{"uri": folder.as_uri(), "name": folder.name}]
        given: dict[str, Any] = {
            "processId": None,
            "rootUri": folder.as_uri(),
            "workspaceFolders": folders,
            "capabilities": {},
        }
        said: dict[str, Any] = self.ask("initialize", given)["result"]
        self.tell("initialized", {})
        return said

    def open(self, path: Path, text: str) -> str:
        self.tell(
            "textDocument/didOpen",
            {"textDocument": {"uri": path.as_uri(), "languageId": "entrack", "version": 0, "text": text}},
        )
        return path.as_uri()

    def change(self, uri: str, *changes: dict[str, Any]) -> None:
        self.versions += 1
        given = {"textDocument": {"uri": uri, "version": self.versions}, "contentChanges": list(changes)}
        self.tell("textDocument/didChange", given)

    def problems(self, uri: str) -> list[dict[str, Any]]:
        """The next problems that are shown for a text."""
        self.published.pop(uri, None)
        while uri not in self.published:
            self._hear()
        return self.published[uri]

    def ask(self, method: str, params: Any) -> dict[str, Any]:
        """The answer: it has a `result` or an `error`."""
        self._last += 1
        self._say({"jsonrpc": "2.0", "id": self._last, "method": method, "params": params})
        while heard := self._hear():
            if heard.get("id") == self._last and "method" not in heard:
                return heard
        raise AssertionError("no answer")

    def tell(self, method: str, params: Any) -> None:
        self._say({"jsonrpc": "2.0", "method": method, "params": params})

    def worked(self) -> float:
        """Seconds that the thread which answers has had a processor; the clock's, where no system tells."""
        try:
            told = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/schedstat").read_text(encoding="ascii")
        except OSError:
            return time.perf_counter()
        return int(told.split()[0]) / 1e9

    def _say(self, message: dict[str, Any]) -> None:
        body = json.dumps(message).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _hear(self) -> dict[str, Any]:
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, f"the server has ended: {self.log.read_text()}"
        heard: dict[str, Any] = json.loads(self._process.stdout.read(length))
        if heard.get("method") == PUBLISHED:
            self.published[heard["params"]["uri"]] = heard["params"]["diagnostics"]
        elif "id" in heard and "method" in heard:
            self._say({"jsonrpc": "2.0", "id": heard["id"], "result": None})
        return heard
