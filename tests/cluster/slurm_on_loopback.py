"""A Slurm of its own on loopback: a controller and one node under one folder, without systemd, munge or cgroups.

Nothing outside the folder is written, nothing listens but on 127.0.0.1, and both daemons and every job are gone at the
end. The node says that it has more processors than the machine, and two GPUs, which are `/dev/null` and `/dev/zero`.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from attrs import field, frozen

DAEMONS = ("slurmctld", "slurmd")
PROGRAMS = (*DAEMONS, "sbatch", "squeue", "scancel", "scontrol")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
LONGEST = 60
"""Seconds that anything here waits."""
CONF = """
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthType=auth/none
CredType=cred/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
MailProg=/bin/true
SlurmUser={user}
SlurmdUser={user}
ReturnToService=2
KillWait=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=loop0 NodeHostname={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=16000 Gres=gpu:2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
GPUS = "Name=gpu File=/dev/null\nName=gpu File=/dev/zero\n"


@frozen
class Slurm:
    """The Slurm that runs under `folder`. Programs that are given `environment` speak to it."""

    folder: Path
    environment: Mapping[str, str] = field(repr=False)

    def call(self, *command: str) -> str:
        """What a program of Slurm prints. Raises CalledProcessError."""
        done = subprocess.run(
            command, env={**self.environment}, capture_output=True, text=True, timeout=LONGEST, check=True
        )
        return done.stdout

    def jobs(self) -> list[str]:
        """The numbers of the jobs that wait or run."""
        return self.call("squeue", "--noheader", "--format=%i").split()


def missing() -> tuple[str, ...]:
    """The programs of Slurm that are not on this machine."""
    return tuple(name for name in PROGRAMS if shutil.which(name, path=PATH) is None)


@contextmanager
def slurm_on_loopback(folder: Path) -> Iterator[Slurm]:
    """Slurm, ready to take jobs, until the block ends."""
    slurm = _configured(folder)
    started: list[subprocess.Popen[bytes]] = []
    try:
        for command in (("slurmctld", "-D"), ("slurmd", "-D", "-N", "loop0")):
            with (folder / f"{command[0]}.log").open("wb") as log:
                started.append(subprocess.Popen(command, env={**slurm.environment}, stdout=log, stderr=log))
        _wait_until_idle(slurm)
        yield slurm
    finally:
        _stop(slurm, started)


def _configured(folder: Path) -> Slurm:
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    controller_port, node_port = _free_ports(2)
    host, user = socket.gethostname().partition(".")[0], getpass.getuser()
    (folder / "gres.conf").write_text(GPUS)
    (folder / "slurm.conf").write_text(
        CONF.format(host=host, user=user, folder=folder, controller_port=controller_port, node_port=node_port).lstrip()
    )
    own = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "SBATCH"))}
    return Slurm(folder, {**own, "SLURM_CONF": str(folder / "slurm.conf"), "PATH": PATH})


def _free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on."""
    with ExitStack() as open_ones:
        sockets = [open_ones.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def _wait_until_idle(slurm: Slurm) -> None:
    """Until the node is ready. Raises TimeoutError, with the end of what the daemons said."""
    if not happens(lambda: slurm.call("sinfo", "--noheader", "--format=%T").strip() == "idle", LONGEST):
        said = [(slurm.folder / f"{name}.log").read_text(errors="replace")[-2000:] for name in DAEMONS]
        raise TimeoutError("\n".join(["Slurm does not start", *said]))


def happens(what: Callable[[], bool], seconds: float) -> bool:
    """Whether something comes true within so many seconds; a program of Slurm that fails is asked again."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(subprocess.CalledProcessError):
            if what():
                return True
        time.sleep(0.2)
    return False


def _stop(slurm: Slurm, started: Sequence[subprocess.Popen[bytes]]) -> None:
    """Cancel what is there, end the daemons, and kill what is left of the jobs."""
    with suppress(subprocess.SubprocessError, OSError):
        slurm.call("scancel", "--signal=KILL", "--full", "--user", getpass.getuser())
        slurm.call("scancel", "--user", getpass.getuser())
        happens(lambda: not slurm.jobs(), 10)  # or the node waits for them
    for daemon in reversed(started):
        daemon.terminate()
    for daemon in started:
        try:
            daemon.wait(10)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait(10)
    for pid in _of_jobs(slurm.environment["SLURM_CONF"]):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _of_jobs(conf: str) -> Iterator[int]:
    """The processes that were started with this configuration: jobs hand their environment on."""
    wanted = f"SLURM_CONF={conf}".encode()
    for each in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if wanted in each.read_bytes().split(b"\0"):
                yield int(each.parent.name)
