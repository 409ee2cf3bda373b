"""Figures that are kept: drawn once for the same results, and again after any change of what they are drawn from."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from matplotlib.figure import Figure as Drawing

from entrack.cli.artifacts import kept_figures
from entrack.files import put
from entrack.kept import PACKAGE, Kept
from entrack.report import kept_figures as module
from entrack.report import plots
from entrack.report.figures import draw_all
from entrack.report.kept_figures import MOST, NOTHING_KEPT, KeptFigures
from entrack.results import Figure, Group, Measure, Results

ASKED = (Figure("Circuit", "diagram", "cir"), Figure("Knockout", "curves", "knockout", {"by": "k"}))


@pytest.fixture
def few(results: Results) -> Results:
    return attrs.evolve(results, figures=ASKED)


@pytest.fixture
def kept(tmp_path: Path) -> KeptFigures:
    return KeptFigures(Kept(tmp_path / "kept", MOST))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The formats of each figure that was really drawn."""
    calls: list[tuple[str, ...]] = []
    real = plots.rendered

    def rendered(figure: Drawing, formats: tuple[str, ...], *told: Any) -> dict[str, bytes]:
        calls.append(formats)
        return real(figure, formats, *told)

    monkeypatch.setattr(plots, "rendered", rendered)
    return calls


def other_value(results: Results) -> Results:
    """The last bit of one number of the second figure is another."""
    measure = results["knockout"]
    assert isinstance(measure, Measure)
    first, *rest = measure.cells
    changed = attrs.evolve(measure, cells=(attrs.evolve(first, value=first.value + 1e-17), *rest))
    return attrs.evolve(
        results, measures=tuple(changed if each.name == "knockout" else each for each in results.measures)
    )


def other_score(results: Results) -> Results:
    """A score of the first figure that is no part of how a group is shown in a traceback."""
    (found,) = results.discoveries
    group: Group = found.groups[0]
    scores = {site: -1.0 if place == 0 else score for place, (site, score) in enumerate(group.scores.items())}
    changed = attrs.evolve(found, groups=(attrs.evolve(group, scores=scores), *found.groups[1:]))
    return attrs.evolve(results, discoveries=(changed,))


def other_title(results: Results) -> Results:
    return attrs.evolve(results, figures=(ASKED[0], attrs.evolve(ASKED[1], title="Another")))


def read(paths: tuple[Path, ...]) -> list[bytes]:
    return [path.read_bytes() for path in paths]


def test_what_was_drawn_is_not_drawn_again(
    few: Results, kept: KeptFigures, drawn: list[tuple[str, ...]], tmp_path: Path
) -> None:
    plain, first = draw_all(few, tmp_path / "a"), draw_all(few, tmp_path / "b", kept=kept)
    assert len(drawn) == 4
    again = draw_all(few, tmp_path / "c", kept=kept)
    assert len(drawn) == 4 and read(plain) == read(first) == read(again)
    assert draw_all(few, tmp_path / "c", pdf=True, kept=kept) and drawn[4:] == [("png", "svg", "pdf")] * 2


@pytest.mark.parametrize("change", [other_value, other_score, other_title])
def test_what_changed_is_drawn_again(
    change: Callable[[Results], Results],
    few: Results,
    kept: KeptFigures,
    drawn: list[tuple[str, ...]],
    tmp_path: Path,
) -> None:
    draw_all(few, tmp_path / "a", kept=kept)
    draw_all(change(few), tmp_path / "b", kept=kept)
    assert len(drawn) == 3


def test_other_libraries_or_other_code_draw_again(
    few: Results,
    kept: KeptFigures,
    drawn: list[tuple[str, ...]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw_all(few, tmp_path / "a", kept=kept)
    for name, value in (("_libraries", lambda: ("matplotlib 1.0",)), ("drawing_code", lambda: "other")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, value)
            draw_all(few, tmp_path / "a", kept=kept)
    monkeypatch.setattr(module, "_libraries", lambda: None)
    draw_all(few, tmp_path / "a", kept=kept)
    assert len(drawn) == 8 and len(list((tmp_path / "kept").iterdir())) == 6


def test_all_that_draws_is_part_of_the_address() -> None:
    """The modules that are loaded for drawing, but those that see no result: the package, its texts and errors."""
    code = "import sys, entrack.report.plots; print(*(m for m in sys.modules if m.startswith('entrack.')))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    loaded = run.stdout.split()
    counted = {name.removesuffix(".py") for name in module.CODE}
    others = {"kept", "frozen", "version", "errors", "arguments", "source", "budget", "vocabulary"}
    assert {name.split(".")[1] for name in loaded} <= counted | others
    assert all((PACKAGE / name).exists() for name in module.CODE)


def damage_end(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"!")


def damage_link(path: Path) -> None:
    path.rename(path.with_suffix(".real"))
    path.symlink_to(path.with_suffix(".real"))


def damage_writable(path: Path) -> None:
    path.chmod(0o666)


@pytest.mark.parametrize("damage", [damage_end, damage_link, damage_writable])
def test_a_file_that_is_not_as_it_was_written_is_not_used(
    damage: Callable[[Path], None], few: Results, kept: KeptFigures, drawn: list[tuple[str, ...]], tmp_path: Path
) -> None:
    first = draw_all(few, tmp_path / "a", kept=kept)
    for path in list((tmp_path / "kept").iterdir()):
        damage(path)
    assert read(draw_all(few, tmp_path / "b", kept=kept)) == read(first) and len(drawn) == 4


def test_a_file_by_another_figures_name_is_not_used(
    few: Results, kept: KeptFigures, drawn: list[tuple[str, ...]], tmp_path: Path
) -> None:
    first = draw_all(few, tmp_path / "a", kept=kept)
    one, other = (tmp_path / "kept").iterdir()
    one.write_bytes(other.read_bytes())
    assert read(draw_all(few, tmp_path / "b", kept=kept)) == read(first) and len(drawn) == 3


def test_a_file_is_the_users_own_whatever_the_mask_for_new_files(
    few: Results, kept: KeptFigures, drawn: list[tuple[str, ...]], tmp_path: Path
) -> None:
    mask = os.umask(0o002)
    try:
        draw_all(few, tmp_path / "a", kept=kept)
    finally:
        os.umask(mask)
    draw_all(few, tmp_path / "a", kept=kept)
    assert len(drawn) == 2


def test_a_folder_that_others_may_write_is_not_used(
    few: Results, kept: KeptFigures, drawn: list[tuple[str, ...]], tmp_path: Path
) -> None:
    draw_all(few, tmp_path / "a", kept=kept)
    (tmp_path / "kept").chmod(0o777)
    draw_all(few, tmp_path / "a", kept=kept)
    assert len(drawn) == 4
    (tmp_path / "file").write_text("no folder")
    assert draw_all(few, tmp_path / "a", kept=KeptFigures(Kept(tmp_path / "file" / "kept", MOST)))


def test_the_oldest_figures_go_and_nothing_else(
    few: Results, kept: KeptFigures, drawn: list[tuple[str, ...]], tmp_path: Path
) -> None:
    draw_all(few, tmp_path / "a", kept=kept)
    old, own = ["0" * 64, "1" * 64], ["paper.tex", "2" * 63, "3" * 65]
    for name in old + own:
        (tmp_path / "kept" / name).write_bytes(bytes(1 << 20))
        os.utime(tmp_path / "kept" / name, (1, 1))
    (tmp_path / "kept" / ("4" * 64)).mkdir()
    draw_all(other_title(few), tmp_path / "a", kept=KeptFigures(Kept(tmp_path / "kept", 2 << 20)))
    left = {path.name for path in (tmp_path / "kept").iterdir()}
    assert not {*old} & left and {*own, "4" * 64} <= left
    draw_all(few, tmp_path / "a", kept=kept)
    assert len(drawn) == 3


def test_where_figures_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTRACK_FIGURES", "")
    assert kept_figures() == NOTHING_KEPT
    monkeypatch.setenv("ENTRACK_FIGURES", "relative")
    assert kept_figures() == NOTHING_KEPT
    monkeypatch.setenv("ENTRACK_FIGURES", str(tmp_path))
    assert kept_figures() == KeptFigures(Kept(tmp_path, MOST))
    monkeypatch.delenv("ENTRACK_FIGURES")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kept_figures() == KeptFigures(Kept(tmp_path / "entrack" / "figures", MOST))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert kept_figures() == NOTHING_KEPT
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kept_figures() == KeptFigures(Kept(tmp_path / ".cache" / "entrack" / "figures", MOST))
    monkeypatch.setenv("HOME", str(tmp_path / "gone"))
    assert kept_figures() == NOTHING_KEPT


def test_a_file_that_says_the_same_stays(tmp_path: Path) -> None:
    path = put(tmp_path / "a" / "one", b"same")
    before = path.stat()
    assert put(path, b"same").stat() == before
    assert put(path, b"else").read_bytes() == b"else" and path.stat().st_ino != before.st_ino
    link = tmp_path / "link"
    link.symlink_to(path)
    assert not put(link, b"else").is_symlink() and put(link, b"").read_bytes() == b""
