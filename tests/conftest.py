"""What all tests share: `strategies`, found because this file stands beside it, and the canary."""

from __future__ import annotations

from collections.abc import Iterator

import canary
import pytest

canary.watch()


@pytest.fixture(autouse=True)
def no_code_from_data() -> Iterator[None]:
    """A test in which data was about to be run has failed, whatever became of that."""
    canary.attempts.clear()
    yield
    assert not canary.attempts, canary.attempts
