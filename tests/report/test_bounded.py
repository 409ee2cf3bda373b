"""What a notebook shows of each kind of result: all that it says, nothing that obeys, and not too much of it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from attrs import evolve
from test_documents import Tags

from entrack.diagnostics.colours import ERROR, FRAME, SHARE, WARNING
from entrack.highlight.shown import COLOURS
from entrack.report.bounded import CELLS, ROWS, SIDE_BY_SIDE, TABLES, bounded_grids
from entrack.report.html import item_html
from entrack.results import Axis, Cell, Claims, Discovery, Interval, Measure, Results
from entrack.sites import Site

PICKED: dict[str, Callable[[Results], Any]] = {
    "results": lambda found: found,
    "measure": lambda found: found.measures[0],
    "discovery": lambda found: found.discoveries[0],
    "group": lambda found: found.discoveries[0].groups[0],
    "mask": lambda found: found.masks[0],
    "masks": lambda found: found.masks,
    "claim": lambda found: found.claims[0],
    "claims": lambda found: found.claims,
}


@pytest.mark.parametrize("kind", PICKED)
def test_hostile_text_adds_no_element(kind: str, hostile: Results, results: Results, study: Results) -> None:
    evil, benign = Tags(item_html(PICKED[kind](hostile))), [Tags(item_html(found)) for found in (results, study)]
    assert evil.tags <= benign[0].tags | benign[1].tags
    assert evil.attributes <= benign[0].attributes | benign[1].attributes
    assert not set(item_html(PICKED[kind](hostile))) & {"\x1b", "\x07", "\u202e", "\u2066"}


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("measure", ["task", "0.66", "tuned"]),
        ("discovery", ["value_fetcher", "3.1 -0.400", "at last -> logits"]),
        ("group", ["value_fetcher", "3.1 -0.400", "at last -> logits"]),
        ("claims", ["✓ pass", "✗ FAIL"]),
        ("claim", ["✓ pass"]),
    ],
)
def test_each_says_what_it_is(kind: str, words: list[str], results: Results) -> None:
    html = item_html(PICKED[kind](results))
    shown = " ".join(Tags(html).words)
    assert [word for word in words if word not in shown] == []
    assert html.startswith('<div class="entrack"><style>') and html.endswith("</div>")


def test_masks_are_shown_together_and_alone(study: Results) -> None:
    together = " ".join(Tags(item_html(study.masks)).words)
    alone = " ".join(Tags(item_html(study.masks[0])).words)
    assert all(mask.desideratum in together for mask in study.masks)
    others = {mask.desideratum for mask in study.masks} - {study.masks[0].desideratum}
    assert others and study.masks[0].desideratum in alone and not any(other in alone for other in others)


def large(rows: int, columns: int) -> Measure:
    axes = (
        Axis("layer", tuple(map(str, range(rows))), over="layers"),
        Axis("head", tuple(f"h{head}" for head in range(columns)), over="heads"),
    )
    cells = tuple(
        Cell(labels, 0.5, 20, Interval(0.4, 0.6), (1.0, 0.0)) for labels in product(*(axis.labels for axis in axes))
    )
    return Measure("grid", "accuracy", "fraction of prompts", axes, cells)


@pytest.mark.parametrize(("rows", "columns"), [(80, 64), (20_000, 1), (1, 20_000), (300, 300), (3, 2_000)])
def test_a_huge_measure_is_bounded_and_says_how_much_more_there_is(rows: int, columns: int) -> None:
    measure = large(rows, columns)
    html = item_html(measure)
    assert len(html) < 250_000 and html.count("<td") <= 1.1 * CELLS
    assert f"... and {rows * columns - CELLS:,} more cells of grid" in html


def test_the_first_rows_of_a_table(results: Results) -> None:
    claims = Claims(results.claims[:1] * 2_385)
    (grid,) = bounded_grids(claims)
    assert len(grid.rows) == len(grid.good) == ROWS
    assert grid.caption.startswith("... and 2,345 more rows\n2385 of 2385 hold")
    (few,) = bounded_grids(results.claims)
    assert "more" not in few.caption.split("\n")[0]


def test_the_first_heads_of_a_group(results: Results) -> None:
    group = results.discoveries[0].groups[0]
    sites = tuple(Site.of_head(layer, head) for layer in range(20) for head in range(20))
    intervals = (Interval(-0.2, -0.1),) * len(sites)
    wide = evolve(group, sites=sites, scores=dict.fromkeys(sites, -0.1), intervals=intervals)
    (grid,) = bounded_grids(wide)
    assert len(grid.rows[0][1]) == SIDE_BY_SIDE + 1 and grid.rows[0][1][-1] == "... and 340 more"


def test_many_results(results: Results) -> None:
    many = tuple(evolve(results.measures[0], name=f"m{place}") for place in range(TABLES + 3))
    several = evolve(results, measures=many, tables=())
    grids = bounded_grids(several)
    assert len(grids) == TABLES + 1 and grids[-1].caption.startswith("... and more results")


def test_an_empty_column_is_left_out(results: Results) -> None:
    claims = Claims(evolve(claim, published=None) for claim in results.claims)
    assert "published" not in bounded_grids(claims)[0].head
    published = Claims(evolve(claim, published=0.5) for claim in results.claims)
    grid = bounded_grids(published)[0]
    assert {grid.head[place] for place in grid.right} == {"published", "n"}


def test_reprs_are_short(results: Results) -> None:
    assert repr(large(300, 300)) == "<Measure grid: accuracy, 90,000 cells>"
    assert repr(results).startswith("<Results 'Entity tracking, small': task, table_2, ")
    assert repr(results).endswith("; 1 of 2 claims hold>")
    assert repr(results.discoveries[0]).startswith("<Discovery cir: value_fetcher (3), position_transmitter (2)")
    assert repr(results.discoveries[0].groups[0]) == "<Group value_fetcher at last: 3 kept of 32>"


# colours

THEMES = [
    ((33, 33, 33), (255, 255, 255)),  # Jupyter, light
    ((255, 255, 255), (17, 17, 17)),  # Jupyter, dark
    ((59, 59, 59), (255, 255, 255)),  # VS Code, light
    ((204, 204, 204), (31, 31, 31)),  # VS Code, dark
    ((230, 237, 243), (13, 17, 23)),  # GitHub, dark
]
"""The colour of the text, and of what is behind it."""
Colour = tuple[float, ...]


def luminance(colour: Colour) -> float:
    shares = (value / 255 for value in colour)
    linear = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: Colour, other: Colour) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colour", [*(look.middle for look in COLOURS.values()), ERROR, WARNING, FRAME])
def test_colours_can_be_read_on_light_and_on_dark(colour: str) -> None:
    for text, behind in THEMES:
        mixed = tuple(SHARE * own + (1 - SHARE) * ours for own, ours in zip(text, bytes.fromhex(colour), strict=True))
        assert contrast(mixed, behind) >= 4.5, (colour, text, behind)


def test_the_discovery_of_a_group_says_the_same(results: Results) -> None:
    whole: Discovery = results.discoveries[0]
    (grid,), (one,) = bounded_grids(whole), bounded_grids(whole.groups[0])
    assert one.rows[0] == grid.rows[0]


@pytest.mark.parametrize("kind", [kind for kind in PICKED if kind not in ("masks", "claim", "claims")])
def test_reprs_obey_nothing(kind: str, hostile: Results) -> None:
    assert not set(repr(PICKED[kind](hostile))) & {"\x1b", "\x07", "\u202e", "\u2066"}
