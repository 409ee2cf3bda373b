"""An analysed text: the same as `check` says, whatever was taken over from the text before."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from time import process_time
from typing import Any

import attrs
import pytest

from entrack import api
from entrack.budget import READ_AGAIN, within
from entrack.check.check import check
from entrack.check.files import MOST_BYTES
from entrack.compile import count_tokens
from entrack.editor.document import Document, analysed
from entrack.editor.parsed import parsed
from entrack.source import Source
from entrack.syntax import ast
from entrack.syntax.parse import parse

SPECS = sorted((Path(__file__).parents[2] / "specs").rglob("*.et"))
LONGEST = max(SPECS, key=lambda path: path.stat().st_size)
MODEL = 'entrack 1\nmodel base = builtin("boxes-base")\n'
WHOLE = 'entrack 1\ninclude "part.et"\nmeasure m = accuracy(base) on 3 t\n'


def test_a_document_has_the_problems_of_check() -> None:
    for path in SPECS[::6]:
        source = api.read(path)
        document = analysed(source)
        assert everything(document.problems) == everything(check(source, {}, None, count_tokens).problems)


@pytest.mark.parametrize("path", [LONGEST, *SPECS[3::25]], ids=lambda path: path.stem)
def test_what_is_taken_over_changes_nothing(path: Path) -> None:
    document = analysed(api.read(path))
    for text in edits(document.source.text, 6, path.name):
        source = Source(str(path), text)
        document, fresh = analysed(source), check(source, {}, None, count_tokens)
        assert everything(document.problems) == everything(fresh.problems)
        for file in document.files.values():
            assert everything((file.program, file.problems)) == everything(parse(file.source))
        assert document.checked.resolved == fresh.resolved


def test_drawn_problems_are_those_of_check(tmp_path: Path) -> None:
    """All of what `check` says is said, first without prompts and then with a sample of them."""
    task = 'task t { word = one of ["\N{GRINNING FACE}", "b"] prompt = "say" answer = word at last = end of prompt }'
    source = Source(str(tmp_path / "spec.et"), f"{MODEL}{task}\nmeasure m = accuracy(base) on 9 t\n")
    document = analysed(source)
    drawn = document.drawn_problems()
    assert "E433" in [problem.code for problem in drawn]
    assert everything((*document.problems, *drawn)) == everything(api.check(source, {})[0])


def test_an_unsaved_file_is_read_in_place_of_the_saved_one(tmp_path: Path) -> None:
    (tmp_path / "part.et").write_text("entrack 1\n", encoding="utf-8")
    source = Source(str(tmp_path / "spec.et"), WHOLE)
    assert "E201" in codes(analysed(source))
    part = 'entrack 1\nmodel base = builtin("boxes-base")\ntask t {}\n'
    document = analysed(source, {tmp_path / "part.et": part})
    assert "E201" not in codes(document)
    assert document.files[str(tmp_path / "part.et")].source.text == part
    assert codes(analysed(source, {tmp_path / "part.et": "entrack 1\n"})) == codes(analysed(source))


def test_an_unsaved_file_need_not_be_on_the_disk(tmp_path: Path) -> None:
    source = Source(str(tmp_path / "spec.et"), WHOLE)
    assert "E211" in codes(analysed(source))
    assert "E211" not in codes(analysed(source, {tmp_path / "part.et": "entrack 1\n"}))


def test_an_unsaved_file_has_the_bounds_of_a_saved_one(tmp_path: Path) -> None:
    source = Source(str(tmp_path / "spec.et"), WHOLE)
    assert "E212" in codes(analysed(source, {tmp_path / "part.et": "#" * (MOST_BYTES + 1)}))
    outside = Source(source.name, WHOLE.replace("part.et", "../part.et"))
    assert "E210" in codes(analysed(outside, {tmp_path.parent / "part.et": "entrack 1\n"}))


def test_what_is_read_again_is_counted_again(tmp_path: Path) -> None:
    """Two long files are each read, and both are more than a command reads: also when they were read before."""
    text = "entrack 1\n" + "#\n" * 32_000
    unsaved = {tmp_path / f"{name}.et": text for name in "ab"}
    one = Source(str(tmp_path / "spec.et"), 'entrack 1\ninclude "a.et"\n')
    both = Source(one.name, f'{one.text}include "b.et"\n{text}')
    analysed(one, unsaved)
    assert all("E707" in codes(analysed(both, unsaved)) for _ in range(2))
    assert "E707" not in codes(analysed(one, unsaved))


def test_a_text_is_read_once_after_as_much_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks; what was left out for want of work is not taken for what is read when there is enough."""
    many: list[str] = []

    def told(source: Source, *rest: Any) -> Any:
        many.append(source.name)
        return parse(source, *rest)

    monkeypatch.setattr("entrack.editor.parsed.parse", told)
    source = Source("once.et", "entrack 1\nmodle a = 3\nparam n = 2\nmodel = 3\nparam k = 3\n")
    first = analysed(source)
    assert analysed(source).problems == first.problems
    assert len(many) == 1
    with within() as budget:
        budget.spent[READ_AGAIN] = READ_AGAIN.most
        least = parsed(source)
        assert len(many) == 2
        assert everything((least.program, least.problems)) == everything(parse(source))
    assert len(least.problems) < len(first.problems)


def test_after_a_syntax_error_there_is_what_could_be_read() -> None:
    source = Source("spec.et", "entrack 1\nparam n = 3\nmodel = \nparam k = 4\n")
    document = analysed(source)
    assert [getattr(item, "name", "") for item in document.program.items] == ["n", "k"]
    assert codes(document)[0].startswith("E1")


def test_an_item_whose_word_is_taken_for_a_name_is_there() -> None:
    """`over 200` wants the name of prompts, and `mask` may be one."""
    mask = "mask k over c in base for d { }\n"
    text = f"entrack 1\nmeasure m = accuracy(base with mean c over 200\n{mask}param n = 3\n"
    document = analysed(Source("spec.et", text))
    assert [item.name for item in document.program.items if isinstance(item, ast.Mask | ast.Param)] == ["k", "n"]
    assert document.program.items[0].span.start == text.index("mask k")
    assert document.program.unread == {"measure", "m"}


def test_a_broken_model_does_not_break_what_is_measured_with_it() -> None:
    text = 'entrack 1\nmodel a = bultin("boxes-base")\ntask t {}\nmeasure m = attention from p to q(a) on 3 t\n'
    assert "E501" in codes(analysed(Source("spec.et", text)))


def test_a_keystroke_is_answered_in_time() -> None:
    """The longest spec that is shipped, changed in its middle: 50 ms of processor time, of which it takes a third."""
    whole, times = analysed(api.read(LONGEST)).source.text, []
    for text in islice(edits(whole, 20, "time"), 0, None, 2):
        start = process_time()
        analysed(Source(str(LONGEST), text))
        times.append(process_time() - start)
    assert sorted(times)[len(times) // 2] < 0.05


def edits(text: str, count: int, seed: str) -> Iterator[str]:
    """Texts after one change each: a character typed, some deleted, or the rest not yet there; each second one is taken
    back."""
    drawn = random.Random(seed)
    for _ in range(count):
        place = drawn.randrange(len(text))
        typed = drawn.choice(["", "a", " ", "{", "}", '"', "\n", "(", "é", "\N{GRINNING FACE}"])
        yield text[:place] + typed + text[place + drawn.randrange(4) :] if drawn.random() < 0.8 else text[:place]
        yield text


def codes(document: Document) -> list[str]:
    return [problem.code for problem in document.problems]


def everything(value: object) -> object:
    """A value with all its fields, the spans too, which equality leaves out."""
    kind = type(value)
    if attrs.has(kind):
        return kind, tuple(everything(getattr(value, each.name)) for each in attrs.fields(kind))
    if isinstance(value, tuple | list):
        return tuple(everything(each) for each in value)
    if isinstance(value, dict):
        return tuple((key, everything(each)) for key, each in value.items())
    return value
