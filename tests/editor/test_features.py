"""Outline, folding, colours, links, quick fixes, formatting, hover and lenses; and all of them on half-typed texts."""

from __future__ import annotations

import random
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from editor_world import SPEC, TASK, place, spec, specs

from entrack import api
from entrack.budget import STEPS
from entrack.diagnostics import pages
from entrack.editor import fixes as fixes_of
from entrack.editor.definition import definitions, references
from entrack.editor.document import Document, analysed
from entrack.editor.edits import edited
from entrack.editor.fixes import fixes
from entrack.editor.folding import folds
from entrack.editor.formatting import formatting
from entrack.editor.hover import hover
from entrack.editor.lenses import Priced, Unwanted, lenses, priced
from entrack.editor.links import links
from entrack.editor.names import names_of
from entrack.editor.placed import placed
from entrack.editor.symbols import symbols
from entrack.editor.tokens import KINDS, coloured
from entrack.editor.words import meaning
from entrack.highlight.pieces import Kind
from entrack.source import Source
from entrack.syntax.limits import MOST_CHARACTERS
from entrack.vocabulary import words

SPECS = sorted((Path(__file__).parents[2] / "specs").rglob("*.et"))


def test_the_outline_has_every_item_and_its_parts(tmp_path: Path) -> None:
    found = symbols(spec(tmp_path))
    assert [(one.name, one.kind) for one in found[:4]] == [
        ("task.et", "include"),
        ("many", "param"),
        ("movers", "group"),
        ("cir", "circuit"),
    ]
    assert [child.name for child in found[3].children] == ["readers", "writers"]
    task = symbols(analysed(Source(str(tmp_path / "task.et"), TASK)))[1]
    assert [child.kind for child in task.children] == ["variable"] * 6 + ["position"] * 2


@pytest.mark.parametrize("path", SPECS[::12], ids=lambda path: path.stem)
def test_a_symbols_name_lies_inside_of_it(path: Path) -> None:
    for one in symbols(analysed(api.read(path))):
        for each in (one, *one.children):
            assert one.span.start <= each.span.start <= each.name_span.start < each.name_span.end <= each.span.end


def test_items_and_comments_of_several_lines_fold(tmp_path: Path) -> None:
    document = analysed(Source(str(tmp_path / "task.et"), TASK))
    found = [(document.source.place(fold.span.start)[0], fold.comment) for fold in folds(document)]
    assert found == [(5, True), (7, False)]


def test_colours_are_those_of_the_highlighter() -> None:
    assert set(Kind) - set(KINDS) == {Kind.BLANK, Kind.OTHER}
    found = [(TASK[one.start : one.end], one.type) for one in coloured(TASK)]
    assert found[:4] == [("entrack", "keyword"), ("1", "number"), ("model", "keyword"), ("base", "variable")]
    assert all("\n" not in text for text, _ in found)


def test_links_lead_to_files_of_the_spec_alone(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n", encoding="utf-8")
    (tmp_path.parent / "outside.csv").write_text("x\n1\n", encoding="utf-8")
    text = """entrack 1
include "no.et"
task t { a = one of column("a.csv", "x") b = one of column("../outside.csv", "x") row = one row of "a.csv" }
"""
    found = links(analysed(Source(str(tmp_path / "spec.et"), text)))
    assert [(text[link.span.start : link.span.end], link.path.name) for link in found] == [("a.csv", "a.csv")] * 2


FIXED = {
    "include": ("include", "inclide"),
    "a name": ("accuracy(base with [", "accuracy(bse with ["),
    "a word": ("measure same", "mesure same"),
    "a function": ("= curves(cut)", "= curve(cut)"),
    "the version": ("entrack 1\n", ""),
    "a group": ("cir.readers", "cir.raeders"),
}


@pytest.mark.parametrize("what", FIXED)
def test_the_fix_of_a_problem_mends_it(what: str, tmp_path: Path) -> None:
    right, wrong = FIXED[what]
    document = spec(tmp_path, SPEC.replace(right, wrong, 1))
    found = fixes(document, 0, len(document.source.text))
    assert found
    mended = analysed(edited(document.source, [found[0].edit]))
    assert len(mended.problems) < len(document.problems)
    assert found[0].problem in document.problems


def test_fixes_are_tried_as_long_as_there_is_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = SPEC.replace("overlap(cir, found)", "overlap(cri, found)").replace("cir.readers", "cir.raeders")
    document = spec(tmp_path, wrong)

    def found(seconds: float) -> int:
        monkeypatch.setattr(fixes_of, "SECONDS", seconds)
        return len(fixes(document, 0, len(document.source.text)))

    assert found(60) == 2 > found(0)


def test_a_help_that_is_no_fix_is_not_offered(tmp_path: Path) -> None:
    """The help of this problem is an example, which would not mend it."""
    document = spec(tmp_path, SPEC.replace(") on many boxes\n", ") on boxes\n", 1))
    assert "E614" in [problem.code for problem in document.problems]
    assert "E614" not in [fix.problem.code for fix in fixes(document, 0, len(document.source.text))]


def test_formatting_is_that_of_fmt_line_by_line(tmp_path: Path) -> None:
    document = spec(tmp_path, SPEC.replace("group movers in", "group    movers in"))
    edits = formatting(document)
    assert edited(document.source, edits).text == api.formatted(document.source)[0]
    assert len(edits) == 1
    assert formatting(spec(tmp_path, SPEC.replace("param", "par am"))) == ()


HOVERED = {
    "cu|rves(cut": "`by` the axis along x",
    "group mov|ers": "2 heads at `last`: 2.1 3.0",
    "group wri|ters": "2 sites at `last`: mlp.3 1.2",
    "circuit ci|r": "- `readers`: 2 heads at `query`: 0.1 0.2",
    "group sen|ders": "keeps at most 2 of 32 at `last`, when `found` has run",
    "in ba|se at last": "llama: 4 layers x 8 heads",
    "on man|y boxes against": "= 3",
    "at que|ry =": "**",
    "measure ke|pt": "3 cells",
    "logit of ans|wer": "variable of the task `boxes`",
    "accu|racy(base with [": "1 if the most likely next token is W's first token",
    "discov|er found": "Path patching in hops",
}


@pytest.mark.parametrize("words", HOVERED)
def test_hover_says_what_is_known(words: str, tmp_path: Path) -> None:
    found = hover(spec(tmp_path), place(SPEC, words), {})
    assert found is not None
    assert HOVERED[words] in found.text


def test_hover_of_a_function_says_what_it_is(tmp_path: Path) -> None:
    document = analysed(Source(str(tmp_path / "task.et"), TASK))
    found = hover(document, place(TASK, "buil|tin("), {})
    assert found is not None
    assert "a model that comes with entrack" in found.text


def test_a_position_is_shown_in_prompts(tmp_path: Path) -> None:
    found = hover(spec(tmp_path), place(SPEC, "at que|ry ="), {})
    assert found is not None
    lines = [line for line in found.text.splitlines() if line.startswith("- ")]
    assert len(lines) == 3
    assert all("Box **" in line and line.endswith(" tokens)") for line in lines)


def test_every_word_has_a_meaning() -> None:
    assert [word for word in words() if not meaning(word)] == []
    assert meaning("fetcher") == ""
    assert "](" not in meaning("accuracy")


def test_what_measures_cost_is_said(tmp_path: Path) -> None:
    document = spec(tmp_path)
    prices = priced(document, tmp_path / "nothing")
    assert prices["kept"] == Priced(3, 3)
    assert [str(prices["kept"]), str(prices["cut"])] == ["3 passes", "4 passes"]
    assert [lens.text for lens in lenses(document, prices)] == [str(prices["found"]), "3 passes", "4 passes"]
    assert priced(spec(tmp_path, SPEC.replace("base with", "bse with")), tmp_path / "nothing") == {}


def test_a_price_says_what_is_stored() -> None:
    assert str(Priced(1024, 40, 3)) == "1,024 passes, 3 of 40 steps stored"
    assert str(Priced(1, 2, 2)) == "1 pass, all stored"
    assert str(Priced(5, 2, 2, grows=True)) == "at least 5 passes, 2 of 2 steps stored"


def test_functions_have_a_meaning_where_they_are_called() -> None:
    for name in ("json", "scores", "file", "column", "builtin", "hub", "local", "gguf", "capitalise", "lora"):
        assert f"{name}(" in meaning(name, called=True)
    assert meaning("fetcher", called=True) == meaning("scores") == ""


def test_a_text_longer_than_a_spec_may_be_has_no_pieces() -> None:
    text = "# a\n# b\n" * 10
    assert len(list(placed(text))) == 40
    assert not list(placed(text + " " * MOST_CHARACTERS))


@pytest.mark.parametrize("path", SPECS[::20], ids=lambda path: path.stem)
def test_half_typed_texts_have_answers(path: Path) -> None:
    """Every prefix that ends between items, and some that end anywhere."""
    text, drawn = api.read(path).text, random.Random(path.name)
    whole = analysed(Source(str(path), text))
    ends = [start.span.end for start, _ in pairwise((*whole.program.items, None)) if start is not None]
    for end in (*ends, *(drawn.randrange(len(text)) for _ in range(6))):
        document = analysed(Source(str(path), text[:end]))
        every_answer(document, drawn.randrange(end + 1))


def every_answer(document: Document, offset: int) -> None:
    """What an editor asks for, of any text."""
    symbols(document)
    folds(document)
    links(document)
    definitions(document, offset)
    hover(document, offset, {})
    formatting(document)
    names_of(document)
    assert all(one.start < one.end for one in coloured(document.source.text))


DEEP = f'entrack 1\ntask t {{ a = {"(" * 60}1{")" * 60} }}\nclaim "c" {"-" * 60}m[{"[" * 60}1{"]" * 60}] < 1\n'
STRANGE = ["", "\n", "entrack", "\x00", "{" * 500, 'entrack 1\ninclude "', "é" * 2000, "task t(" * 90, DEEP]


@pytest.mark.parametrize("text", STRANGE)
def test_strange_texts_have_answers(text: str, tmp_path: Path) -> None:
    document = analysed(Source(str(tmp_path / "spec.et"), text))
    every_answer(document, len(text))
    assert references(specs(tmp_path), document.source.name, 0) == ()
    assert all(pages.page(problem.code) for problem in document.problems)


def test_torch_is_not_loaded(tmp_path: Path) -> None:
    spec(tmp_path)
    program = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
import test_features as every
document = every.spec(Path({str(tmp_path)!r}))
every.every_answer(document, 100)
every.priced(document, Path({str(tmp_path)!r}))
document.drawn_problems()
print([name for name in ("torch", "transformers", "nnsight", "matplotlib") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.strip() == "[]"


def test_what_nobody_waits_for_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan that goes beyond what `check` may do says so once: then it is asked whether anybody waits."""
    monkeypatch.setattr("entrack.spec.Spec.survey", lambda self, store, tell: tell(STEPS))
    with pytest.raises(Unwanted):
        priced(spec(tmp_path), tmp_path, wanted=lambda: False)
