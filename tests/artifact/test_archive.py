"""The file of a pack: one way to write it, and nothing else is read. Forty packs of strangers, each refused by name."""

from __future__ import annotations

import os
import re
import stat
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from entrack.artifact.archive import CENTRAL, END, LOCAL, opened, written
from entrack.artifact.errors import PackRefused
from entrack.artifact.names import MANIFEST
from entrack.artifact.pack import manifest
from entrack.artifact.verify import verified

HERE = {
    "README.md": b"# A pack\n",
    "pack.json": b"{}\n",
    "results.json": b"{}\n",
    "spec/a.et": b"entrack 1\n",
    "spec/b/c.csv": b"x\n1\n",
}
GOOD = {**HERE, MANIFEST: manifest(HERE)}
Make = Callable[[], bytes]


def zipped(change: Callable[[zipfile.ZipFile], None], more: dict[str, bytes] = GOOD, method: int = 0) -> bytes:
    """An archive by the library, made as a stranger would."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in more.items():
            archive.writestr(name, data)
        change(archive)
    return stream.getvalue()


def as_ours(members: dict[str, bytes]) -> bytes:
    """The archive of members whose names may be anything, in the order given, otherwise as we write it."""
    from entrack.artifact import archive

    pieces, directory, at = [], [], 0
    for name, data in members.items():
        raw = name.encode("utf-8", errors="surrogateescape")
        head = LOCAL.pack(b"PK\3\4", 20, 0x800, 0, 0, 0x21, zlib.crc32(data), len(data), len(data), len(raw), 0) + raw
        sizes = zlib.crc32(data), len(data), len(data), len(raw), 0, 0, 0, 0
        directory.append(CENTRAL.pack(b"PK\1\2", 0x314, 20, 0x800, 0, 0, 0x21, *sizes, archive.MODE, at) + raw)
        pieces += [head, data]
        at += len(head) + len(data)
    ends = b"".join(directory)
    many = len(members)
    return b"".join([*pieces, ends, END.pack(b"PK\5\6", 0, 0, many, many, len(ends), at, 0)])


def named(name: str) -> Make:
    """A pack with one more member, of this name."""
    members = dict(sorted({**GOOD, name: b"x"}.items(), key=lambda item: item[0].encode(errors="surrogateescape")))
    return lambda: as_ours(members)


def patched(place: Callable[[bytes], int], data: bytes) -> Make:
    """A good pack with some bytes overwritten."""

    def make() -> bytes:
        good = bytearray(written(GOOD))
        at = place(bytes(good))
        good[at : at + len(data)] = data
        return bytes(good)

    return make


def directory(data: bytes, member: int = 0) -> int:
    """Where the entry of a member begins in the list."""
    at: int = END.unpack(data[-END.size :])[6]
    for _ in range(member):
        at += CENTRAL.size + struct.unpack_from("<H", data, at + 28)[0]
    return at


def link(archive: zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("spec/link")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(entry, "/etc/passwd")


def device(archive: zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("spec/device")
    entry.external_attr = (stat.S_IFCHR | 0o666) << 16
    archive.writestr(entry, "")


def nested() -> bytes:
    bomb = zipped(lambda archive: archive.writestr("spec/z", b"\0" * (50 << 20)), {}, zipfile.ZIP_DEFLATED)
    return zipped(lambda archive: archive.writestr("spec/bomb.zip", bomb))


def overlapping() -> bytes:
    """A second entry in the list for the bytes of the first, as in the overlapping bombs of D. Fifield (2019)."""
    data = written(GOOD)
    first = directory(data)
    copy = bytearray(data[first : directory(data, 1)])
    body, ends, end = data[:first], data[first : -END.size], data[-END.size :]
    many, length = END.unpack(end)[4] + 1, len(ends) + len(copy)
    return body + ends + bytes(copy) + END.pack(b"PK\5\6", 0, 0, many, many, length, first, 0)


def reversed_order() -> bytes:
    return as_ours(dict(reversed(GOOD.items())))


def same_twice() -> bytes:
    data = as_ours({"README.md": b"a", "README.mD": b"b"})
    return data.replace(b"README.mD", b"README.md")


def zip64() -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive, archive.open("spec/a.et", "w", force_zip64=True) as member:
        member.write(b"entrack 1\n")
    return stream.getvalue()


def many_members() -> bytes:
    return as_ours({f"spec/{number:06}": b"" for number in range(60_010)})


HOSTILE: dict[str, tuple[Make, str]] = {
    "nothing": (lambda: b"", "too short"),
    "a text": (lambda: b"entrack 1\n" * 20, "does not end"),
    "only the end of one": (lambda: END.pack(b"PK\5\6", 0, 0, 0, 0, 0, 0, 0), MANIFEST),
    "cut in the middle": (lambda: written(GOOD)[:-200], "does not end"),
    "cut at the front": (lambda: written(GOOD)[10:], "not as long"),
    "prepended data": (lambda: b"#!/bin/sh\n" + written(GOOD), "not as long"),
    "appended data": (lambda: written(GOOD) + b"\0" * 30, "does not end"),
    "a comment": (lambda: zipped(lambda archive: setattr(archive, "comment", b"hello")), "does not end"),
    "by another writer": (lambda: zipped(lambda archive: None), "not in its order|not listed"),
    "deflated": (lambda: zipped(lambda archive: None, GOOD, zipfile.ZIP_DEFLATED), "compressed"),
    "a bomb": (
        lambda: zipped(lambda archive: archive.writestr("spec/z", b"\0" * (100 << 20)), {}, zipfile.ZIP_DEFLATED),
        "compressed",
    ),
    "a bomb by another method": (
        lambda: zipped(lambda archive: archive.writestr("spec/z", b"\0" * (20 << 20)), {}, zipfile.ZIP_LZMA),
        "compressed",
    ),
    "a nested bomb": (nested, "not listed|not in its order"),
    "zip64": (zip64, "not listed"),
    "a link": (lambda: zipped(link, {}), "no regular file"),
    "a device": (lambda: zipped(device, {}), "no regular file"),
    "a folder": (lambda: zipped(lambda archive: archive.mkdir("spec/x"), {}), "no regular file|does not lie"),
    "encrypted": (patched(lambda data: directory(data) + 8, b"\x01\x08"), "encrypted"),
    "another method in the list": (patched(lambda data: directory(data) + 10, b"\x08\x00"), "compressed"),
    "another size in the list": (patched(lambda data: directory(data) + 20, b"\xff\xff\x00\x00"), "compressed"),
    "another place in the list": (patched(lambda data: directory(data, 1) + 42, b"\x00\x00\x00\x00"), "does not begin"),
    "an extra field": (patched(lambda data: directory(data) + 30, b"\x04\x00"), "not listed"),
    "another disk": (patched(lambda data: directory(data) + 34, b"\x01\x00"), "not listed"),
    "a date": (patched(lambda data: directory(data) + 14, b"\x21\x5c"), "not listed"),
    "another name at its place": (patched(lambda data: LOCAL.size, b"X"), "another thing"),
    "another method at its place": (patched(lambda data: 8, b"\x08\x00"), "another thing"),
    "more members than there are": (patched(lambda data: len(data) - 14, b"\x09\x00\x09\x00"), "not as long"),
    "fewer members than there are": (patched(lambda data: len(data) - 14, b"\x02\x00\x02\x00"), "not as long"),
    "a list that begins elsewhere": (patched(lambda data: len(data) - 6, b"\x00\x00\x00\x00"), "not as long"),
    "overlapping members": (overlapping, "twice"),
    "members out of order": (reversed_order, "order"),
    "a member twice": (same_twice, "twice"),
    "too many members": (many_members, "not as long|is none"),
    "a way out": (named("spec/../../etc/passwd"), "inside"),
    "a way out at the front": (named("../x"), "inside"),
    "an absolute name": (named("/etc/passwd"), "inside"),
    "an empty part": (named("spec//x"), "inside"),
    "a backslash": (named("spec\\..\\x"), "characters"),
    "a drive": (named("C:x"), "characters"),
    "a control": (named("spec/a\x1b[2Jb"), "characters"),
    "a hidden character": (named("spec/a\u200bb"), "characters"),
    "text that runs the other way": (named("spec/a\u202etxt.et"), "characters"),
    "letters that are not composed": (named("spec/e\u0301.csv"), "characters"),
    "no UTF-8": (named("spec/\udcff"), "UTF-8"),
    "another case": (named("spec/A.et"), "one file"),
    "another width": (named("spec/ａ.et"), "one file"),
    "a case in a folder": (named("spec/B/d.csv"), "one file"),
    "a member in a file": (named("spec/a.et/x"), "in a file"),
    "a device of Windows": (named("spec/NUL.csv"), "some systems"),
    "a dot at the end": (named("spec/x."), "some systems"),
    "a name that no pack has": (named("setup.py"), "none that a pack has"),
    "an outcome that is none": (named("outcomes/x.pkl"), "none that a pack has"),
    "a long name": (named("spec/" + "x" * 5000), "too long"),
    "many folders": (named("spec/" + "x/" * 300 + "y"), "too long"),
    "a member that is too large": (lambda: as_ours({"pack.json": b" " * (2 << 20)}), "more than such a file"),
    "not in the manifest": (named("spec/zzz"), "not in the manifest"),
    "in the manifest only": (
        lambda: written({**GOOD, MANIFEST: manifest({**HERE, "spec/gone": b""})}),
        "is in the manifest, and not in the pack",
    ),
    "no manifest": (lambda: written(HERE), MANIFEST),
    "a manifest of lies": (lambda: written({**HERE, MANIFEST: b"hello\n"}), "names no file"),
}


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for what would be written outside, and for temporary files."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.chdir(tmp_path / "tmp")
    return tmp_path


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_pack_is_refused_by_name(kind: str, elsewhere: Path) -> None:
    make, why = HOSTILE[kind]
    path = elsewhere / "pack.etz"
    path.write_bytes(make())
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(PackRefused, match=why) as refused:
        archive = opened(path)
        try:
            verified(archive, "0" * 64)
        finally:
            archive.close()
    seconds, most = time.process_time() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 2
    assert most < 300 << 20
    assert not re.search(r"[\x00-\x1f\x7f\u200b\u202e]", str(refused.value)), "what it says can be shown"
    assert sorted(path.name for path in elsewhere.rglob("*")) == ["pack.etz", "tmp"], "nothing is written"


def test_there_are_forty() -> None:
    assert len(HOSTILE) >= 40


@pytest.mark.parametrize("kind", ["folder", "pipe", "missing"])
def test_what_is_no_file_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x.etz"
    if kind == "folder":
        path.mkdir()
    if kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(PackRefused, match=re.escape(str(path))):
        opened(path)


def test_a_pack_is_a_zip_file_that_others_read() -> None:
    with zipfile.ZipFile(BytesIO(written(GOOD))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == GOOD
        assert archive.namelist() == sorted(GOOD)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    members = {**HERE, "spec/große Dinge.csv": "ä\n".encode()}
    (tmp_path / "x.etz").write_bytes(written(members))
    archive = opened(tmp_path / "x.etz")
    assert {name: archive.read(name) for name in archive.names} == members
    archive.close()


def test_a_byte_of_a_member_that_changes_is_seen(tmp_path: Path) -> None:
    data = bytearray(written(GOOD))
    data[LOCAL.size + len("README.md")] ^= 1
    (tmp_path / "x.etz").write_bytes(bytes(data))
    archive = opened(tmp_path / "x.etz")
    with pytest.raises(PackRefused, match="damaged"):
        archive.read("README.md")
    archive.close()


def test_every_byte_of_the_frame_counts(tmp_path: Path) -> None:
    """Whatever is changed outside of the members' own bytes, the pack is refused."""
    good = written(GOOD)
    inside = {
        place
        for name, data in GOOD.items()
        for start in [good.index(b"\x00\x00" + name.encode() + data) + 2 + len(name.encode())]
        for place in range(start, start + len(data))
    }
    path = tmp_path / "x.etz"
    for place in sorted({*range(len(good))} - inside):
        path.write_bytes(good[:place] + bytes([good[place] ^ 0x21]) + good[place + 1 :])
        with pytest.raises(PackRefused):
            archive = opened(path)
            list(map(archive.read, archive.names))
