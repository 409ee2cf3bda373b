"""Runs that are killed after a step, or interrupted in the middle of one: what was finished is kept, and the next run
goes on to the same bytes.

At random times: tests/robustness/stress/runs.py.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from e2e_world import World, entrack
from stress.children import in_a_child
from stress.runs import Clean, check_the_next_run, marking_run

from entrack.store import DiskStore


@pytest.fixture(scope="module")
def clean(world: World) -> Clean:
    return Clean.of(world)


@pytest.mark.parametrize("steps", [1, 9])
def test_killed_after_a_step(world: World, clean: Clean, tmp_path: Path, steps: int) -> None:
    def die(done: int) -> None:
        if done == steps:
            os.kill(os.getpid(), signal.SIGKILL)

    ended = in_a_child(lambda tell: marking_run(world, tmp_path / "store", tell, die))
    assert ended.killed, ended.trouble
    assert len(list(DiskStore(tmp_path / "store").addresses())) == steps
    check_the_next_run(world, tmp_path / "store", len(ended.told), clean)


# --- Ctrl-C ------------------------------------------------------------------------------------------------------

DRIVER = """
import signal, sys
# a shell starts what it runs in the background with Ctrl-C ignored
signal.signal(signal.SIGINT, signal.default_int_handler)
WHEN, COUNT = sys.argv.pop(1), 0

class Import:
    def find_spec(self, name, path=None, target=None):
        if name == WHEN:
            signal.raise_signal(signal.SIGINT)

def interrupting(forward):
    def inner(*given, **named):
        global COUNT
        COUNT += 1
        if COUNT == 20:
            try:
                signal.raise_signal(signal.SIGINT)
            except BaseException:
                if WHEN == "forward":
                    raise
        return forward(*given, **named)
    return inner

if WHEN in ("forward", "swallowed"):
    from transformers.models.llama.modeling_llama import LlamaMLP
    LlamaMLP.forward = interrupting(LlamaMLP.forward)
else:
    sys.meta_path.insert(0, Import())
from entrack.cli.main import main
main()
"""


@pytest.mark.parametrize(
    "when",
    [
        "forward",
        "swallowed",
        "torch.functional",
        "entrack.check.check",
        "entrack.analysis.build_results",
        "typer",
        "entrack.cli.fast_path",
    ],
)
def test_interrupted(world: World, clean: Clean, tmp_path: Path, when: str) -> None:
    """Ctrl-C in the middle of a forward pass, though it be swallowed there, and while modules are loaded."""
    command = [
        sys.executable,
        "-c",
        DRIVER,
        when,
        "run",
        str(world.study),
        "--store",
        str(tmp_path / "store"),
        "--threads",
        "1",
    ]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 130, ended.stderr
    assert ended.stdout == ""
    assert ended.stderr.strip().splitlines()[-1:] == [
        "interrupted: what was finished is kept; the same command goes on from there"
    ]
    if when in ("forward", "swallowed"):
        finished = len(list(DiskStore(tmp_path / "store").addresses()))
        assert 0 < finished < clean.steps
        assert entrack("run", world.study, "--store", tmp_path / "store").exit_code == 0
        check_the_next_run(world, tmp_path / "store", 0, clean)
