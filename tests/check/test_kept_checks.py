"""Checks that are kept: only where nothing was wrong, and only as long as every file that was read is the same."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from entrack import api, kept, kept_checks
from entrack.cli import fast_path
from entrack.kept_checks import found_sound, keep_sound
from entrack.models import locate
from entrack.models.key import ModelSource
from entrack.models.locate import BUILTIN

SPEC = """entrack 1
include "shared.et"
model base = builtin("boxes-base")
task t {
  object  = one from column("words.csv", "word")
  prompt  = "The box has the {object}. The box has the"
  answer  = object
  at last = end of prompt
}
group written in base at last = json("heads.json", "some")
measure m = accuracy(base with [nothing, zero written]) on n t
"""
FILES = {
    "spec.et": SPEC,
    "shared.et": "entrack 1\nparam n = 3\n",
    "words.csv": "word\r\napple\r\nball\r\n",
    "heads.json": '{"some": [[0, 1]]}',
}


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A spec that was checked once, and whose check is kept."""
    for name, text in FILES.items():
        (tmp_path / name).write_bytes(text.encode())
    monkeypatch.setenv("ENTRACK_CHECKS", str(tmp_path / "kept"))
    fast_path.check(tmp_path / "spec.et", {}, None)
    return tmp_path / "spec.et"


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The specs that are really checked."""
    seen: list[object] = []
    real = api.looked_over

    def looked_over(*given: Any) -> Any:
        seen.append(given)
        return real(*given)

    monkeypatch.setattr(api, "looked_over", looked_over)
    return seen


def test_it_is_kept_and_says_the_same(spec: Path, looks: list[object], capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    fast_path.check(spec, {}, None)
    kept = capsys.readouterr()
    assert not looks and "no errors" in kept.err
    fast_path.check(spec, {"n": 3}, None)
    assert len(looks) == 1 and capsys.readouterr() == kept


def change(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes().replace(b"n", b"m", 1))


def link(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "words.csv").rename(folder / "elsewhere" / "words.csv")
    (folder / "words.csv").symlink_to(folder / "elsewhere" / "words.csv")


CHANGES: dict[str, Callable[[Path], object]] = {
    "the spec": lambda folder: (folder / "spec.et").write_text(SPEC + "\n"),
    "an include": change("shared.et"),
    "a column": lambda folder: (folder / "words.csv").write_text("word\napple\n"),
    "heads": lambda folder: (folder / "heads.json").write_text('{"some": [[9, 1]]}'),
    "a file gone": lambda folder: (folder / "heads.json").unlink(),
    "a file linked": link,
    "what is kept": lambda folder: [path.write_bytes(b"{}") for path in (folder / "kept").iterdir()],
}


@pytest.mark.parametrize("name", CHANGES)
def test_any_change_is_checked(name: str, spec: Path, looks: list[object]) -> None:
    CHANGES[name](spec.parent)
    try:
        fast_path.check(spec, {}, None)
    except SystemExit as leaving:
        assert leaving.code == 2
    assert len(looks) == 1


@pytest.mark.parametrize("name", ["all_code", "surroundings"])
def test_other_code_checks_again(name: str, spec: Path, looks: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_checks, name, lambda *given: "other")
    fast_path.check(spec, {}, None)
    monkeypatch.setattr(kept_checks, "surroundings", lambda *given: None)
    fast_path.check(spec, {}, None)
    fast_path.check(spec, {}, None)
    assert len(looks) == 3


def test_the_grammar_beside_a_checkout_is_code_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grammar = tmp_path / "grammars" / "entrack.lark"
    for path in (grammar, tmp_path / "entrack" / "of_this_test.py"):
        path.parent.mkdir()
        path.write_text("one")
    monkeypatch.setattr(kept, "PACKAGE", tmp_path / "entrack")
    before = kept.all_code.__wrapped__()
    assert before == kept.all_code.__wrapped__()
    grammar.write_text("two")
    assert before != kept.all_code.__wrapped__()


def test_code_is_known_by_each_change_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that keeps the size and the date is a change as the system counts it."""
    folder, module = tmp_path / "entrack", tmp_path / "entrack" / "inner" / "module.py"
    module.parent.mkdir(parents=True)
    monkeypatch.setattr(kept, "PACKAGE", folder)
    known = []
    for content, date in (("a = 1", 10**9), ("a = 10", 10**9), ("a = 10", 2 * 10**9), ("a = 11", 2 * 10**9)):
        time.sleep(0.02)  # more than the clock of a file system counts in
        module.write_text(content)
        os.utime(module, ns=(date, date))
        known.append(kept.code.__wrapped__("inner"))
        (folder / "inner" / "__pycache__").mkdir(exist_ok=True)
        (folder / "inner" / "notes.txt").write_text(content)
        assert kept.code.__wrapped__("inner") == known[-1]
    module.rename(module.with_name("other.py"))
    known.append(kept.code.__wrapped__("inner"))
    assert len(set(known)) == 5


def test_libraries_are_known_by_what_is_installed_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("a/attrs-1.0.dist-info", "a/lark-2.dist-info.old", "b/attrs-3.dist-info", "b/Lark-4-py3.egg-info"):
        (tmp_path / place).mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "gone"), str(tmp_path / "a"), str(tmp_path / "b")])
    monkeypatch.setattr(kept, "_versions", kept._versions.__wrapped__)
    assert (kept.surroundings.__wrapped__("attrs", "lark") or ())[:2] == ("attrs 1.0", "lark 4")
    assert kept.surroundings.__wrapped__("attrs", "tokenizers") is None


def test_another_built_in_model_is_checked(spec: Path, looks: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    kept = kept_checks.kept_checks()
    (read, _), folder = (api.load(spec).checked_spec.decided_by or ({}, ())), spec.parent / "model"
    shutil.copytree(BUILTIN / "boxes-base", folder)
    keep_sound(kept, spec, read, [folder, folder / "config.json"])
    assert found_sound(kept, spec)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config))
    assert not found_sound(kept, spec)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("answer  = object", "answer  = object\n  at nowhere = object.last"),  # an error
        ('builtin("boxes-base")', 'local("model")'),  # a model that is not built in
        ("n t", "n t\nparam unused = 1"),
    ],
)
def test_what_has_something_to_say_is_not_kept(
    old: str, new: str, tmp_path: Path, looks: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENTRACK_CHECKS", str(tmp_path / "kept"))
    for name, text in FILES.items():
        (tmp_path / name).write_bytes(text.replace(old, new).encode())
    shutil.copytree(BUILTIN / "boxes-base", tmp_path / "model")
    said = api.check(api.read(tmp_path / "spec.et"), {})[0]
    looks.clear()
    for _ in range(2):
        try:
            fast_path.check(tmp_path / "spec.et", {}, None)
        except SystemExit as leaving:
            assert leaving.code == 2
    assert len(looks) == 1 + bool(said or "local" in new)


def test_what_changed_while_it_was_checked_is_not_kept(spec: Path) -> None:
    kept, folder = kept_checks.kept_checks(), spec.parent
    for path in (folder / "kept").iterdir():
        path.unlink()
    keep_sound(kept, spec, {spec: SPEC + " "}, [])
    assert not found_sound(kept, spec)
    keep_sound(kept, spec, {folder / "gone": ""}, [])
    assert not found_sound(kept, spec)
    keep_sound(kept, spec, {spec: SPEC, folder / "words.csv": "word\napple\nball\n"}, [])
    assert found_sound(kept, spec)


def test_what_read_a_vector_is_checked_again(spec: Path, looks: list[object]) -> None:
    """Only texts stand with a kept check, so that of a spec which reads other bytes is not kept."""
    folder = spec.parent
    save_file({"v": np.ones(96, np.float32)}, str(folder / "v.safetensors"))
    spec.write_text(f'{SPEC}vector v in base = file("v.safetensors")\n')
    fast_path.check(spec, {}, None)
    save_file({"v": np.ones(95, np.float32)}, str(folder / "v.safetensors"))
    with pytest.raises(SystemExit):
        fast_path.check(spec, {}, None)
    assert len(looks) == 2


def test_another_working_folder_is_another_spec(spec: Path, looks: list[object], tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(spec.parent, other, ignore=shutil.ignore_patterns("other"))
    here = Path.cwd()
    try:
        for folder in (spec.parent, other):
            os.chdir(folder)
            fast_path.check(Path("spec.et"), {}, None)
    finally:
        os.chdir(here)
    assert len(looks) == 2


def test_only_models_as_they_come_are_built_in() -> None:
    built_in = ModelSource("x", BUILTIN / "boxes-base")
    assert locate.is_builtin(built_in)
    assert not locate.is_builtin(ModelSource("x", BUILTIN / "boxes-base", adapter=Path("y")))
    assert not locate.is_builtin(ModelSource("x", Path("boxes-base")))
