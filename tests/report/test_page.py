"""`report.html`: what stands on it, and that it is always the same."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from pathlib import Path

import pytest
from attrs import evolve

from entrack.report.anchors import anchor, cell_anchor
from entrack.report.claims_table import measured_words
from entrack.report.describe import described
from entrack.report.figures import draw_all, drawings, in_folder, usual
from entrack.report.html import Written, report_html
from entrack.report.html.number_line import number_line
from entrack.report.html.vector import inline
from entrack.results import Basis, Certificate, Claim, Figure, Interval, Results, Verdict
from entrack.source import Source

SPEC = Written((Source("a/study.et", "entrack 1\n"), Source("a/more/boxes.et", "entrack 1\nseed 7\n")))
LABELS = ("base", "only(cir)", "boxes")


@pytest.fixture
def claimed(results: Results) -> Results:
    """One claim that rests on a cell, a measure and a discovery."""
    first, second = results.claims
    basis = Basis((("table_2", LABELS),), ("task",), ("cir",))
    return evolve(results, claims=(evolve(first, rests_on=basis), second))


def test_the_same_results_give_the_same_page(results: Results, tmp_path: Path) -> None:
    pages = []
    for name in ("a", "b"):
        draw_all(results, tmp_path / name)
        pages.append(report_html(results, SPEC, drawings(results, in_folder(tmp_path / name))))
    assert pages[0] == pages[1] and len(pages[0]) > 50_000


def test_a_figure_leads_to_its_numbers(results: Results, tmp_path: Path) -> None:
    """Those of a table that the spec asks for, or of all where it asks for none."""
    draw_all(results, tmp_path)
    page = report_html(results, SPEC, drawings(results, in_folder(tmp_path)))
    links = re.findall(r'<a href="#([^"]+)">The numbers as a table</a>', page)
    assert links and all(page.count(f'id="{link}"') == 1 for link in links)
    assert len(re.findall(r'<desc id="figure-\d+-desc">', page)) == len(usual(results))
    assert 'id="desc"' not in page, "what a file says of itself is said once"


def test_a_claim_leads_to_what_it_rests_on(claimed: Results) -> None:
    page = report_html(claimed, SPEC)
    for target in (cell_anchor("table_2", LABELS), anchor("measure", "task"), anchor("discovery", "cir")):
        assert f'href="#{target}"' in page and page.count(f'id="{target}"') == 1
    value = re.search(rf'id="{cell_anchor("table_2", LABELS)}"[^>]*>([^<]*)<', page)
    assert value is not None and value[1].startswith("0.65 [")
    assert "1 of 2 claims hold; not supported: <a href" in page


def test_how_to_try_it_names_the_params_that_were_set(claimed: Results) -> None:
    assert "entrack run small.et -p n=300</code>: claim 2 of 2" in report_html(claimed, Written())
    assert "entrack run PACK</code>: claim 2 of 2" in report_html(claimed, Written(command="entrack run PACK"))
    assert "Params were set from outside: n = 300." in report_html(claimed, Written())


def test_the_policy_allows_the_one_style_sheet(results: Results) -> None:
    page = report_html(results, SPEC)
    style = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert len(style) == 1
    digest = b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:;" in page
    assert not re.search(r"""\sstyle=|\son\w+=|<script|https?://(?!www\.w3\.org/)""", page)


def test_every_text_of_the_spec_is_there(results: Results) -> None:
    page = report_html(results, SPEC)
    assert re.findall(r'<details class="file"( open)?><summary><h3>([^<]*)<', page) == [
        (" open", "study.et"),
        ("", "more/boxes.et"),
    ]


def test_a_measure_that_is_set_twice_has_its_names_once(results: Results) -> None:
    table = results.tables[0]
    page = report_html(evolve(results, tables=(table, evolve(table, title="Again"))), SPEC)
    assert page.count("<h3>Again</h3>") == 1
    assert page.count(f'id="{cell_anchor("table_2", LABELS)}"') == 1


def test_names_of_links_differ_where_things_differ() -> None:
    names = [anchor("measure", name) for name in ("Acc", "acc", "a b", "a-b", 'a"b', "", "x" * 65)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[\w-]+", name) for name in names)
    assert cell_anchor("m", ("a", "b")) != cell_anchor("m", ("ab",))


def test_figures_are_told_in_words(results: Results, study: Results) -> None:
    told = {figure.title: described(figure, results) for figure in usual(results)}
    assert told["cir diagram"].startswith(
        "A diagram of the circuit cir, found in base on 300 prompts. value_fetcher, at"
    )
    assert "position_detector, at query: 1 head (1.3), into position_transmitter.value." in told["cir diagram"]
    assert "value_fetcher, at last into logits: 3 of 32 kept, from 3.1 (-0.400) to 2.2 (-0.100)" in told["cir heatmap"]
    assert told["task"].endswith("along model (2). The numbers: base 0.66 [0.62, 0.70]; tuned 0.82 [0.78, 0.86].")
    assert "answer: from 0.00 at 0.. to 0.50 at 5..; highest 0.50 at 5.., lowest 0.00 at 0.." in told["knockout"]
    minimal = described(Figure("m", "bars", "minimal"), study)
    assert "value_fetcher, value_fetcher 3.6, fall 0.30 [0.28, 0.33]" in minimal and "ratio 0" not in minimal
    assert all(described(figure, study) for figure in usual(study))


def test_a_number_line_says_what_it_draws(results: Results) -> None:
    held, failed = (number_line(claim, "c") for claim in results.claims)
    assert "A line with 0.98 [0.94, 1.02], which must be &gt;= 0.95; published: 1.00." in held
    assert "which must be within 0.03 of 0.89" in failed and ">0.86 to 0.92<" in failed
    assert number_line(evolve(results.claims[0], value=float("nan")), "c") == ""


def test_the_line_of_a_certified_claim_is_of_its_certificate(results: Results) -> None:
    """Where the right side is measured, too, the limits are of left - right, and so is the line."""
    claim = evolve(results.claims[0], published=None)
    plain = re.findall(r'"interval" x1="([^"]*)" x2="([^"]*)"', number_line(claim, "c"))
    certificate = Certificate(Verdict.CERTIFIED, 0.95, claim.expression, Interval(0.97, 0.99), 35, 50, 1000, None)
    drawn = number_line(evolve(claim, certificate=certificate), "c")
    ends = [float(x) for x in re.findall(r'"interval" x1="([^"]*)" x2="([^"]*)"', drawn)[0]]
    assert ends == pytest.approx([8 + 304 * 0.97, 8 + 304 * 0.99], abs=0.1) and plain != ends
    assert "at 95 % at least 0.97, certain after 35 fresh prompts" in drawn
    apart = evolve(certificate, of="left - right", interval=Interval(0.01, 0.06))
    line = number_line(evolve(claim, value=0.98, bound=0.95, certificate=apart), "c")
    dot, edge = (float(re.search(rf'class="{name}" c?x1?="([^"]*)"', line)[1]) for name in ("value", "bound"))  # type: ignore[index]
    assert (dot, edge) == pytest.approx((8 + 304 * 0.03, 8), abs=0.1)


@pytest.mark.parametrize("relation", [">=", "<=", ">", "<", "==", "within"])
def test_what_is_drawn_lies_on_the_line(relation: str) -> None:
    for value in (-3.0, 0.0, 0.5, 1e9):
        interval = Interval(value - 0.5, float("inf"))
        claim = Claim("c", "e", value, relation, 0.25, True, 9, interval, 0.5 if relation == "within" else None, 0.3)
        for x in re.findall(r' (?:x|x1|x2|cx)="([^"]*)"', number_line(claim, "c")):
            assert 0 <= float(x) <= 320, measured_words(claim)
        assert all(float(width) >= 0 for width in re.findall(r'width="([^"]*)"', number_line(claim, "c")))


def test_a_drawing_keeps_no_name_and_no_style_of_its_own(results: Results, tmp_path: Path) -> None:
    draw_all(results, tmp_path)
    for figure, svg in drawings(results, in_folder(tmp_path)):
        found = inline(svg, "figure-9", figure.title, "words")
        assert " style=" not in found and "<style" not in found and "<metadata" not in found
        ids = re.findall(r' id="([^"]*)"', found)
        assert ids and len(set(ids)) == len(ids) and all(name.startswith("figure-9-") for name in ids)
        used = re.findall(r'url\(#([^)]*)\)|href="#([^"]*)"', found)
        assert used and {first or second for first, second in used} <= set(ids)


def test_a_drawing_of_others_is_refused() -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9pt" viewBox="0 0 9 9"><script>alert(1)</script></svg>'
    with pytest.raises(ValueError, match="an element 'script'"):
        inline(svg, "figure-1", "title", "words")


def test_a_large_measure_is_no_table_and_claims_lead_to_its_name(claimed: Results) -> None:
    small = next(each for each in claimed.measures if each.name == "table_2")
    many = tuple(evolve(small.cells[0], labels=("base", f"only({place})", "boxes")) for place in range(5001))
    axes = (small.axes[0], evolve(small.axes[1], labels=tuple(cell.labels[1] for cell in many)), small.axes[2])
    large = evolve(small, axes=axes, cells=many)
    page = report_html(evolve(claimed, measures=(large, claimed.measures[0])), SPEC)
    assert len(page) < 100_000 and "5,001 cells, which stand in tables/ and in results.json" in page
    assert f'href="#{anchor("measure", "table_2")}"' in page and cell_anchor("table_2", LABELS) not in page
