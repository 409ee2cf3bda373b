"""`entrack fmt` and files: whole or not at all, and all but the text stays: links, modes, owners, attributes,
neighbours."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from entrack import api, files
from entrack.cli.fast_path import fmt

UGLY, PRETTY = "entrack 1\nseed   3 # why\n", "entrack 1\nseed 3  # why\n"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "a.et"
    path.write_text(UGLY)
    return path


def status(*specs: Path, check: bool = False) -> int:
    try:
        fmt(specs, only_check=check)
    except SystemExit as left:
        return int(left.code or 0)
    return 0


def test_rewritten_and_nothing_left_over(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status(spec) == 0
    assert spec.read_text() == PRETTY
    assert os.listdir(spec.parent) == ["a.et"]
    assert capsys.readouterr().err == f"{spec}: is formatted\n"
    before = spec.stat()
    assert status(spec) == 0
    assert (spec.stat().st_ino, spec.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o755, 0o222 | 0o400])
def test_the_mode_stays(spec: Path, mode: int) -> None:
    spec.chmod(mode)
    assert status(spec) == 0
    assert spec.stat().st_mode & 0o7777 == mode
    assert spec.read_text() == PRETTY


def test_attributes_stay(spec: Path) -> None:
    try:
        os.setxattr(spec, "user.note", b"mine")
    except OSError:
        pytest.skip("this file system has no attributes")
    assert status(spec) == 0
    assert os.getxattr(spec, "user.note") == b"mine"


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_the_owner_stays(spec: Path) -> None:
    os.chown(spec, 12345, 23456)
    assert status(spec) == 0
    assert (spec.stat().st_uid, spec.stat().st_gid) == (12345, 23456)


def test_an_owner_that_cannot_be_kept(
    spec: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    real = os.stat(spec)
    monkeypatch.setattr(os, "chown", refused)
    monkeypatch.setattr(
        os,
        "stat",
        lambda path: real if str(path) == str(spec) else os.stat_result((0o100600, 1, 1, 1, 77, 77, 0, 0, 0, 0)),
    )
    assert status(spec) == 3
    assert spec.read_text() == UGLY
    assert "Operation not permitted" in capsys.readouterr().err
    assert os.listdir(spec.parent) == ["a.et"]


def test_a_link_stays_a_link(spec: Path, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    link, second = folder / "link.et", folder / "second.et"
    link.symlink_to("../a.et")
    second.symlink_to(link)
    assert status(second) == 0
    assert os.readlink(link) == "../a.et" and os.readlink(second) == str(link)
    assert spec.read_text() == PRETTY and not spec.is_symlink()
    assert sorted(os.listdir(folder)) == ["link.et", "second.et"]


ODD = (
    "read-only",
    "hard link",
    "link to a read-only file",
    "no file",
    "link to nothing",
    "link in a circle",
    "folder",
    "not UTF-8",
    "pipe",
)


@pytest.mark.parametrize("kind", ODD)
def test_what_cannot_stay_as_it_is_is_refused(
    kind: str, spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = odd(kind, tmp_path)
    before = {path.name: path.lstat() for path in tmp_path.iterdir()}
    assert status(bad, spec) == 3
    said = capsys.readouterr().err
    assert str(bad) in said and said.startswith("error: ") and "Traceback" not in said
    assert spec.read_text() == PRETTY, "the other file is formatted all the same"
    assert {path.name for path in tmp_path.iterdir()} == set(before)
    for path in tmp_path.iterdir():
        if path != spec:
            now, old = path.lstat(), before[path.name]
            assert (now.st_ino, now.st_mode) == (old.st_ino, old.st_mode)
            assert kind == "pipe" or now.st_mtime_ns == old.st_mtime_ns


def odd(kind: str, folder: Path) -> Path:
    path, other = folder / "odd.et", folder / "target.et"
    if kind == "folder":
        path.mkdir()
    elif kind == "not UTF-8":
        path.write_bytes(b"entrack 1 # \xff\n")
    elif kind == "link to nothing":
        path.symlink_to(other)
    elif kind == "link in a circle":
        path.symlink_to(path)
    elif kind == "pipe":
        os.mkfifo(path)
        threading.Thread(target=path.write_text, args=(UGLY,), daemon=True).start()
    elif kind != "no file":
        other.write_text(UGLY)
        other.chmod(0o444 if "read-only" in kind else 0o644)
        if kind == "hard link":
            path.hardlink_to(other)
        elif kind == "read-only":
            other.rename(path)
        else:
            path.symlink_to(other)
    return path


def test_a_folder_that_may_not_be_written(
    spec: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "/a/temporary/name")

    monkeypatch.setattr(files, "created", refused)
    assert status(spec) == 3
    assert "its folder cannot be written" in capsys.readouterr().err
    assert spec.read_text() == UGLY


@pytest.mark.parametrize("operation", ["fsync", "replace"])
def test_a_disk_that_fails(
    operation: str, spec: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, operation, full)
    assert status(spec) == 3
    assert "No space left on device" in capsys.readouterr().err
    assert spec.read_text() == UGLY
    assert os.listdir(spec.parent) == ["a.et"]


def test_a_file_that_was_saved_meanwhile(
    spec: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = api.formatted

    def saved(source: object) -> object:
        spec.write_text("entrack 1\nseed 4\n")
        return real(source)  # type: ignore[arg-type]

    monkeypatch.setattr(api, "formatted", saved)
    assert status(spec) == 3
    assert spec.read_text() == "entrack 1\nseed 4\n"
    assert "changed while" in capsys.readouterr().err


def test_another_program_leaves_the_file(
    spec: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("entrack.syntax.format.format_program", lambda source, program: "entrack 1\nseed 4  # why\n")
    assert status(spec) == 3
    assert spec.read_text() == UGLY
    assert "mistake in entrack" in capsys.readouterr().err


STYLES = (
    b"entrack 1\r\nseed 3  # why\r\n",
    b"\xef\xbb\xbf" + PRETTY.encode(),
    PRETTY.encode().rstrip(),
    PRETTY.encode() + b"\n\n",
    b"entrack 1\nseed 3  # why  \n",
)


@pytest.mark.parametrize("raw", STYLES)
def test_ends_of_lines_and_marks(raw: bytes, spec: Path) -> None:
    spec.write_bytes(raw)
    assert status(spec, check=True) == 1
    assert spec.read_bytes() == raw
    assert status(spec) == 0
    assert spec.read_bytes() == PRETTY.encode()
    assert status(spec, check=True) == 0


def test_a_check_needs_no_file_that_can_be_written(spec: Path) -> None:
    spec.chmod(0o444)
    assert status(spec, check=True) == 1
    assert spec.read_text() == UGLY


def test_a_broken_spec_among_others(spec: Path, tmp_path: Path) -> None:
    broken = tmp_path / "b.et"
    broken.write_text("entrack 1\nseed x\n")
    assert status(broken, spec) == 2
    assert (broken.read_text(), spec.read_text()) == ("entrack 1\nseed x\n", PRETTY)
