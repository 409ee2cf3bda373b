"""Servers of this machine for the tests of remotes, on loopback and under a temporary folder: nginx with WebDAV, sshd,
and a proxy before either that does harm."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import psutil
from attrs import define, field

LOOPBACK = "127.0.0.1"
NAME, PASSWORD = "ada", "s3cret-word"
DAV_MODULE = "modules/ngx_http_dav_ext_module.so"
NGINX = """
daemon off; master_process on; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/error.log; {user}
load_module {modules}/{dav_module};
events {{ worker_connections 256; }}
http {{
  access_log off; client_max_body_size 0; default_type application/octet-stream;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port}; root {root};
    location /dav/ {{
      alias {root}/; auth_basic lab; auth_basic_user_file {folder}/users;
      dav_methods PUT DELETE MKCOL COPY MOVE; dav_ext_methods PROPFIND OPTIONS; create_full_put_path on;
    }}
    location /published/ {{ alias {root}/; }}
    location /private/ {{ alias {root}/; auth_basic lab; auth_basic_user_file {folder}/users; }}
    location /broken/ {{ return 500; }}
    location /slow/ {{ alias {root}/; limit_rate 300; }}
  }}
}}
"""
SSHD = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
PidFile {folder}/sshd.pid
AuthorizedKeysFile {folder}/home/.ssh/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
Subsystem sftp internal-sftp
"""


def free_port() -> int:
    with closing(socket.socket()) as one:
        one.bind((LOOPBACK, 0))
        return int(one.getsockname()[1])


def missing() -> str:
    """What these tests need and this machine does not have; empty where it has all."""
    programs = [name for name in ("nginx", "sshd", "ssh-keygen") if _program(name) is None]
    module = [] if _modules() else [f"nginx's {DAV_MODULE}"]
    packages = [name for name in ("httpx", "sshfs") if not installed(name)]
    return ", ".join([*programs, *module, *packages])


def installed(package: str) -> bool:
    return find_spec(package) is not None


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def _modules() -> str:
    return next((place for place in ("/usr/lib/nginx", "/usr/share/nginx") if Path(place, DAV_MODULE).exists()), "")


@define
class Server:
    """A program that listens; it can be killed and started again."""

    command: list[str]
    port: int
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.running = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with suppress(OSError), closing(socket.create_connection((LOOPBACK, self.port), 1)):
                return
            time.sleep(0.05)
        raise RuntimeError(f"{self.command[0]} does not listen")

    def processes(self) -> list[psutil.Process]:
        """Itself, which would replace the others, and those that serve connections."""
        if self.running is None:
            return []
        own = psutil.Process(self.running.pid)
        return [own, *own.children(recursive=True)]

    def kill(self) -> None:
        """At once."""
        if self.running is not None:
            for each in self.processes():
                with suppress(psutil.NoSuchProcess):
                    each.kill()
            self.running.wait(20)
            self.running = None


@contextmanager
def started(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.kill()


def nginx(folder: Path, root: Path) -> Server:
    """WebDAV under /dav/ with a password, and the same files under /published/, /private/, /slow/."""
    folder.mkdir()
    port = free_port()
    (folder / "users").write_text(f"{NAME}:{{PLAIN}}{PASSWORD}\n", encoding="utf-8")
    user = "user root;" if os.geteuid() == 0 else ""
    text = NGINX.format(folder=folder, root=root, port=port, user=user, modules=_modules(), dav_module=DAV_MODULE)
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    return Server([str(_program("nginx")), "-p", str(folder), "-c", str(folder / "nginx.conf")], port)


def sshd(folder: Path) -> Server:
    """Lets in whoever has the key of `folder`/home, where the server's own key is known, too."""
    home = folder / "home" / ".ssh"
    home.mkdir(parents=True)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    port = free_port()
    for key in (folder / "host", home / "id_ed25519"):
        make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
        subprocess.run(make, check=True, timeout=60)
    shutil.copy(home / "id_ed25519.pub", home / "authorized_keys")
    (folder / "sshd_config").write_text(SSHD.format(folder=folder, port=port), encoding="utf-8")
    return Server([str(_program("sshd")), "-D", "-e", "-f", str(folder / "sshd_config")], port)


def know(folder: Path, port: int) -> None:
    """The server's key is known for this port: the ssh of `folder`/home trusts it."""
    key = (folder / "host.pub").read_text(encoding="utf-8")
    (folder / "home" / ".ssh" / "known_hosts").write_text(f"[{LOOPBACK}]:{port} {key}", encoding="utf-8")


def sftp_url(port: int, folder: Path) -> str:
    return f"sftp://{getpass.getuser()}@{LOOPBACK}:{port}{folder}"


@define
class Proxy:
    """Hands bytes through, and does harm: `mode` is `pass`, `hang` (nothing comes back), `drip` (a byte at a time),
    `refuse` (the connection is closed), `cut` (closed after `after` bytes) or `garble` (bytes are changed)."""

    target: int
    mode: str = "pass"
    after: int = 600
    port: int = field(factory=free_port)
    connections: int = 0
    _open: bool = True

    def serve(self, listening: socket.socket) -> None:
        while self._open:
            try:
                client, _ = listening.accept()
            except OSError:
                continue
            self.connections += 1
            if self.mode == "refuse":
                client.close()
                continue
            server = socket.create_connection((LOOPBACK, self.target), 5)
            for one, other, back in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._hand, args=(one, other, back), daemon=True).start()

    def _hand(self, one: socket.socket, other: socket.socket, back: bool) -> None:
        came = 0
        with suppress(OSError), closing(one), closing(other):
            while data := one.recv(1 << 16):
                came += len(data)
                if back and not self._handed_back(other, data, came):
                    return
                if not back:
                    other.sendall(data)

    def _handed_back(self, other: socket.socket, data: bytes, came: int) -> bool:
        """Whether the connection stays."""
        match self.mode:
            case "hang":
                time.sleep(30)
                return False
            case "drip":
                for byte in data:
                    other.sendall(bytes([byte]))
                    time.sleep(0.2)
            case "cut" if came > self.after:
                other.sendall(data[: max(0, len(data) - (came - self.after))])
                return False
            case "garble":
                other.sendall(data[:-2] + bytes(byte ^ 1 for byte in data[-2:]))
            case _:
                other.sendall(data)
        return True


@contextmanager
def proxied(target: int, mode: str = "pass", after: int = 600) -> Iterator[Proxy]:
    proxy = Proxy(target, mode, after)
    with closing(socket.create_server((LOOPBACK, proxy.port))) as listening:
        listening.settimeout(0.2)
        thread = threading.Thread(target=proxy.serve, args=(listening,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy._open = False
            thread.join(5)
