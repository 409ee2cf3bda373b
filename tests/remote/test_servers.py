"""Remotes on real servers: what is right comes and goes, and whatever a server or the line to it does, a run ends with
its values, in a bounded time, and shows no password."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from attrs import frozen
from servers import LOOPBACK, NAME, PASSWORD, Server, know, proxied, sftp_url
from stress.walks import Study

from entrack.events import Damaged, Event, RemoteDone, RemoteTrouble
from entrack.store import DiskStore, MemoryStore, Store, verify
from entrack.store.base import Damage
from entrack.stores import with_remote

KINDS = ("dav", "sftp")
BOUND = 140.0
"""Seconds that a bad line may cost a run: failures 60 s in all, and one more, in reading; and in writing, at the
end."""
DEAD = 30.0
"""Seconds that a remote which never answers may cost: a connection is waited for 8 s, twice in reading, and once in
writing."""
ROOT = Path(__file__).parents[2]
ENTRACK = str(Path(sys.executable).with_name("entrack"))


def url_of(kind: str, port: int, root: Path) -> str:
    match kind:
        case "dav":
            return f"dav://{NAME}:{PASSWORD}@{LOOPBACK}:{port}/dav"
        case "private":
            return f"http://{NAME}:{PASSWORD}@{LOOPBACK}:{port}/private"
        case "sftp":
            return sftp_url(port, root)
    return f"http://{LOOPBACK}:{port}/{kind}"


@frozen
class Ran:
    computed: int
    brought: int
    written: int
    said: list[str]
    seconds: float


def ran(study: Study, url: str, own: Store | None = None) -> Ran:
    """A run through a store and a remote. It has all values, whatever it is told."""
    store, said, done, began = own or MemoryStore(), list[str](), list[RemoteDone](), time.monotonic()

    def watch(event: Event) -> None:
        if isinstance(event, RemoteTrouble | Damaged):
            said.append(event.why)
        if isinstance(event, RemoteDone):
            done.append(event)

    with with_remote(store, url, watch) as shared:
        computed = study.run(shared)
    assert study.is_in(store)
    assert not any(PASSWORD in line for line in said)
    return Ran(computed, done[0].brought, done[0].written, said, time.monotonic() - began)


def server_of(kind: str, request: pytest.FixtureRequest) -> Server:
    found = request.getfixturevalue("ssh" if kind == "sftp" else "web")
    assert isinstance(found, Server)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_one_writes_and_another_reads(kind: str, study: Study, root: Path, request: pytest.FixtureRequest) -> None:
    server, everything = server_of(kind, request), len(study.expected)
    first = ran(study, url_of(kind, server.port, root))
    assert (first.computed, first.written, first.said) == (everything, everything, [])
    damage: list[Damage] = []
    with DiskStore(root, on_damage=damage.append) as store:
        assert study.is_in(store) and verify(store).whole and not verify(store).temporaries
    second = ran(study, url_of(kind, server.port, root))
    assert (second.computed, second.brought, second.written, second.said) == (0, everything, 0, [])
    print(f"{kind}: {everything} values written in {first.seconds:.1f} s, read in {second.seconds:.1f} s")


@pytest.mark.parametrize("kind", ["published", "private"])
def test_a_store_that_is_copied_to_a_web_server_is_a_remote(
    kind: str, study: Study, root: Path, web: Server, tmp_path: Path
) -> None:
    with DiskStore(tmp_path / "own") as own:
        study.run(own)
    shutil.copytree(tmp_path / "own", root, dirs_exist_ok=True)
    found = ran(study, url_of(kind, web.port, root))
    assert (found.computed, found.brought, found.said) == (0, len(study.expected), [])


def test_a_password_of_netrc(
    study: Study, root: Path, web: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text(f"machine {LOOPBACK} login {NAME} password {PASSWORD}\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    found = ran(study, f"dav://{LOOPBACK}:{web.port}/dav")
    assert (found.written, found.said) == (len(study.expected), [])


def test_wrong_files_are_refused_mended_and_right_for_the_next(study: Study, root: Path, web: Server) -> None:
    url = url_of("dav", web.port, root)
    ran(study, url)
    objects, actions = sorted(root.glob("objects/*/*")), sorted(root.glob("actions/*/*"))
    for place, harm in zip(objects, (b"", b"x" * 10, b"y" * 10**6), strict=False):
        place.chmod(0o644)
        place.write_bytes(harm)
    actions[0].write_bytes(actions[-1].read_bytes())
    second = ran(study, url)
    assert 0 < second.computed == len(second.said) and second.written == second.computed
    third = ran(study, url)
    assert (third.computed, third.said) == (0, [])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["hang", "drip", "refuse", "cut", "garble"])
def test_a_bad_line(
    kind: str, mode: str, study: Study, root: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server = server_of(kind, request)
    ran(study, url_of(kind, server.port, root))
    with proxied(server.port, mode) as proxy:
        if kind == "sftp":
            know(tmp_path / "sshd", proxy.port)
        bad = ran(study, url_of(kind, proxy.port, root))
        assert proxy.connections > 0
    assert bad.seconds < (DEAD if mode == "hang" else BOUND)
    print(f"{kind}, {mode}: {bad.computed} computed, {bad.brought} brought, {bad.seconds:.1f} s: {bad.said}")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("again", [False, True])
def test_a_server_that_is_killed_in_the_middle(
    kind: str, again: bool, study: Study, root: Path, request: pytest.FixtureRequest
) -> None:
    """When some values are written; then when some are read; and started again, or not."""
    server, own = server_of(kind, request), MemoryStore()
    processes: list[psutil.Process] = []

    def strike(reached: Callable[[], bool]) -> None:
        until = time.monotonic() + 30
        while not reached() and time.monotonic() < until:
            time.sleep(0.001)
        for each in processes if kind == "dav" else server.processes():  # sshd has one for each connection
            with suppress(psutil.NoSuchProcess):
                each.kill()
        server.kill()
        if again:
            server.start()

    for what, store, reached in (
        ("writing", MemoryStore(), lambda: len([*root.glob("actions/*/*")]) >= 2),
        ("reading", own, lambda: own.stats().entries >= 2),
    ):
        striking = threading.Thread(target=strike, args=(reached,))
        processes[:] = server.processes()
        striking.start()
        found = ran(study, url_of(kind, server.port, root), store)
        striking.join(60)
        if not again:
            server.start()
        assert found.seconds < BOUND
        print(f"{kind}, killed in {what}{', back' if again else ''}: {found}")
    assert ran(study, url_of(kind, server.port, root)).said == [], "what is there is right"
    with DiskStore(root) as whole:
        assert study.is_in(whole) and verify(whole).whole


def test_errors_and_slowness_of_a_web_server(study: Study, root: Path, web: Server, tmp_path: Path) -> None:
    with DiskStore(root) as own:
        study.run(own)
    broken = ran(study, url_of("broken", web.port, root))
    assert broken.computed == len(study.expected) and broken.seconds < 5
    assert len(broken.said) == 1 and "the server answers 500" in broken.said[0]
    slow = ran(study, url_of("slow", web.port, root))
    assert slow.seconds < BOUND + 1.5 * 2 * len(study.expected), "beside what counts as soon"
    print(f"slow: {slow}")


def test_who_is_not_let_in(study: Study, root: Path, web: Server, ssh: Server, tmp_path: Path) -> None:
    everything = len(study.expected)
    (tmp_path / "sshd" / "home" / ".ssh" / "known_hosts").unlink()
    for url in (
        f"dav://{NAME}:{PASSWORD}x@{LOOPBACK}:{web.port}/dav",
        f"http://{LOOPBACK}:{web.port}/private",
        sftp_url(ssh.port, root),
    ):
        found = ran(study, url)
        assert (found.computed, found.written) == (everything, 0) and found.said
        print(found.said)


def test_nobody_listens(study: Study, root: Path, web: Server) -> None:
    web.kill()
    for kind in ("dav", "published", "sftp"):
        found = ran(study, url_of(kind, web.port, root))
        assert found.computed == len(study.expected) and found.seconds < 10 and found.said
        print(f"{kind}, nobody listens: {found.seconds:.1f} s: {found.said}")


# the command


def entrack(*args: str, store: Path) -> subprocess.CompletedProcess[str]:
    command = [ENTRACK, "run", "specs/quickstart.et", *args]
    command += ["-p", "n=20", "--json", "--store", str(store)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300)


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_line(kind: str, root: Path, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    server = server_of(kind, request)
    url = url_of(kind, server.port, root)
    alone = entrack(store=tmp_path / "none")
    first, second = (entrack("--remote", url, store=tmp_path / name) for name in ("a", "b"))
    assert [alone.returncode, first.returncode, second.returncode] == [0, 0, 0], first.stderr + second.stderr
    assert PASSWORD not in first.stdout + first.stderr + second.stdout + second.stderr
    assert "0 written to it" in second.stderr and " 0 values taken" in first.stderr
    numbers = [_numbers(each.stdout) for each in (alone, first, second)]
    assert numbers[0] == numbers[1] == numbers[2]
    print(first.stderr, second.stderr)
    for place in (root, tmp_path / "a", tmp_path / "b"):
        for path in filter(Path.is_file, place.rglob("*")):
            assert PASSWORD.encode() not in path.read_bytes() and LOOPBACK.encode() not in path.read_bytes()


def _numbers(text: str) -> object:
    import json

    document = json.loads(text)
    document["provenance"] = {
        name: value for name, value in document["provenance"].items() if name not in ("computed", "found")
    }
    return document


@pytest.mark.parametrize("kind", KINDS)
def test_a_ctrl_c_while_a_server_hangs(kind: str, root: Path, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    server = server_of(kind, request)
    with proxied(server.port, "hang") as proxy:
        command = [
            ENTRACK,
            "run",
            "specs/quickstart.et",
            "--store",
            str(tmp_path / "s"),
        ]
        command += ["--remote", url_of(kind, proxy.port, root)]
        running = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True)
        until = time.monotonic() + 60
        while not proxy.connections and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.5)
        began = time.monotonic()
        os.kill(running.pid, signal.SIGINT)
        said = running.communicate(timeout=60)[1]
    left = time.monotonic() - began
    print(f"{kind}: left {left:.2f} s after Ctrl-C: {said}")
    assert running.returncode == 130 and left < 3.0 and PASSWORD not in said and "Traceback" not in said
