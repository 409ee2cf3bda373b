"""Results that a lab shares: what is right comes and goes, what is wrong is refused and said, and whatever a remote
does, nothing but the value or None comes of it, soon."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path
from types import FrameType

import fsspec
import numpy as np
import pytest
from attrs import evolve
from remote_tools import FAULTS, HURRIED, FaultyPlace, Lab, lab, written
from safetensors.numpy import save
from store_tools import address, same, tensors

from entrack.errors import ArgumentError
from entrack.store import Action, DiskStore, MemoryStore, StoreError, action_codec, verify
from entrack.store.base import json_bytes
from entrack.store.remote_folder import FolderPlace
from entrack.store.remote_fsspec import FsspecPlace
from entrack.store.remote_open import place_of
from entrack.store.remote_patience import Patience
from entrack.store.remote_place import Place, action_name, object_name
from entrack.store.remote_url import KINDS, remote_url

VALUES = 5


def shared(values: int = VALUES) -> FaultyPlace:
    """A remote with values in it."""
    place = FaultyPlace()
    assert written(MemoryStore(), place, ((address(number), tensors(number)) for number in range(values))) == []
    return place


def found(there: Lab, values: int = VALUES) -> list[bool]:
    """Which values are there, and right."""
    return [same(there.has(address(number)), tensors(number)) for number in range(values)]


def test_what_one_machine_computes_another_finds() -> None:
    place, own = shared(), MemoryStore()
    other = lab(own, place)
    with other.store:
        assert found(other) == [True] * VALUES
    assert other.said == [] and other.store.brought == VALUES
    place.files.clear()
    assert all(same(own.load(address(number)), tensors(number)) for number in range(VALUES)), (
        "it is as if it had been there"
    )


def test_a_remote_has_the_layout_of_a_store(tmp_path: Path) -> None:
    """Each is the other: a store that is copied somewhere is a remote, and a remote that is copied is a store."""
    folder = tmp_path / "lab"
    folder.mkdir()
    with lab(MemoryStore(), FolderPlace(str(folder))).store as store:  # type: ignore[arg-type]
        for number in range(VALUES):
            store.put(address(number), tensors(number), {"seconds": number})
    with DiskStore(folder) as read:
        assert verify(read).whole and verify(read).actions == VALUES
        assert all(same(read.load(address(number)), tensors(number)) for number in range(VALUES))
    with DiskStore(tmp_path / "own") as own:
        own.put(address("one"), tensors(3), {})
    shutil.copytree(tmp_path / "own", tmp_path / "published", ignore=shutil.ignore_patterns("index", "locks"))
    other = lab(MemoryStore(), FolderPlace(str(tmp_path / "published")))  # type: ignore[arg-type]
    assert same(other.has(address("one")), tensors(3)) and other.said == []


@pytest.mark.parametrize("kind", ["memory", "local", "put whole"])
def test_a_file_system_of_fsspec(kind: str, tmp_path: Path) -> None:
    url = remote_url(f"memory://{tmp_path}")
    place = place_of(url)
    if kind == "local":
        place._fs, place._root = fsspec.filesystem("file"), str(tmp_path)  # type: ignore[attr-defined]
    assert isinstance(place, FsspecPlace)
    if kind == "put whole":
        place._kind = evolve(place._kind, renames=False)
    assert place.read("objects/ab/c", 10, lambda: None) is None and place.size("objects/ab/c") is None
    place.write("objects/ab/c", bytes(10_000))
    place.write("objects/ab/c", bytes(range(200)))
    assert place.size("objects/ab/c") == 200
    assert place.read("objects/ab/c", 200, lambda: None) == bytes(range(200))
    assert place.read("objects/ab/c", 10, lambda: None) == bytes(range(11)), "no more than one byte too many"
    fs = place._fs
    assert [os.path.basename(name) for name in fs.ls(f"{place._root}/objects/ab", detail=False)] == ["c"]


def test_a_value_is_written_once_and_its_object_first() -> None:
    place = shared(1)
    name = object_name(MemoryStore().put(address(0), tensors(0), {}).object)
    writes = [asked for asked in place.asked if asked.startswith("write")]
    assert writes == ["write format.json", f"write {name}", f"write {action_name(address(0))}"]
    place.asked.clear()
    assert written(MemoryStore(), place, [(address(0), tensors(0)), (address("other"), tensors(0))]) == []
    assert [asked for asked in place.asked if asked.startswith("write")] == [f"write {action_name(address('other'))}"]


def test_a_remote_that_is_only_read_is_given_nothing() -> None:
    place = shared(1)
    before, there = dict(place.files), lab(MemoryStore(), place, read_only=True)
    with there.store:
        there.store.put(address("more"), tensors(1), {})
        assert same(there.has(address(0)), tensors(0))
    assert place.files == before and there.said == []


def test_nothing_is_asked_twice() -> None:
    place = shared(1)
    there = lab(MemoryStore(), place)
    place.asked.clear()
    for _ in range(3):
        assert there.has(address("nowhere")) is None
    assert place.asked == ["read format.json", f"read {action_name(address('nowhere'))}"]


# what is wrong


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("at", [1, 2])
def test_a_file_that_does_not_come_as_it_is(fault: str, at: int) -> None:
    """Of an action (1) or its object (2): this value is not there, the next one is."""
    place = shared(2)
    place.faults = iter([None] * at + [fault])
    there = lab(MemoryStore(), place)
    assert there.has(address(0)) is None
    assert same(there.has(address(1)), tensors(1)), "the remote is still asked"
    assert len(there.said) == (fault not in ("hangs", "refuses", "500", "forbids", "breaks off"))
    assert there.has(address(0)) is None or not there.said, "what was refused is not asked for again"
    assert not any("secret" in line for line in there.said)


def planted(place: FaultyPlace, number: int, action: Action, data: bytes | None = None) -> None:
    place.files[action_name(address(number))] = action_codec.encode(action)
    if data is not None:
        place.files[object_name(action.object)] = data


def of(data: bytes, number: int = 0, size: int | None = None) -> Action:
    import hashlib

    return Action(address(number), hashlib.sha256(data).hexdigest(), len(data) if size is None else size)


def other_address(place: FaultyPlace) -> None:
    place.files[action_name(address(0))] = place.files[action_name(address(1))]


def no_tensors(place: FaultyPlace) -> None:
    planted(place, 0, of(b"no tensors"), b"no tensors")


def foreign_bytes(place: FaultyPlace) -> None:
    """Tensors that are whole, and not written as we write them."""
    data = save({"effect": np.zeros(3, "float32")}, metadata={"a": "stranger"})
    planted(place, 0, of(data), data)


def huge(place: FaultyPlace) -> None:
    planted(place, 0, of(b"", size=10**15))


def another_size(place: FaultyPlace) -> None:
    data = place.files[object_name(of_value(0))]
    planted(place, 0, Action(address(0), of_value(0), len(data) + 1))


def of_value(number: int) -> str:
    return MemoryStore().put(address(number), tensors(number), {}).object


def no_object(place: FaultyPlace) -> None:
    del place.files[object_name(of_value(0))]


def more_keys(place: FaultyPlace) -> None:
    body = json.loads(place.files[action_name(address(0))])
    place.files[action_name(address(0))] = json_bytes({**body, "more": "../../etc/passwd"})


def a_path(place: FaultyPlace) -> None:
    body = json.loads(place.files[action_name(address(0))])
    place.files[action_name(address(0))] = json_bytes({**body, "object": "../../../../etc/passwd"})


@pytest.mark.parametrize(
    "harm", [other_address, no_tensors, foreign_bytes, huge, another_size, no_object, more_keys, a_path]
)
def test_what_is_wrong_is_refused_said_once_and_mended(harm: Callable[[FaultyPlace], None]) -> None:
    place = shared(2)
    right = dict(place.files)
    harm(place)
    own = MemoryStore()
    there = lab(own, place)
    with there.store:
        assert [there.has(address(0)) for _ in range(3)] == [None] * 3
        assert len(there.said) == 1 and address(0) in there.said[0] and "lab/" in there.said[0]
        assert same(there.has(address(1)), tensors(1)) and own.find(address(0)) is None
        there.store.put(address(0), tensors(0), {})
    assert {name: place.files[name] for name in right} == right, "what is computed instead is written over it"
    assert all(asked.split()[1].split("/")[0] in ("format.json", "actions", "objects") for asked in place.asked)


def test_no_more_is_read_than_the_value_may_have() -> None:
    place = shared(1)
    place.asked.clear()
    there = lab(MemoryStore(), place)
    assert there.has(address(0), most=10) is None
    assert "more than the 10" in there.said[0] and not any("objects" in asked for asked in place.asked)


def test_a_value_that_is_not_what_its_step_gives_is_refused_before_it_is_kept() -> None:
    place, own = shared(1), MemoryStore()
    there = lab(own, place)
    assert there.has(address(0), lambda value: "it holds a surprise") is None
    assert "it holds a surprise" in there.said[0] and own.find(address(0)) is None


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (b'{"entrack_store":3}\n', "has the format 3"),
        (b'{"entrack_store":1}\n', "has the format 1"),
        (b"[" * 4096, "none that entrack writes"),
        (b'{"entrack_store":true}', "none that entrack writes"),
        (bytes(10_000), "none that entrack writes"),
    ],
)
def test_a_remote_of_another_format_is_left_alone(form: bytes, said: str) -> None:
    place = shared(1)
    place.files["format.json"] = form
    before, there = dict(place.files), lab(MemoryStore(), place)
    with there.store:
        there.store.put(address("more"), tensors(2), {})
        assert found(there, 1) == [False]
    assert place.files == before and said in there.said[0]
    assert len(there.said) == 2 and there.said[1].startswith("1 value was not written to the remote lab: ")


def test_a_published_folder_that_is_none_is_said() -> None:
    there = lab(MemoryStore(), FaultyPlace(), read_only=True)
    assert there.has(address(0)) is None and there.has(address(1)) is None
    assert there.said == ["the remote lab is no store of entrack: it has no format.json"]


# what fails


@pytest.mark.parametrize("fault", ["hangs", "refuses", "500", "forbids", "breaks off"])
def test_a_remote_that_goes_on_failing_is_left_alone(fault: str) -> None:
    place = shared(1)
    place.faults, began = repeat(fault), time.monotonic()
    there = lab(MemoryStore(), place)
    with there.store:
        assert found(there, 50) == [False] * 50
    assert time.monotonic() - began < 2.0 and len(place.asked) - 6 <= 3 + 3
    assert len(there.said) == 1 and "is left alone for the rest of this run" in there.said[0]
    assert "secret" not in there.said[0]


def test_a_remote_that_gives_wrong_values_only_is_left_alone() -> None:
    place = shared(40)
    place.files = {name: b"wrong" if name.startswith("objects") else data for name, data in place.files.items()}
    there = lab(MemoryStore(), place)
    found(there, 40)
    assert len(there.said) == HURRIED.wrong + 1 and "the last 20 values that it gave were wrong" in there.said[-1]


def test_failures_and_slow_answers_have_a_limit_together() -> None:
    place = shared(1)
    place.faults = iter(["refuses", None] * 100)
    there = lab(MemoryStore(), place, patience=Patience(lost=0.0, pause=0.0))
    assert there.has(address(0)) is None
    assert len(there.said) == 1 and "waiting for it has taken 0 s" in there.said[0]
    slow = lab(MemoryStore(), shared(1), patience=Patience(soon=-1.0, connecting=0.0, lost=0.5))
    slow.has(address(0)), slow.has(address(1))
    assert "it answers slowly" in slow.said[0]


@pytest.mark.parametrize("fault", ["hangs", "refuses", "500", "forbids", "breaks off", "full"])
def test_what_cannot_be_written_is_counted(fault: str) -> None:
    place, own = shared(0), MemoryStore()
    place.refuse_writing, began = fault, time.monotonic()
    said = written(own, place, ((address(number), tensors(number)) for number in range(9)))
    assert time.monotonic() - began < 3.0
    assert len(said) == 1 and said[0].startswith("9 values were not written to the remote lab: ")
    assert said[0].endswith("; the own store has them") and "secret" not in said[0]
    assert own.stats().entries == 9


def test_what_failed_once_is_written_again() -> None:
    place = FaultyPlace(faults=iter(["500", None, None, "refuses"]))
    assert written(MemoryStore(), place, ((address(number), tensors(number)) for number in range(4))) == []
    assert found(lab(MemoryStore(), place), 4) == [True] * 4


def test_a_server_that_restarts_is_not_given_up() -> None:
    """It refuses for a moment, within which many values are asked for and written."""
    place, began = shared(30), time.monotonic()
    there = lab(MemoryStore(), place, patience=Patience(pause=0.2))
    assert found(there, 1) == [True]

    def refusing() -> Iterator[str | None]:
        while time.monotonic() - began < 0.15:
            yield "refuses"

    place.faults = refusing()
    with there.store:
        for number in range(1, 30):
            assert there.has(address(number)) is None
            there.store.put(address((number, "new")), tensors(number), {})
        time.sleep(0.5)
        assert all(found(there, 30))
    assert there.said == ["the remote lab could not always be asked: Connection refused"]
    assert there.store.written == 29


@pytest.mark.parametrize("where", ["reading", "the end"])
def test_an_interrupt_is_prompt(where: str) -> None:
    place = shared(1)
    place.faults = repeat("hangs")
    there = lab(MemoryStore(), place, patience=Patience())

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt), there.store:
            there.store.put(address("more"), tensors(1), {})
            if where == "reading":
                there.has(address(0))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - began < 1.0
    assert there.said == ["1 value was not written to the remote lab: it was broken off; the own store has them"]


def test_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    there = lab(MemoryStore(), shared(1))
    monkeypatch.setattr(threading.Thread, "start", start)
    with there.store:
        there.store.put(address("more"), tensors(1), {})
        assert found(there, 3) == [False] * 3
    assert "left alone" in there.said[0] and "1 value was not written" in there.said[1] and len(there.said) == 2


def test_many_threads_share_one() -> None:
    place = shared(30)
    there = lab(MemoryStore(), place, patience=Patience())
    with there.store, ThreadPoolExecutor(8) as pool:
        looked = [pool.submit(there.has, address(number % 40)) for number in range(160)]
        put = [pool.submit(there.store.put, address((number, "new")), tensors(number), {}) for number in range(40)]
        assert sum(each.result(60) is not None for each in looked) == 120
        assert len({each.result(60).address for each in put}) == 40
    assert there.said == [] and there.store.written == 40
    other = lab(MemoryStore(), place)
    assert all(same(other.has(address((number, "new"))), tensors(number)) for number in range(40))


# a folder


def links(folder: Path, kind: str) -> None:
    place = folder / (action_name(address(0)) if "action" in kind else object_name(of_value(0)))
    place.unlink()
    outside = folder.parent / "outside"
    outside.mkdir()
    match kind.split()[-1]:
        case "link":
            place.symlink_to("/etc/passwd")
        case "pipe":
            os.mkfifo(place)
        case "folder":
            place.mkdir()
        case _:
            shutil.rmtree(place.parent)
            place.parent.symlink_to(outside)


@pytest.mark.parametrize(
    "kind", [f"{what} {kind}" for what in ("action", "object") for kind in ("link", "pipe", "dir")]
)
def test_no_link_in_a_folder_is_followed(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    with DiskStore(folder) as store:
        store.put(address(0), tensors(0), {})
    links(folder, kind)
    there = lab(MemoryStore(), FolderPlace(str(folder)), patience=Patience())  # type: ignore[arg-type]
    with there.store:
        assert there.has(address(0)) is None
        there.store.put(address(0), tensors(0), {})
    assert list((tmp_path / "outside").iterdir()) == [], "nothing was written through the link"
    again = lab(MemoryStore(), FolderPlace(str(folder)))  # type: ignore[arg-type]
    assert same(again.has(address(0)), tensors(0)) == (not kind.endswith("dir")), "a link is replaced by the right file"


def test_a_folder_that_is_not_mounted_is_not_made(tmp_path: Path) -> None:
    there = lab(MemoryStore(), FolderPlace(str(tmp_path / "mnt")))  # type: ignore[arg-type]
    with there.store:
        there.store.put(address(0), tensors(0), {})
        assert found(there) == [True, False, False, False, False]
    assert not (tmp_path / "mnt").exists()
    assert "left alone" in there.said[0] and "1 value was not written" in there.said[1]
    assert "there is no such folder: mount it, or make it once (mkdir)" in there.said[0]


# URLs


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ada:secret@lab.org/results", "https://lab.org/results"),
        ("sftp://ada:sec%40ret@lab.org:22/results/", "sftp://lab.org:22/results/"),
        ("davs://ada:secret@[::1]:8080/x", "davs://[::1]:8080/x"),
        ("s3://bucket/results", "s3://bucket/results"),
        ("file:///srv/lab%20results", "file:///srv/lab%20results"),
        ("/srv/lab", "/srv/lab"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    read = remote_url(url)
    assert read.shown == shown
    assert "secret" not in repr(read) and "ada" not in repr(read)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://ada:secret@host/x",
        "simplecache::https://ada:secret@host/x",
        "zip://x::https://ada:secret@host/x.zip",
        "https://ada:secret@host/x::y",
        "https://ada:secret@host/x?key=secret",
        "https://ada:secret@host/x#secret",
        "https://ada:secret@/x",
        "https://ada:secret@[host/x",
        "reference://x",
        "",
    ],
)
def test_a_url_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ArgumentError) as error:
        remote_url(url)
    assert "secret" not in str(error.value) and error.value.__cause__ is None


def test_where_a_folder_is_and_a_dav_server() -> None:
    assert remote_url("file:///srv/lab%20results").folder == "/srv/lab results"
    assert remote_url("dav://h:1/x").web == ("http://h:1/x", None)
    assert remote_url("webdavs://ada:sec%40ret@h/x").web == ("https://h/x", ("ada", "sec@ret"))
    assert "memory" in KINDS and not KINDS["https"].writable


def test_a_package_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrack.store.remote_open.find_spec", lambda name: None)
    with pytest.raises(StoreError, match="needs the package s3fs, which is not installed: pip install s3fs"):
        place_of(remote_url("s3://ada:secret@bucket/x"))
    with pytest.raises(StoreError, match=r"sshfs, .* pip install 'entrack\[remote\]'"):
        place_of(remote_url("sftp://ada:secret@host/x"))


def test_a_folder_needs_no_fsspec(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "fsspec", None)
    place: Place = place_of(remote_url(tmp_path))
    place.write("format.json", b"x")
    assert place.read("format.json", 9, lambda: None) == b"x"


def test_threads_that_hang_end_with_the_process() -> None:
    there = lab(MemoryStore(), FaultyPlace(faults=repeat("hangs")))
    assert there.has(address(0)) is None
    hanging = [thread for thread in threading.enumerate() if "run" in thread.name]
    assert hanging and all(thread.daemon for thread in hanging)
