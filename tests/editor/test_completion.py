"""Completion: what is offered where, and that nothing is offered that would not check."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from editor_world import SPEC, TASK
from safetensors.numpy import save_file

from entrack.check.check import check
from entrack.diagnostics import Diagnostic
from entrack.editor import completion_trial
from entrack.editor.completion import Completion, completions
from entrack.editor.document import analysed
from entrack.frozen import frozen
from entrack.highlight.pieces import Kind, pieces
from entrack.source import Source
from entrack.syntax.begun import Begun, begun
from entrack.syntax.grammar import parser
from entrack.syntax.recovery import item_starts

SPECS = Path(__file__).parents[2] / "specs"
LONGEST = SPECS / "paper" / "positional.et"
POSITIONS = 200 if "ENTRACK_EDITOR" in os.environ else 15
SEED = int(os.environ.get("ENTRACK_EDITOR_SEED", "0"))
SECONDS = 0.05
STAND_INS = {
    'gguf("smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")': "smollm2-135m",
    'hub("openai-community/gpt2")': "gpt2",
    'hub("openai-community/gpt2-xl")': "gpt2-xl",
    'hub("EleutherAI/pythia-2.8b")': "pythia-2.8b",
}
"""Models that are fetched, and the shapes that stand in for them here."""
WRITTEN = (Kind.ITEM, Kind.WORD, Kind.GIVEN, Kind.CALLED, Kind.NAME)
FOLLOW_UPS = ("E418", "E624")
"""Errors in other items that a name which is right in its own may bring: a claim names cells of a measure by their
labels, which are what the measure's interventions are called, and an alternate writes a text without the hole that a
position of its task stands at now. They say what the measure and the task were, and whoever changes these has not come
to them yet."""
OF_A_MODEL = ("E613", "E665")
"""The same of a model: where its layers and heads are counted, its files must be here, and those of another source are
not."""


@pytest.fixture(autouse=True)
def _as_long_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with other work to do tries fewer names in its time."""
    monkeypatch.setattr(completion_trial, "SECONDS", 60)


def offered(folder: Path, added: str, text: str = SPEC) -> dict[str, Completion]:
    """What is offered at the `|` in what is added to a spec, by its label."""
    before, _, after = added.partition("|")
    (folder / "task.et").write_text(TASK, encoding="utf-8")
    document = analysed(Source(str(folder / "spec.et"), f"{text}\n{before}{after}"))
    return {each.label: each for each in completions(document, len(text) + 1 + len(before))}


def test_names_are_tried_as_long_as_there_is_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        (tmp_path / f"a{number:02}.et").write_text(TASK, encoding="utf-8")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "a.et").write_text(TASK, encoding="utf-8")
    asked = 'include "|'
    found = [label for label in offered(tmp_path, asked, "entrack 1") if label.endswith(".et")]
    assert found[-1] == "deeper/a.et" and len(found) > 20
    monkeypatch.setattr(completion_trial, "SECONDS", 0)
    assert not offered(tmp_path, asked, "entrack 1").keys() & set(found)


# --- words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("measure m = accuracy(base ", ") on 1 _"),
        ("discover c in b on 3 t against s { group g at p -> a", "keep _ }"),
        ("vector v in m = mean residual.3 at ", "_ over 1 _"),
        ('claim "x" m[', "_ ] < _"),
        ("alternate a of b { fresh", "_ }"),
        ("entrack 1", ""),
    ],
)
def test_the_shortest_end_makes_a_text_whole(text: str, end: str) -> None:
    found = begun(text)
    assert isinstance(found, Begun)
    assert found.end() == end
    parser().tree(f"{text} {end}")


def test_items_are_offered_where_one_may_begin(tmp_path: Path) -> None:
    found = offered(tmp_path, "|")
    assert {"measure", "task", "claim", "include"} <= found.keys()
    assert "entrack" not in found
    assert found["discover"].kind == "word"
    assert found["discover"].detail.startswith("Path patching in hops")
    assert offered(tmp_path, "|", "").keys() >= {"entrack", "measure"}


def test_words_go_with_what_was_typed(tmp_path: Path) -> None:
    assert offered(tmp_path, "measure m = acc|").keys() == {"accuracy"}
    whole = offered(tmp_path, "measure m = prob|bility(base) on 3 boxes")["probability"]
    assert (whole.replaces.end - whole.replaces.start, whole.text) == (len("probbility"), "probability")
    assert "by" in offered(tmp_path, 'figure "a" = curves(cut) coloured |').keys() | {"by"}


def test_a_sign_of_two_words_is_one(tmp_path: Path) -> None:
    found = offered(tmp_path, 'figure "a" = curves(cut) coloured |')["coloured by"]
    text = f'{SPEC}\nfigure "a" = curves(cut) coloured '
    assert text[: found.replaces.start] + found.text == f'{SPEC}\nfigure "a" = curves(cut) coloured by'
    assert offered(tmp_path, 'figure "a" = curves(cut) | by k')["coloured by"].text == "coloured"


# --- names -------------------------------------------------------------------------------------------------------


def test_names_are_of_the_kind_that_is_asked_for(tmp_path: Path) -> None:
    model = offered(tmp_path, "measure m = accuracy(|) on 3 boxes")
    assert [name for name, each in model.items() if each.kind != "word"] == ["base"]
    assert model["base"].detail == 'model base = builtin("boxes-base")'
    heads = {each.label for each in offered(tmp_path, "measure m = accuracy(base with zero |").values()}
    assert {"movers", "cir", "found"} <= heads
    assert not {"base", "boxes", "many"} & heads
    assert offered(tmp_path, "measure m = accuracy(base) on 3 |").keys() == {"boxes", "scrambled"}
    assert offered(tmp_path, "measure m = accuracy(base with zero cir.|").keys() >= {"readers", "writers"}
    assert {"last", "query"} <= offered(tmp_path, "measure m = attention from |").keys()
    assert offered(tmp_path, "measure m = probability of |").keys() >= {"answer"}
    assert offered(tmp_path, "alternate a of boxes { fresh |").keys() == {"object", "label", "asked"}
    assert offered(tmp_path, 'claim "c" kept[|] > 0').keys() >= {"nothing", "without(movers)"}
    assert offered(tmp_path, "measure m = accuracy(base with zero mlp[k] at last) on 3 boxes for k in |").keys() == {
        "layers",
        "heads",
        "positions",
        "tokens",
    }


def test_a_name_that_the_checker_refuses_is_not_offered(tmp_path: Path) -> None:
    other = 'task words { word = one of ["a"]; prompt = "{word}"; answer = word; at last = end of prompt }\n'
    after = "| against scrambled { group g at last -> logits keep 1 }"
    found = offered(tmp_path, f"{other}discover d in base on 3 {after}")
    assert [name for name in found if name not in ("many",)] == ["boxes"]
    reads = offered(tmp_path, f"{other}measure m = accuracy(base with zero cir) on 3 |")
    assert "boxes" in reads
    assert "words" not in reads  # it has no position `query`
    assert "base" not in offered(tmp_path, "measure m = accuracy([base, |]) on 3 boxes")


def test_a_place_that_declares_offers_what_is_missing(tmp_path: Path) -> None:
    missing = "measure m = accuracy(base with zero lost) on 3 boxes\n"
    assert offered(tmp_path, f"{missing}group | in base at last = 1.2").keys() == {"lost"}
    assert not offered(tmp_path, "group | in base at last = 1.2")


def test_after_an_error_elsewhere_all_is_offered(tmp_path: Path) -> None:
    broken = "measure wrong = = accuracy(\n\n"
    assert {"boxes", "scrambled"} <= offered(tmp_path, f"{broken}measure m = accuracy(base) on 3 |").keys()
    lines = "task t {\n  word = one off\n  other = one of |\n}"
    assert "word" in offered(tmp_path, lines.replace("off", 'of ["a"] = 3')) or offered(tmp_path, lines)


def test_nothing_is_offered_in_comments_and_sentences(tmp_path: Path) -> None:
    assert not offered(tmp_path, "# a measure of |")
    assert not offered(tmp_path, 'claim "the | is right" kept[nothing] > 0')
    assert not offered(tmp_path, "|", f"{SPEC}\N{ZERO WIDTH SPACE}")


def test_a_variable_of_no_known_type_is_offered(tmp_path: Path) -> None:
    """It is made of one whose line cannot be read."""
    task = 'task u {\n  b = one from ["x" y]\n  c = b\n  prompt = "{c}"\n  answer = c\n}\n'
    found = offered(tmp_path, f"{task}alternate v of u {{ c != original.|c }}")
    assert found["c"].detail == "something, of u"


# --- texts and sites ---------------------------------------------------------------------------------------------


def test_texts_name_files_columns_and_built_in_models(tmp_path: Path) -> None:
    (tmp_path / "words.csv").write_text("word,other\na,b\n", encoding="utf-8")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "part.et").write_text("entrack 1\nparam p = 1\n", encoding="utf-8")
    (tmp_path / "bad.et").write_text("entrack 1\nparam many = 1\n", encoding="utf-8")
    outside = tmp_path.parent / f"{tmp_path.name}-outside.et"
    outside.write_text("entrack 1\n", encoding="utf-8")
    included = offered(tmp_path, 'include "|"')
    assert "deep/part.et" in included
    assert not {"bad.et", "words.csv", f"../{outside.name}"} & included.keys()  # `bad.et` declares `many` again
    assert offered(tmp_path, 'task t { w = one from column("|", "word") }').keys() == {"words.csv"}
    assert offered(tmp_path, 'task t { w = one from column("words.csv", "|") }').keys() == {"word", "other"}
    assert "boxes-base" in offered(tmp_path, 'model m = builtin("box|')
    assert {"builtin", "hub", "local"} <= offered(tmp_path, "model m = |").keys()
    assert offered(tmp_path, "model m = buil|")["builtin"].text == "builtin("
    hole = 'task t { word = one of ["a"]; prompt = "a {|}"; answer = word; at last = end of prompt }'
    assert offered(tmp_path, hole).keys() == {"word", "many"}


def test_the_name_before_a_part_that_stands_there_is_offered() -> None:
    path = SPECS / "boxes" / "masks.et"
    before, after = path.read_text(encoding="utf-8").split("role.heads", 1)
    document = analysed(Source(str(path), f"{before}.heads{after}"))
    assert "role" in {each.label for each in completions(document, len(before))}


def test_texts_name_files_of_scores_and_vectors(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text("site,score,other\n0.1,0.5,1\n", encoding="utf-8")
    (tmp_path / "words.csv").write_text("word\na\n", encoding="utf-8")
    numbers = np.ones(96, np.float32)
    save_file({"one": numbers, "two": numbers}, str(tmp_path / "pair.safetensors"))
    save_file({"one": numbers}, str(tmp_path / "single.safetensors"))
    save_file({"one": numbers[:5]}, str(tmp_path / "narrow.safetensors"))
    group, vector = "group g in base at last =", "vector v in base ="
    assert {"json", "scores"} <= offered(tmp_path, f"{group} |").keys()
    assert offered(tmp_path, f"{group} sc|")["scores"].text == "scores("
    for end in ("", '") keep 1 highest'):
        assert offered(tmp_path, f'{group} scores("|{end}').keys() == {"scores.csv"}
    assert {"score", "other"} <= offered(tmp_path, f'{group} scores("scores.csv", "|').keys()
    assert offered(tmp_path, f"{vector} fi|")["file"].text == "file("
    assert offered(tmp_path, f'{vector} file("|').keys() == {"single.safetensors"}
    assert offered(tmp_path, f'{vector} file("pair.safetensors", "|').keys() == {"one", "two"}


def test_sites_lie_within_the_model(tmp_path: Path) -> None:
    assert {"0.0", "3.7", "mlp.0", "mlp.3"} <= offered(tmp_path, "group g in base at last = |").keys()
    assert list(offered(tmp_path, "group g in base at last = mlp.|")) == [f"mlp.{layer}" for layer in range(4)]
    heads = offered(tmp_path, "group g in base at last = 2.1 3.|")
    assert list(heads) == [f"3.{head}" for head in range(8)]
    assert heads["3.4"].detail == "heads 3.0 to 3.7"
    assert "2.1" not in offered(tmp_path, "group g in base at last = 2.1 2.|")  # it stands there already


# --- at positions that are drawn ---------------------------------------------------------------------------------


@frozen
class Drawn:
    """A word of a spec, taken out; `place` is where it stood."""

    path: Path
    whole: str
    text: str
    place: int


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The shipped specs that check, in a copy where shapes stand in for the models that are fetched."""
    folder = tmp_path_factory.mktemp("shipped") / "specs"
    shutil.copytree(SPECS, folder, ignore=shutil.ignore_patterns("*.safetensors", "*.py", "tokenizer.json", "*.gguf"))
    paths = sorted(folder.rglob("*.et"))
    for path in paths:
        text = path.read_text(encoding="utf-8")
        for written, shape in STAND_INS.items():
            if written in text:
                text = text.replace(written, f'local("{shape}")')
                shutil.copytree(folder / "stand_ins" / shape, path.parent / shape, dirs_exist_ok=True)
        path.write_text(text, encoding="utf-8")
    sound = [path for path in paths if not errors_of(path, path.read_text(encoding="utf-8"))]
    assert len(sound) > 60
    return sound


def errors_of(path: Path, text: str) -> list[Diagnostic]:
    return [problem for problem in check(Source(str(path), text), {}).problems if problem.is_error]


def drawn(paths: list[Path]) -> Iterator[Drawn]:
    """Words and names of the specs, drawn: more than are looked at."""
    draw, texts = random.Random(SEED), {path: path.read_text(encoding="utf-8") for path in paths}
    places = [(path, *found) for path, text in texts.items() for found in words_of(text)]
    for _ in range(100 * POSITIONS):
        path, place, word = draw.choice(places)
        text = texts[path]
        yield Drawn(path, text, text[:place] + text[place + len(word) :], place)


def words_of(text: str) -> Iterator[tuple[int, str]]:
    place = 0
    for kind, piece in pieces(text):
        if kind in WRITTEN:
            yield place, piece
        place += len(piece)


def test_only_what_would_check_is_offered_and_what_stood_there_is(shipped: list[Path]) -> None:
    looked_at = free = tried = 0
    for one in drawn(shipped):
        if looked_at == POSITIONS:
            break
        found = completions(analysed(Source(str(one.path), one.text)), one.place)
        for each in found:
            wrong = wrong_with(one, each)
            assert not wrong, f"{told(one)}: {each.label} is offered, and {wrong}"
        tried += len(found)
        if not any(written(one, each) == one.whole for each in found):
            assert any_name_is_right(one), f"{told(one)} is not offered"
            free += 1
        else:
            looked_at += 1
    assert tried > 3 * POSITIONS
    assert free < POSITIONS / 3, "names that are declared, and what is known after a run, are few"
    print(f"{POSITIONS} positions, {tried} words and names tried, {free} places where any name is right")


def wrong_with(one: Drawn, each: Completion) -> str:
    """Of a word: that its text is the beginning of none that parses. Of a name: an error that comes with it, but for
    those that follow in other items."""
    text, end = written(one, each), each.replaces.start + len(each.text)
    if each.kind in ("word", "function"):
        whole = each.label if " " in each.label else each.text  # `by` of `coloured by` may stand there already
        return "" if isinstance(begun(text[: each.replaces.start] + whole), Begun) else "it cannot be read"
    starts = [*item_starts(text), len(text)]
    first = max(start for start in starts if start <= each.replaces.start)
    item = range(first, min(start for start in starts if start >= end))
    follow = FOLLOW_UPS + OF_A_MODEL * text.startswith("model", first)
    for problem in errors_of(one.path, text):
        if problem.code not in follow or (problem.span.file == str(one.path) and problem.span.start in item):
            return f"{problem.code} {problem.message}"
    return ""


@pytest.mark.parametrize(
    "begun", ["intervention |", "intervention o|", "intervention cut|(c) = zero c at last", "group |"]
)
def test_where_a_name_is_given_no_bracket_has_a_text_in_it(begun: str, tmp_path: Path) -> None:
    assert not [each for each in offered(tmp_path, begun).values() if each.kind == "function"]


def any_name_is_right(one: Drawn) -> bool:
    """Whether the checker asks nothing of a name in this place: it declares one, or is known after a run only."""
    name = "any_name_that_is_new"
    with_name = one.text[: one.place] + name + one.text[one.place :]
    place = range(one.place, one.place + len(name))
    return not any(problem.span.start in place for problem in errors_of(one.path, with_name))


def written(one: Drawn, each: Completion) -> str:
    return one.text[: each.replaces.start] + each.text + one.text[each.replaces.end :]


def told(one: Drawn) -> str:
    row, column = Source("", one.whole).place(one.place)
    return f"{one.path}:{row}:{column} ({one.whole.splitlines()[row - 1].strip()})"


def test_the_longest_spec_is_completed_within_the_time() -> None:
    text = LONGEST.read_text(encoding="utf-8")
    draw = random.Random(SEED)
    took = []
    for place, word in draw.sample(list(words_of(text)), 20):
        document = analysed(Source(str(LONGEST), text[:place] + text[place + len(word) :]))
        start = time.process_time()
        completions(document, place)
        took.append(time.process_time() - start)
    assert sorted(took)[-2] < SECONDS, took
