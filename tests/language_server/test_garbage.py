"""Garbage is looked for while the editor asks for nothing."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest

from entrack.language_server import garbage
from entrack.language_server.garbage import Garbage


@pytest.fixture
def collecting() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.mark.usefixtures("collecting")
def test_old_values_are_never_looked_at_in_an_answer() -> None:
    Garbage().begin()
    new, *older = gc.get_threshold()
    assert new <= 10_000
    assert min(older) > 1_000_000


def test_all_values_are_looked_at_once_after_the_last_of_many_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[float] = []
    monkeypatch.setattr(garbage, "QUIET", 0.02)
    monkeypatch.setattr(gc, "collect", lambda: times.append(asyncio.get_running_loop().time()))

    async def changes() -> float:
        kept, now = Garbage(), asyncio.get_running_loop().time()
        for _ in range(3):
            kept.put_off()
        await asyncio.sleep(0.1)
        return now

    before = asyncio.run(changes())
    assert len(times) == 1
    assert times[0] >= before + 0.02
