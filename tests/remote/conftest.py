"""Where the tools of other test folders are, and the servers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.extend(str(Path(__file__).parents[1] / other) for other in ("remote", "plan", "store", "e2e", "engine"))

import servers
from servers import Server
from stress.forms import EVERY_KIND
from stress.walks import Study

WHY = "runs servers of this machine: make remote-test"


def pytest_configure(config: pytest.Config) -> None:
    """asyncssh asks programs of the system, as it is imported, where a library is that it can do without: the canary
    would hear that."""
    if servers.installed("asyncssh"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("ctypes.util.find_library", lambda name: None)
            __import__("asyncssh")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    lacking = servers.missing() if os.environ.get("ENTRACK_SERVERS") else ""
    why = f"not installed: {lacking}" if lacking else WHY
    if lacking or not os.environ.get("ENTRACK_SERVERS"):
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Study.made(tmp_path_factory.mktemp("study"), EVERY_KIND)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder that all servers show."""
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
def web(tmp_path: Path, root: Path) -> Iterator[Server]:
    with servers.started(servers.nginx(tmp_path / "nginx", root)) as server:
        yield server


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with servers.started(servers.sshd(tmp_path / "sshd")) as server:
        servers.know(tmp_path / "sshd", server.port)
        monkeypatch.setenv("HOME", str(tmp_path / "sshd" / "home"))
        yield server
