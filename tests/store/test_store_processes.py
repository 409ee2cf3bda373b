"""Many processes and threads, one store. Many at once, with `gc`: tests/robustness/stress/shared.py."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from store_tools import COUNT, address, same, start, tensors

from entrack.store import DiskStore, MemoryStore, StoreBusy, collect, locks


def test_many_processes_meet_a_garbage_index(folder: Path) -> None:
    with DiskStore(folder) as store:
        store.put(address(0), tensors(0), {})
    (folder / "index/cache.db").write_bytes(b"garbage")
    workers = [start("steps", folder, 10) for _ in range(4)]
    for worker in workers:
        _, trouble = worker.communicate(timeout=300)
        assert worker.returncode == 0, trouble


def test_waiting_is_told_and_outlives_the_holder(
    folder: Path, store: DiskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "BEAT", 0.05)
    holder, waits = start("hold", folder, 1), list[float]()
    assert holder.stdout is not None and holder.stdout.readline() == "holding\n"

    def told(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            holder.kill()

    with store.computing(address(1), on_wait=told):
        assert len(waits) >= 3 and waits == sorted(waits)
    holder.communicate(timeout=300)


def test_collecting_does_not_disturb_a_computation(store: DiskStore) -> None:
    store.put(address(0), tensors(0), {})
    with store.computing(address(1)):
        store.put(address(1), tensors(1), {})
        with pytest.raises(StoreBusy, match="try again"):
            collect(store, {address(0)}, wait=0)
    assert collect(store, {address(0)}, wait=0).actions == (address(1),)


@pytest.mark.parametrize("kind", [DiskStore, MemoryStore])
def test_one_at_a_time(folder: Path, kind: type[DiskStore] | type[MemoryStore]) -> None:
    store = DiskStore(folder) if kind is DiskStore else MemoryStore()
    inside, most = [0], [0]

    def work() -> None:
        for _ in range(COUNT):
            with store.computing(address(1)):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0.001)
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
        assert not thread.is_alive()
    assert most == [1]
    with store.computing(address(1)), pytest.raises(RuntimeError, match="inside"), store.computing(address(2)):
        pass


def test_an_error_inside_is_the_callers_own(store: DiskStore) -> None:
    with pytest.raises(FileNotFoundError, match="mine"), store.computing(address(1)):
        raise FileNotFoundError("mine")
    with store.computing(address(1)):
        pass


def test_there_is_a_fixed_number_of_lock_files(folder: Path, store: DiskStore) -> None:
    for number in range(50):
        with store.computing("abc" + address(number)[3:]):
            pass
    assert sorted(path.name for path in (folder / "locks").iterdir()) == ["abc.lock", "gate.lock"]


def test_threads_share_one_store(store: DiskStore) -> None:
    trouble: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            for number in range(seed, seed + 5):
                store.put(address(number), tensors(number), {})
                assert same(store.load(address(number)), tensors(number))
        except BaseException as error:
            trouble.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
        assert not thread.is_alive()
    assert not trouble and store.index.usable
