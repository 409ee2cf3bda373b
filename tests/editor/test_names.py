"""Definitions, references and renaming."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from editor_world import SPEC, TASK, place, shown, spec, specs

from entrack import api
from entrack.editor import parsed as parsed_of
from entrack.editor import rename as rename_of
from entrack.editor.definition import definitions, references
from entrack.editor.document import Document, analysed
from entrack.editor.edits import edited
from entrack.editor.names import Occurrence, at, names_of, occurrences
from entrack.editor.parsed import Parsed
from entrack.editor.rename import Refused, Renamed, renamable, rename
from entrack.editor.workspace import MOST_SPECS, Workspace
from entrack.highlight.pieces import Kind, pieces
from entrack.source import Source

SPECS = sorted((Path(__file__).parents[2] / "specs").rglob("*.et"))
DECLARED = {
    "on many bo|xes against": "task [boxes](n = 3) {",
    "against scramb|led": "alternate [scrambled] of boxes { fresh label;",
    "logit of ans|wer": "[answer]  = object[asked]",
    "sen|ders.value": "group [senders] at last  -> logits        keep 2",
    "without(cir.rea|ders)": "group [readers] at query = 0.1 0.2",
    "without(c|ir.readers)": "circuit [cir] in base {",
    "kept[wit|hout(movers)]": "intervention [without](c) = mean c over many scrambled",
    "mean c| over": "intervention without([c]) = mean c over many scrambled",
    "cut[|k = 1]": "for [k] in layers",
    "by k|": "for [k] in layers",
    "layers k|..": "for [k] in layers",
    "-> que|ry in": "at [query] = context.label[asked]",
    "on man|y boxes against": "param [many] = 3",
    "in ba|se on many": 'model [base] = builtin("boxes-base")  # the model',
}


@pytest.mark.parametrize("words", DECLARED)
def test_a_name_is_followed_to_where_it_is_declared(words: str, tmp_path: Path) -> None:
    document = spec(tmp_path)
    (span,) = definitions(document, place(SPEC, words))
    assert DECLARED[words] in shown(span, document)


def test_a_name_of_two_things_leads_to_both(tmp_path: Path) -> None:
    document = spec(tmp_path)
    found = definitions(document, place(SPEC, "same[rea|ders, recall]"))
    assert [shown(span, document) for span in found] == [
        "group [readers] at query = 0.1 0.2",
        "group [readers] at query -> senders.value keep 2",
    ]


def test_an_include_leads_to_its_file(tmp_path: Path) -> None:
    (span,) = definitions(spec(tmp_path), place(SPEC, 'include "ta|sk.et"'))
    assert Path(span.file) == tmp_path / "task.et"


def test_a_hole_of_a_text_is_a_variable(tmp_path: Path) -> None:
    document = analysed(Source(str(tmp_path / "task.et"), TASK))
    (span,) = definitions(document, place(TASK, "Box {la|bel[asked]}"))
    assert shown(span, document) == "[label]  = n distinct from A..Z"


def test_a_column_of_a_row_is_no_variable(tmp_path: Path) -> None:
    text = 'entrack 1\ntask t { row = one row of "a.csv" clean = row.clean prompt = clean answer = row.answer }\n'
    document = analysed(Source(str(tmp_path / "t.et"), text))
    assert definitions(document, place(text, "row.cle|an")) == ()
    assert len(definitions(document, place(text, "prompt = cle|an"))) == 1


@pytest.mark.parametrize("path", SPECS[::9], ids=lambda path: path.stem)
def test_hardly_a_name_of_a_shipped_spec_stands_for_nothing(path: Path) -> None:
    """A name that is declared somewhere, and is none of a part of a head, stands for what is declared."""
    document = analysed(api.read(path))
    names = names_of(document)
    known, starts = {one.symbol.name for one in names}, {one.span.start for one in names if one.span.file == str(path)}
    missed, offset = [], 0
    for kind, piece in pieces(document.source.text):
        part = document.source.text[offset - 1] == "."
        if kind in (Kind.NAME, Kind.CALLED, Kind.DECLARED) and piece in known and offset not in starts and not part:
            missed.append(piece)
        offset += len(piece)
    assert missed == []


def test_references_are_found_in_specs_that_include_a_file(tmp_path: Path) -> None:
    document = spec(tmp_path)
    (tmp_path / "other.et").write_text(
        'entrack 1\ninclude "task.et"\nmeasure m = accuracy(base) on 3 scrambled\n', encoding="utf-8"
    )
    (tmp_path / "apart.et").write_text("entrack 1\nalternate scrambled of t {}\n", encoding="utf-8")
    found = references(specs(tmp_path, "task.et"), str(tmp_path / "task.et"), place(TASK, "scramb|led of"))
    by_file = sorted(Path(one.span.file).name for one in found)
    assert by_file == ["other.et", "spec.et", "spec.et", "task.et"]
    assert at(names_of(document), document.source.name, 0) == ()


def test_a_use_in_one_spec_is_found_with_those_of_others(tmp_path: Path) -> None:
    """What a spec includes is another's too: renamed from here, it would be gone from there."""
    document = spec(tmp_path)
    (tmp_path / "other.et").write_text(
        'entrack 1\ninclude "task.et"\nmeasure m = accuracy(base) on 3 scrambled\n', encoding="utf-8"
    )
    (tmp_path / "apart.et").write_text("entrack 1\nalternate scrambled of t {}\n", encoding="utf-8")
    file, offset = document.source.name, place(SPEC, "against scramb|led")
    having = Workspace((tmp_path,)).specs_of_name(file, offset)
    assert [Path(files[0].source.name).name for files in having] == ["spec.et", "other.et"]
    names = sorted(Path(one.span.file).name for one in references(having, file, offset))
    assert names == ["other.et", "spec.et", "spec.et", "task.et"]
    changed = rename(document, having, offset, "shuffled")
    assert isinstance(changed, Renamed) and len(changed.edits) == 4


RENAMED = {
    "param ma|ny": 5,
    "group mov|ers": 3,
    "group rea|ders at query = 0.1": 4,
    "group sen|ders": 2,
    "measure cu|t": 3,
    "without(|c)": 2,
    "for |k in layers": 4,
    "against scramb|led": 3,
    "at que|ry = 0.1": 4,
    "in ba|se at last = 2.1": 6,
}


@pytest.mark.parametrize("words", RENAMED)
def test_a_renamed_spec_is_the_same_spec(words: str, tmp_path: Path) -> None:
    document, offset = spec(tmp_path), place(SPEC, words)
    having = specs(tmp_path)
    renamed = rename(document, having, offset, "another")
    assert isinstance(renamed, Renamed)
    assert len(renamed.edits) == RENAMED[words]
    unsaved = {Path(file.source.name): edited(file.source, renamed.edits).text for file in having[0]}
    after = analysed(Source(document.source.name, unsaved[Path(document.source.name)]), unsaved)
    assert after.problems == document.problems == ()
    having = Workspace((tmp_path,)).specs_with(document.source.name, unsaved)
    back = rename(after, having, after.source.text.index("another"), "old_name", unsaved)
    assert isinstance(back, Renamed)
    assert len(back.edits) == len(renamed.edits)


REFUSED = {
    ("group mov|ers", "mean"): "`mean` is a word of the language: choose another name",
    ("group mov|ers", "nothing"): "`nothing` is a word of the language: choose another name",
    ("group mov|ers", "cir"): "`cir` is a name already, in spec.et",
    ("group mov|ers", "2nd"): "a name has letters, digits and `_`, begins with no digit, and has at most 200 of them",
    ("logit of ans|wer", "word"): "a task has its `answer` by this name",
    ("scor|e logit", "word"): "`score` is a word of the language",
    ("entrack |1", "word"): "`1` is no name that is declared here",
}


@pytest.mark.parametrize(("words", "new"), REFUSED)
def test_a_name_that_cannot_be_is_refused_with_the_reason(words: str, new: str, tmp_path: Path) -> None:
    document = spec(tmp_path)
    assert rename(document, specs(tmp_path), place(SPEC, words), new) == Refused(REFUSED[words, new])


def test_a_rename_that_would_break_a_spec_is_refused(tmp_path: Path) -> None:
    """A hole after an escape is not found, so that the text would keep the old name: trying it tells."""
    task = TASK.replace('"{context}. Box', '"\\u{41}{context}. Box')
    document = spec(tmp_path, task=task)
    assert document.problems == ()
    opened = analysed(Source(str(tmp_path / "task.et"), task))
    refused = rename(opened, specs(tmp_path, "task.et"), place(task, "con|text = join"), "another")
    assert isinstance(refused, Refused)
    assert "would not check" in refused.why


def with_three_specs(folder: Path) -> Document:
    """The text of a task that three specs of a folder include."""
    (folder / "task.et").write_text(TASK, encoding="utf-8")
    for name in "abc":
        (folder / f"{name}.et").write_text(SPEC, encoding="utf-8")
    return analysed(Source(str(folder / "task.et"), TASK))


def test_a_rename_of_more_specs_than_there_is_time_for_goes_on_when_it_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, having = with_three_specs(tmp_path), specs(tmp_path, "task.et")
    tried: list[str] = []

    def told(source: Source, *rest: Any) -> Document:
        tried.append(source.name)
        return analysed(source, *rest)

    monkeypatch.setattr(rename_of, "analysed", told)
    monkeypatch.setattr(rename_of, "SECONDS", 0.001)
    answers = [rename(opened, having, place(TASK, "boxe|s(n = 3)"), "another") for _ in range(3)]
    first, second, last = answers
    assert first == Refused("1 of 3 specs with this name were tried in time: ask again for the others")
    assert second == Refused("2 of 3 specs with this name were tried in time: ask again for the others")
    assert isinstance(last, Renamed)
    assert {Path(edit.span.file).stem for edit in last.edits} == {"task", "a", "b", "c"}
    assert sorted(tried) == sorted(files[0].source.name for files in having)


def test_a_rename_of_many_specs_ends_though_few_of_them_stay_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = with_three_specs(tmp_path)
    monkeypatch.setattr(parsed_of, "MOST_CHARACTERS", len(TASK))
    monkeypatch.setattr(rename_of, "SECONDS", 0.001)
    answers = [rename(opened, specs(tmp_path, "task.et"), place(TASK, "boxe|s(n = 3)"), "another") for _ in range(3)]
    assert isinstance(answers[-1], Renamed)


def test_the_names_of_each_of_many_specs_are_found_once_for_a_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More specs than names are kept of."""
    document, asked = spec(tmp_path), list[tuple[Parsed, ...]]()

    def told(files: tuple[Parsed, ...]) -> tuple[Occurrence, ...]:
        asked.append(files)
        return occurrences(files)

    monkeypatch.setattr(rename_of, "occurrences", told)
    assert isinstance(rename(document, specs(tmp_path), place(SPEC, "param ma|ny"), "another"), Renamed)
    assert len(asked) == 1


def test_all_that_is_tried_of_as_many_specs_as_a_workspace_has_is_kept() -> None:
    assert rename_of._problems.cache_parameters()["maxsize"] == 2 * MOST_SPECS, "each with the edits, and without"


def test_a_file_that_is_gone_is_part_of_no_spec(tmp_path: Path) -> None:
    document = spec(tmp_path)
    workspace = Workspace((tmp_path,))
    [files] = workspace.specs_with(document.source.name)
    assert [Path(file.source.name).name for file in files] == ["spec.et", "task.et"]
    (tmp_path / "task.et").unlink()
    [files] = workspace.specs_with(document.source.name)
    assert [Path(file.source.name).name for file in files] == ["spec.et"]
    (tmp_path / "task.et").write_text(TASK, encoding="utf-8")
    (tmp_path / "spec.et").unlink()
    [files] = workspace.specs_with(str(tmp_path / "task.et"))
    assert [*workspace._known] == [str(tmp_path / "task.et")]


def test_a_file_that_was_changed_and_dated_as_before_is_read_again(tmp_path: Path) -> None:
    document = spec(tmp_path)
    workspace, task = Workspace((tmp_path,)), tmp_path / "task.et"
    workspace.specs_with(document.source.name)
    before = task.stat()
    task.write_text(TASK.replace("scrambled", "scrambles"), encoding="utf-8")
    os.utime(task, ns=(before.st_atime_ns, before.st_mtime_ns))
    [files] = workspace.specs_with(document.source.name)
    assert "scrambles" in files[1].source.text


def test_what_is_not_declared_cannot_be_renamed(tmp_path: Path) -> None:
    document = spec(tmp_path)
    assert not isinstance(renamable(document, specs(tmp_path), place(SPEC, "group mov|ers")), Refused)
    assert isinstance(renamable(document, specs(tmp_path), 0), Refused)
