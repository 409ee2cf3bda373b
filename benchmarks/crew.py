"""The crew: a worker process per contender, of which one works at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

ROOT = Path(__file__).parents[1]


class Failed(Exception):
    """A contender could not do what it was asked; the message is its own, `trace` where it came from."""

    def __init__(self, message: str, trace: str = "") -> None:
        super().__init__(message)
        self.trace = trace


@frozen
class Place:
    """Where contenders work: the folder of the world, the device, threads, and the Python in which the peers are
    installed, if there is one."""

    folder: Path
    device: str
    threads: int
    peers: Path | None


@define(eq=False)
class Hand:
    """One contender's process."""

    name: str
    process: subprocess.Popen[str]
    about: Mapping[str, Any] = field(factory=dict)

    def ask(self, do: str, **what: Any) -> dict[str, Any]:
        """The answer to one line. Raises Failed."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps({"do": do, **what}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Failed(f"{self.name}: its process ended with status {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Failed(f"{self.name}: {answer['error']}", answer["trace"])
        return answer

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


PEERS = ("transformer_lens", "pyvene")


@contextmanager
def crew(place: Place) -> Iterator[Crew]:
    """Hands that end with the block."""
    hands = Crew(place)
    try:
        yield hands
    finally:
        hands.close()


@define(eq=False)
class Crew:
    place: Place
    _hands: dict[str, Hand] = field(factory=dict)

    def hand(self, name: str) -> Hand:
        """A contender's process, started when it is first asked for. Raises Failed."""
        if name not in self._hands:
            hand = Hand(name, self._start(name))
            self._hands[name] = hand
            hand.about = hand.ask("versions")
        return self._hands[name]

    def close(self) -> None:
        for hand in self._hands.values():
            hand.close()

    def _start(self, name: str) -> subprocess.Popen[str]:
        python = self.place.peers if name in PEERS else Path(sys.executable)
        if python is None:
            raise Failed(f"{name}: no Python with the peers was named")
        threads = str(self.place.threads)
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            "HF_HUB_OFFLINE": "1",
            "TQDM_DISABLE": "1",
        }
        command = [
            str(python.absolute()),
            "-m",
            "benchmarks.worker",
            name,
            str(self.place.folder),
            self.place.device,
            threads,
        ]
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
