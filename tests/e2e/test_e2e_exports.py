"""What a run writes for readers and other tools, by the command line: the page, tables, numbers, circuits, colours."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from e2e_world import World, entrack

SPEC = """entrack 1
include "tasks.et"
about { title "Tiny & <small>"; authors "A. Author" }
model base = local("base")
discover cir in base on 6 boxes against scrambled { group movers at last -> logits keep 2 }
measure a = accuracy(base with [nothing, zero cir]) on 6 boxes
claim "it is small" size(cir) <= 2
claim "it is needed" a[zero cir] <= 1
"""


@pytest.fixture(scope="module")
def out(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a run has written."""
    folder = tmp_path_factory.mktemp("exports")
    shutil.copytree(world.folder / "base", folder / "base")
    for file in world.folder.glob("*.*"):
        if file.suffix in (".et", ".csv"):
            shutil.copy(file, folder)
    (folder / "tiny.et").write_text(SPEC)
    result = entrack("run", folder / "tiny.et", "--out", folder / "out", "--store", folder / "store")
    assert result.exit_code == 0, result.stderr
    assert "tables/, numbers.tex" in result.stderr and "report.html" in result.stderr
    return folder / "out"


def test_the_page_has_the_run(out: Path) -> None:
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<h1>Tiny &amp; &lt;small&gt;</h1>" in page and "A. Author" in page
    assert re.findall(r"<details[^>]*><summary><h3>([^<]*)<", page) == ["tiny.et", "tasks.et"]
    assert 'href="#discovery-cir"' in page and 'id="discovery-cir"' in page
    assert page.count("<figure ") == len(list(out.glob("*.svg"))) > 0
    assert str(out.parent) not in page.replace(str(out.parent / "tiny.et"), "")


def test_a_second_run_writes_the_same_tables(out: Path, tmp_path: Path) -> None:
    again = entrack("run", out.parent / "tiny.et", "--out", tmp_path, "--store", out.parent / "store")
    assert again.exit_code == 0
    for path in [*sorted((out / "tables").iterdir()), out / "numbers.tex"]:
        assert path.read_bytes() == (tmp_path / path.relative_to(out)).read_bytes()
    assert {path.name for path in (out / "tables").iterdir()} >= {"a.csv", "a.tex", "cir.md", "claims.csv"}


@pytest.mark.parametrize("form", ["csv", "transformerlens", "paper", "eap-ig"])
def test_a_circuit_goes_out_and_comes_back(out: Path, tmp_path: Path, form: str) -> None:
    written = entrack("export", "cir", "--from", out / "results.json", "--to", form)
    assert written.exit_code == 0, written.stderr
    (tmp_path / "circuit").write_text(written.stdout)
    back = entrack("import", tmp_path / "circuit", "--name", "cir")
    direct = entrack("export", "cir", "--from", out / "results.json", "--to", "et")
    sites = [re.findall(r"\d+\.\d+", each.stdout.replace("entrack 1", "")) for each in (back, direct)]
    assert back.exit_code == direct.exit_code == 0 and sorted(sites[0]) == sorted(sites[1]) != []
    if form != "eap-ig":
        assert back.stdout == direct.stdout
    kept = [group["sites"] for group in json.loads((out / "results.json").read_text())["discoveries"][0]["groups"]]
    assert sites[1] == [site for group in kept for site in group]


def test_what_is_no_circuit_is_refused(out: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{")
    for call in (
        ("export", "nobody", "--from", out / "results.json", "--to", "csv"),
        ("import", tmp_path / "bad.json"),
        ("import", tmp_path),
    ):
        result = entrack(*call)
        assert result.exit_code == 3 and result.stdout == ""
        assert result.stderr.startswith("error: circuit refused: ") and result.stderr.count("\n") == 1
    assert entrack("import", tmp_path / "missing.json").stderr.startswith("error: system: ")
    assert entrack("import", tmp_path / "bad.json", "--form", "et").exit_code == 2


@pytest.mark.parametrize(
    ("form", "words"), [("terminal", "\x1b["), ("html", '<pre class="entrack">'), ("latex", "Verbatim")]
)
def test_a_spec_in_colours(out: Path, form: str, words: str) -> None:
    result = entrack("highlight", out.parent / "tiny.et", "--to", form)
    assert result.exit_code == 0 and words in result.stdout
