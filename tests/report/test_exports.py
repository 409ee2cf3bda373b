"""Tables as CSV, LaTeX and Markdown, and numbers as macros."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from attrs import evolve

from entrack.report import exports
from entrack.results import Axis, Cell, Certificate, Claim, Confirmed, Interval, Measure, Race, Results, Verdict
from entrack.results.text_table import IN_LATEX, TextTable, latex, markdown

COMMAND = re.compile(r"\\newcommand\{\\([A-Za-z]+)\}\{([^\n]*)\}")


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def measure(*labels: str, name: str = "m", axis: str = "a") -> Measure:
    cells = tuple(Cell((label,), 0.5, 10, Interval(0.25, 0.75), (0.5,)) for label in labels)
    return Measure(name, "accuracy", "fraction", (Axis(axis, labels),), cells)


def test_csv_has_a_row_a_cell_and_every_digit(results: Results) -> None:
    for each in results.measures:
        rows = read(each.to_csv())
        for row, cell in zip(rows, each.cells, strict=True):
            assert [row[axis.name] for axis in each.axes] == list(cell.labels)
            assert (float(row["value"]), int(row["n"])) == (cell.value, cell.n)
            assert cell.interval is not None
            assert (float(row["low"]), float(row["high"])) == (cell.interval.low, cell.interval.high)


def test_an_axis_called_as_a_column_keeps_its_labels() -> None:
    found = measure("2", "7", axis="n")
    assert [(row["axis n"], row["n"]) for row in read(found.to_csv())] == [("2", "10"), ("7", "10")]
    assert [(record["axis n"], record["n"]) for record in found.records()] == [("2", 10), ("7", 10)]


def test_csv_of_a_discovery_has_every_site_and_others_those_kept(results: Results) -> None:
    found = results.discoveries[0]
    rows = read(found.to_csv())
    assert len(rows) == sum(len(group.scores) for group in found.groups)
    kept = [row["site"] for row in rows if row["kept"] == "yes"]
    assert sorted(kept) == sorted(str(site) for group in found.groups for site in group.sites)
    assert found.to_latex().count(r"\\") == len(kept) + 1
    assert len(found.to_markdown().splitlines()) == len(kept) + 4


def test_tables_have_intervals_of_confirmed_scores_and_of_no_others(results: Results) -> None:
    found = results.discoveries[0]
    assert not any(row["low"] or row["high"] for row in read(found.to_csv())) and "[" not in found.to_markdown()
    first = found.groups[0]
    scores = {site: -0.125 - place for place, site in enumerate(first.sites)}
    confirmed = Confirmed(7, scores, {site: Interval(score - 1, score + 1) for site, score in scores.items()}, {})
    again = evolve(found, groups=(evolve(first, confirmed=confirmed), *found.groups[1:]))
    rows = {(row["group"], row["site"]): row for row in read(again.to_csv())}
    for site, score in scores.items():
        row = rows[first.name, str(site)]
        assert [row["value"], row["low"], row["high"], row["n"]] == [str(score), str(score - 1), str(score + 1), "7"]
        assert row["found"] == str(first.scores[site])
    others = [row for (group, site), row in rows.items() if group != first.name or row["kept"] == "no"]
    assert not any(row["low"] for row in others) and {row["n"] for row in others} == {str(found.n)}


def test_a_raced_score_is_over_the_prompts_of_its_sender(results: Results) -> None:
    found = results.discoveries[0]
    first = found.groups[0]
    prompts = {site: 50 + place for place, site in enumerate(first.scores)}
    race = Race(0.95, (50,), 1, 2, prompts, {}, {}, ())
    raced = evolve(found, groups=(evolve(first, race=race), *found.groups[1:]))
    rows = [row for row in read(raced.to_csv()) if row["group"] == first.name]
    assert {row["site"]: row["n"] for row in rows} == {str(site): str(many) for site, many in prompts.items()}


def test_csv_of_claims(results: Results) -> None:
    rows = read(results.text_tables()[-1].to_csv())
    assert [row["verdict"] for row in rows] == ["pass", "fail"]
    assert [(row["value"], row["tolerance"], row["published"]) for row in rows] == [
        ("0.985", "", "1.0"),
        ("0.73", "0.03", "0.89"),
    ]


def test_a_number_that_does_not_exist_is_empty() -> None:
    cells = tuple(Cell((label,), float(label), 3, None, ()) for label in ("nan", "inf", "1"))
    found = Measure("m", "x", "", (Axis("a", ("nan", "inf", "1")),), cells)
    assert [row["value"] for row in read(found.to_csv())] == ["", "", "1.0"]
    assert r"\ensuremath{\infty}" in found.to_latex() and "undefined" in found.to_markdown()


def test_latex_is_a_table_of_booktabs(results: Results) -> None:
    assert results.measures[0].to_latex() == (
        "% task: accuracy (fraction); 95 \\% intervals in brackets\n"
        "\\begin{tabular}{lrr}\n\\toprule\nmodel & value & n \\\\\n\\midrule\n"
        "base & 0.66 [0.62, 0.70] & 500 \\\\\ntuned & 0.82 [0.78, 0.86] & 480 \\\\\n\\bottomrule\n\\end{tabular}\n"
    )


def test_markdown_is_a_table(results: Results) -> None:
    assert results.measures[0].to_markdown() == (
        "| model | value | n |\n| --- | ---: | ---: |\n"
        "| base | 0.66 \\[0.62, 0.70\\] | 500 |\n| tuned | 0.82 \\[0.78, 0.86\\] | 480 |\n\n"
        "task: accuracy (fraction); 95 % intervals in brackets\n"
    )


def test_claims_have_decimals_enough_to_tell() -> None:
    claim = Claim("near", "m", 0.9496, ">=", 0.95, False, 9, Interval(0.9, 1.0))
    found = Results("", (), (), (), (claim, evolve(claim, value=0.5)), (), (), None)  # type: ignore[arg-type]
    assert "0.9496" in found.text_tables()[-1].to_latex() and "0.50 [" in found.text_tables()[-1].to_latex()


@pytest.mark.parametrize("text", [*IN_LATEX, "--", "---", ",,", "a\nb", "\\\\ \\end{tabular}", "\x1b", "\u202e", "%"])
def test_latex_sets_a_text_as_it_is(text: str) -> None:
    written = latex(f"a{text}b")
    assert written.isprintable() and "\n" not in written and "--" not in written
    bare = re.sub(r"\\[a-z]+\{\}|\\[{}&%$#_]|\{[\]\[*,-]\}", "", written)
    assert not set(bare) & set("\\{}&%$#_~^<>|[]*\"'`"), "no sign that LaTeX would obey"


@pytest.mark.parametrize(
    "text", ["<script>", "[a](b)", "![a](b)", "|", "`x`", "*a*", "_a_", "https://x.org", "www.x.org", "a@b.org", "&lt;"]
)
def test_markdown_shows_a_text_as_it_is(text: str) -> None:
    written = markdown(text)
    assert re.sub(r"\\(.)", r"\1", written) == text
    assert not re.search(r"(?<!\\)[<>|`*_\[\]&@]|(?<!\\)://|www\.", written)


@pytest.mark.parametrize("text", ["=1+1", "+1", "@SUM(A1)", "-cmd|' /C calc'!A0", "\tx"])
def test_a_spreadsheet_works_nothing_out(text: str) -> None:
    assert read(TextTable("t", "", ({"a": text, "value": -0.5},)).to_csv())[0] == {"a": f"'{text}", "value": "-0.5"}


def test_hostile_results_are_tables_too(hostile: Results) -> None:
    for table in hostile.text_tables():
        assert len(read(table.to_csv())) == len(table.rows)
        shown = len(table.rows if table.shown is None else table.shown)
        assert table.to_latex().count("\n") == shown + 7
        assert len(table.to_markdown().splitlines()) == shown + 4
        assert not set(table.to_latex() + table.to_markdown()) & {"\x1b", "\x07", "\u202e", "\u2066"}


def test_a_macro_for_each_cell_and_claim(results: Results) -> None:
    found = dict(COMMAND.findall(results.numbers_tex()))
    assert found["etTaskBase"] == "0.66" and found["etTaskBaseLow"] == "0.62" and found["etTaskBaseHigh"] == "0.70"
    assert found["etKnockoutThreeAnswer"] == "0.30"
    assert found["etClaimTheCircuitIsFaithful"] == "0.98"
    cells = sum(len(each.cells) for each in results.measures)
    assert sum(not name.endswith(("Low", "High")) for name in found) == cells + len(results.claims)
    assert results.numbers_tex().count(r"\newcommand") == len(found), "no name is given twice"


def test_names_that_would_be_one_are_told_apart() -> None:
    labels = ("a b", "a-b", "A b", "a b low", "1", "one", "\u00e9", "日本", "!!")
    found = Results("", (measure(*labels),), (), (), (), (), (), None)  # type: ignore[arg-type]
    text = evolve(found, title="t").numbers_tex()
    names = [name for name, _ in COMMAND.findall(text)]
    assert len(set(names)) == len(names) == 3 * len(labels)
    assert {"etMAB", "etMABB", "etMABC"} <= set(names)
    assert "% m{[}a-b{]}, which would be called as m{[}a b{]} is\n" in text
    assert "% m{[}a b low{]}, which would be called as m{[}a b{]} is\n" in text


def test_a_certified_claim_says_what_fresh_prompts_said(results: Results) -> None:
    """Beside its verdict: the limits, of what they are, how likely they hold, and after how many prompts."""
    certificate = Certificate(Verdict.REFUTED, 0.95, "x", Interval(float("-inf"), 0.9462), 35, 50, 1000, None)
    certified = evolve(results.claims[0], expression="x", certificate=certificate, passed=False)
    told = evolve(results, claims=(certified, results.claims[1]))
    table = next(each for each in told.text_tables() if each.name == "claims")
    first, second = read(table.to_csv())
    names = ("verdict", "fresh_of", "fresh_low", "fresh_high", "fresh_n", "level")
    assert [first[name] for name in names] == ["refuted", "x", "", "0.9462", "35", "0.95"]
    assert [second[name] for name in names[1:]] == [""] * 5
    assert "0.946" in table.to_markdown() and "-infinite" in table.to_markdown()
    macros = dict(COMMAND.findall(told.numbers_tex()))
    ends = ("Verdict", "FreshLow", "FreshHigh", "FreshN", "FreshLevel")
    assert [macros[f"etClaimTheCircuitIsFaithful{end}"] for end in ends] == [
        "refuted",
        r"\ensuremath{-}\ensuremath{\infty}",
        "0.946",
        "35",
        "0.95",
    ]
    assert not any("fresh_n" in row for row in results.text_tables()[-1].rows), "no columns where none is certified"


def test_a_limit_on_fresh_prompts_is_not_rounded_to_the_bound(results: Results) -> None:
    certificate = Certificate(Verdict.UNDECIDED, 0.95, "x", Interval(0.94960, 0.99), 35, 50, 1000, None)
    claim = evolve(results.claims[0], expression="x", value=0.97, bound=0.95, certificate=certificate)
    claim = evolve(claim, interval=Interval(0.92, 1.0))
    table = evolve(results, claims=(claim,)).text_tables()[-1]
    assert table.name == "claims" and "0.9496" in table.to_markdown() and "0.9496" in table.to_latex()


def test_what_is_said_of_a_claim_is_no_name_of_another(results: Results) -> None:
    certificate = Certificate(Verdict.CERTIFIED, 0.95, "x", Interval(0.9, 1.0), 35, 50, 1000, None)
    first = evolve(results.claims[0], text="a", certificate=certificate)
    told = evolve(results, claims=(first, evolve(results.claims[1], text="a fresh n")))
    names = [name for name, _ in COMMAND.findall(told.numbers_tex())]
    assert len(names) == len(set(names)) and {"etClaimAFreshN", "etClaimAFreshNB"} <= set(names)


def test_a_minus_is_one() -> None:
    cells = (Cell(("x",), -0.25, 9, Interval(-0.5, float("inf")), ()),)
    found = Results("t", (Measure("m", "x", "", (Axis("a", ("x",)),), cells),), (), (), (), (), (), None)  # type: ignore[arg-type]
    assert dict(COMMAND.findall(found.numbers_tex())) == {
        "etM": r"\ensuremath{-}0.25",
        "etMLow": r"\ensuremath{-}0.50",
        "etMHigh": r"\ensuremath{\infty}",
    }


def test_files_have_names_that_are_safe_and_differ() -> None:
    names = exports.file_names(("kept", "Kept", "../../x", "con", "", "a b", "claims", "claims"))
    assert names == ("kept", "Kept-2", "table-x", "table-figure-con", "table-figure", "table-a-b", "claims", "claims-2")
    assert len(set(map(str.lower, names))) == len(names)


def test_the_same_results_give_the_same_files(results: Results, tmp_path: Path) -> None:
    first, second = (exports.write(results, tmp_path / name) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert {path.name for path in first} >= {"numbers.tex", "task.csv", "cir.tex", "claims.md"}
    assert {path.parent for path in first} == {tmp_path / "a", tmp_path / "a" / "tables"}


def test_a_large_measure_has_no_macros_and_that_is_said() -> None:
    found = Results("t", (measure(*map(str, range(2001))),), (), (), (), (), (), None)  # type: ignore[arg-type]
    assert COMMAND.findall(found.numbers_tex()) == []
    assert "% m has 2001 cells, and so no macros\n" in found.numbers_tex()
