"""What reports show of a screen: which heads were not run, what they are estimated at, and what may have been
missed."""

from __future__ import annotations

from io import StringIO

import numpy as np
from attrs import evolve
from rich.console import Console

from entrack.report import tables
from entrack.report.plots import score_map
from entrack.report.table_data import discovery_grid
from entrack.results import Agreement, Discovery, Group, Interval, Missed, Screen
from entrack.sites import Site, by_head

SCREEN = Screen(
    steps=5,
    through=(Site.of_head(1, 0), Site.of_head(0, 2), Site.of_head(0, 0)),
    places=(1, 3),
    agreement=Agreement(0.5, Interval(-0.25, 0.875), 3),
    missed=Missed((Site.of_head(0, 1),), (Site.of_head(0, 1),), 2, Interval(1.0, 2.0)),
    estimates=by_head(((-0.25, 0.5, -0.5), (-1.0, 0.125, 0.0))),
)
GROUP = Group(
    "movers",
    "last",
    ("logits",),
    (Site.of_head(1, 0), Site.of_head(0, 0)),
    (Interval(-1.0, -0.5),) * 2,
    by_head(((-0.25, -0.5, 0.0625), (-0.75, None, 0.0))),
    known_zero=1,
    screen=SCREEN,
)
FOUND = Discovery("cir", "base", "logit of answer", 9, (GROUP,))


def shown(found: Discovery) -> str:
    console = Console(width=160, record=True, file=StringIO())
    console.print(tables.heat(found))
    return console.export_text()


def test_a_table_says_how_far_to_trust_a_screen() -> None:
    grid = discovery_grid(FOUND)
    assert grid.rows[0][0] == "movers\nat last -> logits\n2 kept of 3 scored\n2 screened out\n1 known zeros"
    assert (
        "movers: screened by gradients at 5 points, rank correlation with the scores 0.50 [-0.25, 0.88] "
        "over 3 heads; those kept stood at places 1 to 3 of 3; "
        "of 2 left out 1 of 1 checked would have been kept (0.1): 1 to 2 of all (95 %)"
    ) in grid.caption.split("\n")


def test_where_there_is_little_to_say_little_is_said() -> None:
    few = evolve(SCREEN, steps=0, places=(), agreement=None, missed=Missed((), (), 0, Interval(0.0, 0.0)))
    caption = discovery_grid(evolve(FOUND, groups=(evolve(GROUP, sites=(), intervals=(), screen=few),))).caption
    assert "movers: screened by one gradient, nothing to rank; none was left out" in caption.split("\n")
    unchecked = evolve(few, missed=Missed((), (), 4, Interval(0.0, 4.0)))
    caption = discovery_grid(evolve(FOUND, groups=(evolve(GROUP, sites=(), intervals=(), screen=unchecked),))).caption
    assert "movers: screened by one gradient, nothing to rank; 4 were left out, and none checked" in caption.split("\n")


def test_a_map_marks_what_was_not_run() -> None:
    text = shown(FOUND)
    assert "1 █? \n" in text
    assert "? screened out, not run" in text
    assert "?" not in shown(
        evolve(FOUND, groups=(evolve(GROUP, scores=by_head(((-0.25, -0.5, 0.0625), (-0.75, 0.0, 0.0))), screen=None),))
    )


def test_a_figure_dots_what_was_not_run_in_the_colour_of_its_estimate() -> None:
    figure = score_map(FOUND, "Scores")
    axes = figure.axes[0]
    mesh, dots = axes.collections
    assert np.asarray(dots.get_offsets()).tolist() == [[1.5, 1.5]]
    assert np.asarray(mesh.get_array()).ravel()[4] == 0.125
    assert "dotted: screened out and not run" in " ".join(text.get_text().replace("\n", " ") for text in figure.texts)
    plain = score_map(
        evolve(
            FOUND, groups=(evolve(GROUP, scores=by_head(((-0.25, -0.5, 0.0625), (-0.75, 0.125, 0.0))), screen=None),)
        ),
        "Scores",
    )
    assert np.size(plain.axes[0].collections[1].get_offsets()) == 0
    assert "dotted" not in " ".join(text.get_text() for text in plain.texts)
