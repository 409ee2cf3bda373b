"""Every promise, tried a few times. Nothing here depends on how quick the machine is."""

from __future__ import annotations

from pathlib import Path

import pytest

from stress import shared
from stress.promises import PROMISES, Promise, tried


@pytest.mark.parametrize(
    "promise", [promise for promise in PROMISES if promise.suite], ids=lambda promise: promise.name
)
def test_a_promise(promise: Promise) -> None:
    found, _ = tried(promise, promise.suite)
    assert not found.failures, "\n".join(found.failures)
    assert found.cases or "not tried" in found.note


def test_a_few_processes(tmp_path: Path) -> None:
    found = shared.by_a_few(1, 0, tmp_path)
    assert (found.cases, found.failures) == (1, ())
