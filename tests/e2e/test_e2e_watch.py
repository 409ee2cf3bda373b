"""`entrack watch`: each kind of save is seen, a save ends a run between two steps, and only what changed is shown."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attrs import evolve
from e2e_world import World, entrack
from safetensors.numpy import save_file
from typer.testing import Result

from entrack.cli.changes import MOST, changes_view
from entrack.cli.exit_codes import screen
from entrack.cli.heartbeat import FIRST, Beat
from entrack.cli.saves import Saves
from entrack.engine import engine
from entrack.engine.load import load
from entrack.results import Results
from entrack.results.changes import changes

SPEC = """entrack 1

include "tasks.et"

param n = 12

model base = local("base")

group written in base at last = 0.1 2.3

measure acc  = accuracy(base with [nothing, zero written]) on n boxes
measure prob = probability of answer (base with [nothing, zero written]) on n boxes

claim "it says something" acc[nothing] >= 0
"""
MORE = SPEC.replace("n = 12", "n = 20").replace("acc[nothing] >= 0", "acc[nothing] >= 2")
BROKEN = SPEC.replace("on n boxes", "on n boxs")
SAVED = re.compile(r"^\d\d:\d\d:\d\d  .*two\.et: saved$", re.MULTILINE)


@pytest.fixture
def spec(world: World, tmp_path: Path) -> Path:
    shutil.copytree(world.folder / "base", tmp_path / "base")
    shutil.copy(world.folder / "tasks.et", tmp_path)
    (tmp_path / "two.et").write_text(SPEC)
    return tmp_path / "two.et"


# --- the saves of editors ------------------------------------------------------------------------------------------


def renamed(path: Path, text: str) -> None:
    """As Vim and VS Code may save: another file takes the name."""
    beside = path.with_name("4913~")
    beside.write_text(text)
    os.replace(beside, path)


def truncated(path: Path, text: str) -> None:
    """As others do: the file is emptied, and filled bit by bit."""
    with path.open("w") as stream:
        for part in (text[: len(text) // 2], text[len(text) // 2 :]):
            stream.write(part)
            stream.flush()


def removed(path: Path, text: str) -> None:
    path.unlink()
    path.write_text(text)


def same_size(path: Path, text: str) -> None:
    before = path.read_text()
    path.write_text(before.replace("entrack 1", "entrack 2"))


@pytest.mark.parametrize("save", [renamed, truncated, removed, same_size])
def test_each_kind_of_save_is_seen_once(tmp_path: Path, save: Callable[[Path, str], None]) -> None:
    path = tmp_path / "a.et"
    path.write_text(SPEC)
    saves = Saves([path, tmp_path / "other.et"])
    assert saves.changed() == ()
    save(path, MORE)
    assert saves.next_save() == (path,)
    saves.begin()
    assert saves.changed() == ()


def test_a_save_is_waited_for_until_it_is_over(tmp_path: Path) -> None:
    """The file is empty for three looks, then half written: what is there in the end is what counts."""
    path, looks = tmp_path / "a.et", iter(["", "", "", "half", "whole"])
    path.write_text("before")
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        text = next(looks, None)
        if text is not None and path.read_text() != text:
            path.write_text(text)

    assert Saves([path], sleep).next_save() == (path,)
    assert path.read_text() == "whole"
    assert len(slept) >= 5


def test_a_file_that_stays_empty_is_not_waited_for_without_end(tmp_path: Path) -> None:
    path = tmp_path / "a.et"
    path.write_text("before")
    saves = Saves([path], sleep=lambda seconds: None)
    path.write_text("")
    assert saves.next_save() == (path,)


def test_what_is_written_while_it_is_read_counts_as_saved(tmp_path: Path) -> None:
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    old.write_text("old")
    os.utime(old, (1, 1))
    saves = Saves([])
    saves.begin()
    new.write_text("new")
    saves.look_at([old, new])
    assert saves.changed() == (new,)


# --- what is run, and shown ----------------------------------------------------------------------------------------


def watched(monkeypatch: pytest.MonkeyPatch, spec: Path, saved: Sequence[Callable[[], object]], *more: str) -> Result:
    """What `entrack watch` prints when these are saved one after the other, and then Ctrl-C comes."""
    waits = iter(saved)

    def sleep(seconds: float) -> None:
        if not going.changed():
            act = next(waits, None)
            if act is None:
                raise KeyboardInterrupt
            act()

    going: Saves

    def begun(paths: Sequence[Path]) -> Saves:
        nonlocal going
        going = Saves(paths, sleep)
        return going

    monkeypatch.setattr("entrack.cli.watching.Saves", begun)
    return entrack("watch", spec, "--store", spec.parent / "store", *more)


def rounds(result: Result) -> list[str]:
    return SAVED.split(result.stdout)


def test_only_what_changed_is_computed_and_shown(monkeypatch: pytest.MonkeyPatch, spec: Path) -> None:
    loaded: list[object] = []

    def counting(*given: Any, **more: Any) -> Any:
        loaded.append(given)
        return load(*given, **more)

    monkeypatch.setattr(engine, "load", counting)
    saved = [
        lambda: renamed(spec, SPEC + "\n# a remark\n"),
        lambda: renamed(spec, MORE),
        lambda: renamed(spec, BROKEN),
        lambda: renamed(spec, BROKEN + "\n# still\n"),
        lambda: truncated(spec, MORE),
    ]
    result = watched(monkeypatch, spec, saved, "--out", str(spec.parent / "out"))
    first, remark, more, broken, still, last = rounds(result)
    assert "it says something" in first and "tolerance: float32" in first
    assert "no number changed" in remark and "0 steps computed" in remark
    assert "FAIL" in more and "must be" in more and "acc" in more and "tolerance" not in more
    assert "0 of 1 claims hold" in more and " 0 steps computed" not in more
    assert "two.et: 2 errors; waiting for a save" in broken
    assert "2 errors as before" in still
    assert "no number changed" in last and " 0 steps computed" in last
    assert "E201" in result.stderr and result.stderr.count("error[E201]") == 2
    assert len(loaded) == 1, "the model stays in memory"
    assert (spec.parent / "out" / "report.html").is_file()
    assert result.exit_code == 130


def test_vectors_and_scores_are_looked_at_too(monkeypatch: pytest.MonkeyPatch, spec: Path) -> None:
    scores, vector = spec.parent / "scores.csv", spec.parent / "vector.safetensors"
    scores.write_text("site,score\n0.1,0.5\n1.2,0.4\n2.1,0.3\n")
    save_file({"v": np.ones(32)}, vector)
    text = """
group best in base at last = scores("scores.csv") keep 1 highest
vector truth in base = file("vector.safetensors")
measure edited = accuracy(base with [zero best, add truth to residual.2 at last]) on 3 boxes
"""
    renamed(spec, SPEC + text)
    saved = [
        lambda: save_file({"v": np.full(32, 2.0)}, vector),
        lambda: scores.write_text("site,score\n0.1,0.2\n1.2,0.4\n2.1,0.3\n"),
    ]
    result = watched(monkeypatch, spec, saved)
    assert "vector.safetensors: saved" in result.stdout
    assert "scores.csv: saved" in result.stdout
    assert result.stdout.count(" 1 steps computed") == 2, result.stderr


def test_a_file_that_is_included_is_looked_at_too(monkeypatch: pytest.MonkeyPatch, spec: Path) -> None:
    tasks = spec.parent / "tasks.et"
    text = tasks.read_text()
    saved = [
        tasks.unlink,
        lambda: renamed(tasks, text),
        lambda: renamed(tasks, text.replace('["apple", "ball", "bell", "book"]', '["apple", "ball", "bell"]', 1)),
    ]
    result = watched(monkeypatch, spec, saved)
    assert result.stdout.count("tasks.et: gone") == 1
    assert result.stdout.count("tasks.et: saved") >= 1
    assert "there is no file `tasks.et`" in result.stderr
    assert result.stdout.count("steps computed") == 3


def test_a_save_ends_a_run_between_two_steps(monkeypatch: pytest.MonkeyPatch, spec: Path) -> None:
    compute, calls = engine.Engine.compute, []

    def saving(self: engine.Engine, step: object, inputs: object) -> object:
        calls.append(step)
        if len(calls) == 1:
            renamed(spec, SPEC + "\n# saved while the first step is computed\n")
        return compute(self, step, inputs)  # type: ignore[arg-type]

    monkeypatch.setattr(engine.Engine, "compute", saving)
    result = watched(monkeypatch, spec, [])
    ended, whole = rounds(result)
    assert "ended between two steps" in ended and "steps computed" not in ended
    steps, found = map(int, re.findall(r"(\d+) steps computed, (\d+) found", whole)[0])
    assert found == 1 and steps >= 1, "what was finished is in the store"
    assert len(calls) == steps + found, "nothing is computed twice"
    assert result.exit_code == 130


def test_a_spec_that_is_not_there_ends_it(tmp_path: Path) -> None:
    result = entrack("watch", tmp_path / "none.et")
    assert result.exit_code == 3
    assert result.stderr.startswith("error: spec missing")


def test_a_process_of_its_own(spec: Path) -> None:
    """A real one: saved by rename, and ended by Ctrl-C, without a word of Python's."""
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    line = [sys.executable, "-c", f"{code}from entrack.cli.main import main; main()", "watch", str(spec)]
    world = {**os.environ, "ENTRACK_STORE": str(spec.parent / "store"), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=world) as process:
        try:
            assert process.stdout is not None
            said = until(process.stdout, "waiting for a save")
            assert "1 of 1 claims hold" in said
            renamed(spec, MORE)
            assert "0 of 1 claims hold" in until(process.stdout, "waiting for a save")
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert errors.endswith("interrupted: what was finished is kept; the same command goes on from there\n")
    assert "Traceback" not in errors


def until(lines: Iterator[str], words: str) -> str:
    """What is said until this is. A process that ends says nothing more."""
    said = []
    for line in lines:
        said.append(line)
        if words in line:
            return "".join(said)
    raise AssertionError("".join(said))


def test_signs_of_life_count_from_each_save() -> None:
    now = [0.0]
    beat = Beat(lambda: now[0])
    beat.describe = lambda seconds: f"after {seconds:.0f} s"
    now[0] = 100.0
    beat.silent()
    beat.again()
    assert beat.line() is None
    now[0] += FIRST
    assert beat.line() == f"after {FIRST:.0f} s"


# --- differences of results ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def results(world: World) -> Results:
    return world.load(n=4).run(world.folder / "watched")


def test_equal_results_have_no_changes(results: Results) -> None:
    assert not changes(results, evolve(results, title="another"))


def test_all_that_differs_is_found(results: Results, capsys: pytest.CaptureFixture[str]) -> None:
    first = results.measures[0]
    moved = evolve(first, cells=(evolve(first.cells[0], value=0.123), *first.cells[1:-1]))
    claims = (evolve(results.claims[0], passed=False), *results.claims[1:])
    discovery = results.discoveries[0]
    group = discovery.groups[0]
    fewer = evolve(discovery, groups=(evolve(group, sites=group.sites[1:]), *discovery.groups[1:]))
    later = evolve(results, measures=(moved, *results.measures[1:]), claims=claims, discoveries=(fewer,))
    found = changes(results, later)
    assert [(change.before is None, change.after is None) for change in found.cells] == [(False, False), (False, True)]
    assert found.cells[0].labels == first.cells[0].labels and found.cells[1].labels == first.cells[-1].labels
    assert [(change.text, change.turned) for change in found.claims] == [(results.claims[0].text, True)]
    assert [(change.came, change.went) for change in found.kept] == [((), group.sites[:1])]
    screen().print(changes_view(found))
    shown = capsys.readouterr().out
    assert f"{discovery.name}.{group.name}: gone {group.sites[0]}" in shown
    assert "✗ FAIL" in shown and re.search(r"0\.12.* *$", shown, re.MULTILINE)
    back = changes(later, results)
    assert [change.came for change in back.kept] == [group.sites[:1]]
    assert any(change.before is None for change in back.cells)


def test_of_many_cells_those_that_moved_most_are_shown(results: Results, capsys: pytest.CaptureFixture[str]) -> None:
    measure = results.measures[0]
    axis = evolve(measure.axes[0], name="layer", labels=tuple(map(str, range(40))))
    cells = tuple(evolve(measure.cells[0], labels=(str(place),), value=0.0, interval=None) for place in range(40))
    before = evolve(measure, axes=(axis,), cells=cells)
    after = evolve(before, cells=tuple(evolve(cell, value=place / 40) for place, cell in enumerate(cells)))
    found = changes(evolve(results, measures=(before,)), evolve(results, measures=(after,)))
    screen().print(changes_view(found))
    shown = capsys.readouterr().out
    assert f"and {39 - MOST} cells that changed less" in shown
    assert re.search(r"^39 +0\.00 +0\.97", shown, re.MULTILINE)


def test_a_cell_that_reads_the_same_is_counted_and_another_n_is_said(
    results: Results, capsys: pytest.CaptureFixture[str]
) -> None:
    measure = results.measures[0]
    first, second, *rest = measure.cells
    barely = evolve(first, value=first.value + 1e-9)
    larger = evolve(second, n=second.n + 1)
    later = evolve(measure, cells=(barely, larger, *rest))
    before = evolve(results, measures=(measure,))
    screen().print(changes_view(changes(before, evolve(results, measures=(later,)))))
    shown = capsys.readouterr().out
    assert f"{measure.name}: 1 cell changed in digits that are not shown" in shown
    assert f"n = {second.n}" in shown and f"n = {second.n + 1}" in shown
    screen().print(
        changes_view(changes(before, evolve(results, measures=(evolve(measure, cells=(barely, second, *rest)),))))
    )
    assert "before" not in capsys.readouterr().out
