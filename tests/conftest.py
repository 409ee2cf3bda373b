"""What all tests share: `strategies`, found because this file stands beside it, and the canary."""

from __future__ import annotations

import os
from collections.abc import Iterator

import canary
import pytest
from hypothesis import settings

settings.register_profile("the same each time", derandomize=True)
if not os.environ.get("ENTRACK_LAWS"):  # `make laws` draws anew
    settings.load_profile("the same each time")

os.environ["ENTRACK_TRACEBACK"] = "1"  # a mistake in entrack is told in full, here and in what tests start
for kept in ("CHECKS", "FIGURES", "PROMPTS", "RUNS"):
    os.environ[f"ENTRACK_{kept}"] = ""  # all is made anew: what was kept by another run decides no test


def pytest_configure(config: pytest.Config) -> None:
    """The canary watches in every process that runs tests: a process that only hands them out (`-n 2`) starts
    others."""
    if not config.getoption("numprocesses", None) or hasattr(config, "workerinput"):
        canary.watch()
    if hasattr(config, "workerinput"):
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # the processes share the cores


@pytest.fixture(autouse=True)
def no_code_from_data() -> Iterator[None]:
    """A test in which data was about to be run has failed, whatever became of that."""
    canary.attempts.clear()
    yield
    assert not canary.attempts, canary.attempts
