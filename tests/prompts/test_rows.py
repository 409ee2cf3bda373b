"""Rows of files: their columns stay together, no purpose takes a row of another, and places are found as a reader of
the file finds them."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from entrack import api, budget
from entrack.check.resolved import Certificate
from entrack.cli.prompts import prompts_json
from entrack.compile import SpecError, prompts_of
from entrack.diagnostics import errors
from entrack.report.claims_table import claims_grid
from entrack.results import Cell, Claim, Measure, Verdict
from entrack.source import Source

THINGS = ("apple", "ball", "bell", "book", "boot", "bottle", "bowl", "brush", "bus", "cake", "camera", "candle")
PROMPT = "The {a} is in Box {x}, the {b} is in Box {y}. Box {x} contains the"
HEAD = """entrack 1
model base = builtin("boxes-base")
"""
TASK = """task pairs {
  row    = one row of "pairs.csv"
  prompt = row.clean
  answer = row.answer
  wrong  = row.wrong
  at last = end of prompt
}
alternate corrupted of pairs { prompt = row.corrupted }
alternate another of pairs { fresh row }
"""
PURPOSES = ("measure", "discover", "mean", "sample", "train", "validate")
Row = Mapping[str, str]


def pairs(many: int) -> list[dict[str, str]]:
    """Rows about two things each, no two alike."""
    rows = []
    for number in range(many):
        a, b = THINGS[number % 12], THINGS[(number + 1 + number // 12 % 11) % 12]
        x, y = "ABCDEFGH"[number // 132 % 8], "JKLMNOPQ"[number // 1056 % 8]
        clean, corrupted = (PROMPT.format(a=one, b=other, x=x, y=y) for one, other in ((a, b), (b, a)))
        row = {"clean": clean, "corrupted": corrupted, "answer": a, "wrong": b, "other": y, "place": "10"}
        rows.append({**row, "marked": PROMPT.format(a=f"[[thing: {a}]]", b=f"[[with: {b}]]", x=x, y=y)})
    return rows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "pairs.csv", pairs(100))
    return tmp_path


def write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def loaded(folder: Path, text: str) -> api.Spec:
    return api.loads(Source(str(folder / "spec.et"), HEAD + text))


def drawn(folder: Path, text: str, name: str, count: int, purpose: str = "measure") -> list[dict[str, Any]]:
    return prompts_json(prompts_of(loaded(folder, text)._spec, name, count, None, purpose)[0])


def said(folder: Path, text: str) -> list[str]:
    problems, sources = api.check(Source(str(folder / "spec.et"), HEAD + text), {})
    places = [(p.code, p.span.file, sources[p.span.file].place(p.span.start)[0]) for p in errors(problems)]
    return [f"{code} {Path(file).name}:{line}" for code, file, line in places]


def test_columns_stay_together(folder: Path) -> None:
    known = {(row["clean"], row["answer"], row["wrong"]) for row in pairs(100)}
    entries = drawn(folder, TASK, "pairs", 100)
    assert {(e["text"], e["answer"], e["words"]["wrong"]["text"]) for e in entries} == known


def test_an_alternate_is_made_of_the_row_of_its_original(folder: Path) -> None:
    known = {row["clean"]: row["corrupted"] for row in pairs(100)}
    for entry in drawn(folder, TASK, "corrupted", 100):
        assert entry["alternate"]["text"] == known[entry["text"]]


def test_each_row_once_and_fewer_are_the_first_of_more(folder: Path) -> None:
    texts = [entry["text"] for entry in drawn(folder, TASK, "pairs", 100)]
    assert len(set(texts)) == 100
    assert texts[:7] == [entry["text"] for entry in drawn(folder, TASK, "pairs", 7)]
    assert texts != [row["clean"] for row in pairs(100)], "in an order of chance"
    assert texts != [entry["text"] for entry in drawn(folder, TASK + "seed 1\n", "pairs", 100)]


def test_a_row_more_moves_no_other(folder: Path) -> None:
    before = [entry["text"] for entry in drawn(folder, TASK, "pairs", 100)]
    write(folder / "pairs.csv", pairs(110))
    after = [entry["text"] for entry in drawn(folder, TASK, "pairs", 110)]
    assert [text for text in after if text in before] == before


USED = """
desideratum d on pairs { alternate { fresh row }  target original.wrong }
discover cir in base on 20 pairs against corrupted { group movers at last -> logits keep 2 }
mask m over cir in base for d { train 15; validate 10 }
measure a = accuracy(base with mean cir over 12 pairs) on 9 pairs, 2 draws
measure b = accuracy(base with patch cir from sample of 25 corrupted) on 8 pairs
"""


def test_no_purpose_takes_a_row_of_another(folder: Path) -> None:
    counts = {"discover": 20, "train": 15, "validate": 10, "mean": 12, "sample": 25, "measure": 18}
    assert sum(counts.values()) == 100
    texts = [e["text"] for p, many in counts.items() for e in drawn(folder, TASK + USED, "pairs", many, p)]
    assert sorted(texts) == sorted(row["clean"] for row in pairs(100))


def test_another_measure_moves_no_other_purpose(folder: Path) -> None:
    fewer = USED.replace("on 9 pairs, 2 draws", "on 3 pairs")
    for purpose in PURPOSES:
        assert drawn(folder, TASK + USED, "pairs", 3, purpose) == drawn(folder, TASK + fewer, "pairs", 3, purpose)


def test_draws_take_other_rows(folder: Path) -> None:
    """The second draw of 9 takes what stands after the first."""
    first = [entry["text"] for entry in drawn(folder, TASK + USED, "pairs", 18)]
    (cell,) = loaded(folder, TASK + USED).plan().plan.cells["a"]
    prompts = [prompt.text for run in cell.runs for prompt in run.prompts]
    assert prompts[:9] == first[:9]
    assert prompts[9:18] == first[9:]


def test_an_alternates_own_row_is_of_the_same_purpose(folder: Path) -> None:
    for purpose, many in (("discover", 20), ("measure", 18)):
        own = {entry["text"] for entry in drawn(folder, TASK + USED, "pairs", many, purpose)}
        others = drawn(folder, TASK + USED, "another", many, purpose)
        assert all(entry["alternate"]["text"] in own - {entry["text"]} for entry in others)
        assert len({entry["alternate"]["text"] for entry in others}) > many // 3


CHANGED = """
alternate asked of pairs { row.answer != original.row.answer; row.other == original.row.other }
alternate shown of pairs { more = one row of "more.csv"; prompt = "{more.thing} {row.clean}" }
desideratum other on pairs { alternate { fresh row }  target alternate.row.answer }
measure m = accuracy(base) on 30 [pairs, asked, shown]
measure n = accuracy(base) on 30 other
"""


def test_alternates_of_rows(folder: Path) -> None:
    write(folder / "more.csv", [{"thing": thing} for thing in THINGS * 3])
    known = {row["clean"]: row for row in pairs(100)}
    for entry in drawn(folder, TASK + CHANGED, "asked", 30):
        one, other = known[entry["text"]], known[entry["alternate"]["text"]]
        assert one["answer"] != other["answer"] and one["other"] == other["other"]
    for entry in drawn(folder, TASK + CHANGED, "shown", 30):
        thing, _, clean = entry["alternate"]["text"].partition(" ")
        assert thing in THINGS and clean == entry["text"]
    for entry in drawn(folder, TASK + CHANGED, "other", 30):
        assert entry["target"] == known[entry["alternate"]["text"]]["answer"]


def test_a_thousand_pairs_are_measured(tmp_path: Path) -> None:
    """What the file says of each pair is what is measured: the answer is one of the two things, so a model that
    guesses between them is right in half of the prompts, and each prompt counts once."""
    write(tmp_path / "pairs.csv", pairs(1000))
    text = TASK + "measure told = logit difference(base) on all pairs\nmeasure right = accuracy(base) on all pairs\n"
    measured = cells(tmp_path, text)
    assert {cell.n for cell in measured.values()} == {1000}
    assert measured["right"].value > 0.5
    assert measured["told"].value > 0
    swapped = text.replace("answer = row.answer", "answer = row.wrong").replace(
        "wrong  = row.w", "wrong  = row.answer #"
    )
    assert cells(tmp_path, swapped)["told"].value == pytest.approx(-measured["told"].value)


def cells(folder: Path, text: str) -> dict[str, Cell]:
    """The one cell of each measure."""
    results = loaded(folder, text).run(folder / "store")
    return {found.name: found.cell() for found in results if isinstance(found, Measure)}


def test_rows_run_out(folder: Path) -> None:
    assert said(folder, TASK + USED) == []
    assert said(folder, TASK + USED.replace("on 9 pairs", "on 10 pairs")) == ["E424 spec.et:17"]
    assert said(folder, TASK + "measure m = accuracy(base) on all pairs") == []
    with pytest.raises(SpecError, match="no row left for prompt 101"):
        drawn(folder, TASK, "pairs", 101)


def test_the_means_of_a_vector_take_rows_too(folder: Path) -> None:
    vector = "vector v in base = mean residual.3 at last over {many} pairs - mean residual.3 at last over 5 corrupted\n"
    steered = "measure m = accuracy(base with add v to residual.3 at last) on 10 pairs"
    assert said(folder, TASK + vector.format(many=90) + steered) == []
    assert said(folder, TASK + vector.format(many=91) + steered) == ["E424 spec.et:12"]


def test_all_is_every_row_once(folder: Path) -> None:
    (measure,) = loaded(folder, TASK + "measure m = accuracy(base) on all pairs").resolved.measures
    assert [cell.population.count for cell in measure.cells] == [100]
    swept = "measure m = accuracy(base) on all [pairs, corrupted]"
    (measure,) = loaded(folder, TASK + swept).resolved.measures
    assert [cell.population.count for cell in measure.cells] == [100, 100]
    (measure,) = loaded(folder, "param all = 7\n" + TASK + "measure m = accuracy(base) on all pairs").resolved.measures
    assert [cell.population.count for cell in measure.cells] == [7], "a param may be called so"


def test_two_rows_of_one_file_differ(folder: Path) -> None:
    task = """task two {
      row = one row of "pairs.csv"; example = one row of "pairs.csv"
      prompt = "{example.clean} {example.answer}. {row.clean}"
      answer = row.answer
      at last = end of prompt
      at shown = prompt.example.answer
    }
    measure m = accuracy(base) on all two
    """
    entries = drawn(folder, task, "two", 50)
    parts = [entry["text"].partition(". The ") for entry in entries]
    assert len(parts) == 50
    rows = {row["clean"]: row["answer"] for row in pairs(100)}
    used = []
    for entry in entries:
        shown = next(clean for clean in rows if entry["text"].startswith(f"{clean} {rows[clean]}. "))
        used += [shown, entry["text"].removeprefix(f"{shown} {rows[shown]}. ")]
    assert sorted(used) == sorted(rows)


PLACES = """task placed {
  row    = one row of "pairs.csv"
  prompt = marked(row.marked)
  answer = row.answer
  at last   = end of prompt
  at thing  = prompt.thing
  at comma  = prompt.thing + 4
  at other  = row.other in prompt
  at box    = row.answer in prompt - 1
  at word   = prompt.word[number(row.place)]
  at token  = prompt.token[number(row.place) - 8]
  at is_2   = is.last in prompt
  is        = "is"
}
"""


def test_places(folder: Path) -> None:
    for entry in drawn(folder, PLACES, "placed", 30):
        words = entry["text"].replace(",", " ,").replace(".", " .").split()
        first = entry["token_ids"]
        positions = entry["positions"]
        shift = len(first) - len(words)
        assert "[[" not in entry["text"]
        assert words[positions["thing"] - shift] == entry["answer"]
        assert positions["comma"] - positions["thing"] == 4
        assert words[positions["other"] - shift] == words[positions["comma"] - shift + 7 - 0]
        assert positions["box"] == positions["thing"] - 1
        assert words[positions["word"] - shift] == entry["text"].split()[10].strip(".,")
        assert positions["token"] == 2
        assert positions["is_2"] - shift == max(place for place, word in enumerate(words) if word == "is")


def test_json_lines_say_the_same(folder: Path) -> None:
    rows = pairs(100)
    text = "\n\n".join(json.dumps({**row, "place": int(row["place"]), "more": [1]}) for row in rows)
    (folder / "pairs.jsonl").write_text(text, encoding="utf-8")
    read = drawn(folder, PLACES.replace(".csv", ".jsonl"), "placed", 30)
    lines = [int(entry.pop("rows")[0].partition(":")[2]) for entry in read]
    entries = drawn(folder, PLACES, "placed", 30)
    assert [entry.pop("rows") for entry in entries] == [[f"pairs.csv:{(line + 1) // 2 + 1}"] for line in lines]
    assert read == entries


def test_texts_are_taken_as_they_stand(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_bytes(
        '\ufeffclean,answer\r\n"The {ball}, ""the""\r\ncup\u2028 is in",  ball \r\n'.encode()
    )
    (entry,) = drawn(tmp_path, TASK.replace("  wrong  = row.wrong\n", "").split("alternate")[0], "pairs", 1)
    assert (entry["text"], entry["answer"]) == ('The {ball}, "the"\ncup\u2028 is in', "  ball ")


def test_every_row_that_makes_no_prompt_is_said_with_its_line(folder: Path) -> None:
    rows = pairs(100)
    for number in (3, 50, 99):
        rows[number]["other"] = "zebra"
    write(folder / "pairs.csv", rows)
    text = HEAD + PLACES + "measure m = accuracy(base) on all placed"
    problems, sources = api.check(Source(str(folder / "spec.et"), text), {})
    labels = [label.span for problem in problems for label in problem.related if label.span.file.endswith(".csv")]
    assert [problem.code for problem in problems] == ["E431"] * 3
    assert sorted(sources[span.file].place(span.start)[0] for span in labels) == [5, 52, 101]


def test_a_hundred_thousand_rows_are_read_in_bounded_work(tmp_path: Path) -> None:
    header = "clean,corrupted,answer,wrong"
    good = "The [[thing: ball]] is in Box A. Box A contains the,The cup is in Box A. Box A contains the,ball,cup"
    path = tmp_path / "pairs.csv"
    task = TASK.replace("row.clean", "marked(row.clean)").replace("at last", "at thing = prompt.thing; at last")
    text = HEAD + task.replace("row.corrupted }", "row.corrupted; at thing = prompt.word[1] }")
    text += "measure m = accuracy(base) on all pairs"
    path.write_text("\n".join([header, *[good] * 100_000]) + "\n")
    began = time.process_time()
    with budget.within():
        assert errors(api.check(Source(str(tmp_path / "spec.et"), text), {})[0]) == ()
        spent = budget.so_far()
    assert all(many <= limit.most / 2 for limit, many in spent.items() if limit.of_work)
    path.write_text("\n".join([header, *[good.replace("]]", "]").replace("ball,cup", ",cup")] * 100_000]) + "\n")
    problems, _ = api.check(Source(str(tmp_path / "spec.et"), text), {})
    assert {problem.code for problem in problems} == {"E412", "E441"}
    assert 40 < len(problems) < 100
    assert any("99,980 more bad rows" in problem.message for problem in problems)
    assert time.process_time() - began < 60
    path.write_text("\n".join([header, *[good] * 100_001]) + "\n")
    assert said(tmp_path, text.removeprefix(HEAD)) == ["E213 spec.et:4"]


SLICES = """task slices {
  thing  = 6 distinct from ["apple", "ball", "bell", "book", "boot", "bottle", "bowl", "brush"]
  first  = thing[0..2]
  asked  = one of 0..2
  seen   = join("{first}", " ")
  rest   = join("{thing[3..5]}", " ")
  prompt = "{seen} {rest} {seen}"
  answer = thing[3]
  at last  = end of prompt
  at third = rest.thing[4]
  at of    = rest.thing[asked + 3]
}
"""


def test_slices(tmp_path: Path) -> None:
    for entry in drawn(tmp_path, SLICES, "slices", 20):
        words = entry["text"].split()
        shift = len(entry["token_ids"]) - len(words)
        assert words[:3] == words[6:]
        assert len(set(words[:6])) == 6
        assert words[3] == entry["answer"]
        assert entry["positions"]["third"] - shift == 4
        assert 3 <= entry["positions"]["of"] - shift <= 5


@pytest.mark.parametrize("slice", ["thing[3..6]", "thing[2..1]", 'thing["a"..2]', "single[0..1]"])
def test_slices_that_are_none(tmp_path: Path, slice: str) -> None:
    text = SLICES.replace("first  = thing[0..2]", f"single = 1\n  first = {slice}")
    codes = said(tmp_path, text + "measure m = accuracy(base) on 5 slices")
    assert codes
    assert {code[:4] for code in codes} <= {"E402", "E404", "E420"}


# --- fresh rows --------------------------------------------------------------------------------------------------

CLAIM = 'claim "c" smallest(a) >= 0.3 certified at 95 % up to {} prompts\n'


def certificate(folder: Path, text: str) -> Certificate:
    (found,) = loaded(folder, TASK + text).resolved.certificates
    return found


def test_fresh_rows_are_those_that_nothing_takes(folder: Path) -> None:
    text = USED.replace("over 12 pairs) on 9 pairs", "over 6 pairs) on 5 pairs")
    found = certificate(folder, text + CLAIM.format(500))
    counts = {"discover": 20, "train": 15, "validate": 10, "mean": 6, "sample": 25, "measure": 10}
    left = 100 - sum(counts.values())
    assert (found.most, found.rows) == (left // 2, "pairs.csv"), "two draws take two rows"
    counts["certify"] = left
    texts = [e["text"] for p, many in counts.items() for e in drawn(folder, TASK + text, "pairs", many, p)]
    assert sorted(texts) == sorted(row["clean"] for row in pairs(100))


MEASURED = "measure a = accuracy(base) on {} pairs\n"


def test_rows_that_are_enough_are_not_mentioned(folder: Path) -> None:
    found = certificate(folder, MEASURED.format(20) + CLAIM.format(80))
    assert (found.most, found.rows) == (80, "")
    assert certificate(folder, MEASURED.format(20) + CLAIM.format(81)).most == 80
    other = MEASURED.format(20).replace("pairs", "[pairs, corrupted]")
    assert certificate(folder, other + CLAIM.format(90)).most == 80, "an alternate is made of its original's row"


def test_more_of_a_measure_moves_no_fresh_row(folder: Path) -> None:
    some, many = (drawn(folder, TASK + MEASURED.format(n), "pairs", 10, "certify") for n in (20, 60))
    assert some == many


def test_no_row_is_left(folder: Path) -> None:
    assert said(folder, TASK + MEASURED.format(99) + CLAIM.format(500)) == []
    assert said(folder, TASK + MEASURED.format("all") + CLAIM.format(500)) == ["E647 spec.et:13"]
    sample = "measure a = accuracy(base with patch 3.1 at last from sample of 5 corrupted) on 10 pairs\n"
    assert said(folder, TASK + sample) == []
    assert said(folder, TASK + sample + CLAIM.format(20)) == ["E644 spec.et:13"]


def test_undecided_since_the_rows_ran_out(folder: Path) -> None:
    def decided(bound: float) -> Claim:
        text = TASK + MEASURED.format(30) + CLAIM.format(500).replace("0.3", f"{bound:.6f}")
        return loaded(folder, text).run(folder / "store").claims[0]

    first = decided(0.001).certificate
    assert first is not None and first.verdict is Verdict.CERTIFIED and (first.most, first.rows) == (70, "")
    limits = decided((first.interval.low + first.interval.high) / 2).certificate
    assert limits is not None
    claim = decided((limits.interval.low + limits.interval.high) / 2)
    assert claim.certificate is not None and claim.undecided
    assert claim.certificate.taken == claim.certificate.prompts == 70 and claim.certificate.rows == "pairs.csv"
    assert "after 70 fresh prompts, all rows that `pairs.csv` has left" in str(claims_grid((claim,)).rows)
