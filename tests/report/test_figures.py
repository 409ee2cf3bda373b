"""Figures: written, the same bytes each time, untouched by and not touching a reader's matplotlib, and inert."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import attrs
import matplotlib
import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.patches import Rectangle
from typer.testing import CliRunner

from entrack.analysis.build_results import _figure
from entrack.cli.app import app
from entrack.report import plots
from entrack.report.figure_width import COLUMNS, Column
from entrack.report.figures import draw, draw_all, drawn, usual
from entrack.report.plot_data import numbers, parted
from entrack.report.plots.diagram_arrows import place
from entrack.report.plots.labels import shown
from entrack.results import Axis, Discovery, Figure, Measure, Results
from entrack.sites import Site
from entrack.source import Source
from entrack.syntax import ast
from entrack.syntax.parse import parse

OF_CIRCUITS = (
    Figure("Complete", "scatter", "complete"),
    Figure("Complete", "scatter", "complete", {"error": "sd"}),
    Figure("Complete", "bars", "complete", {"by": "removed"}),
    Figure("Minimal", "bars", "minimal"),
    Figure("Shared", "bars", "shared", {"by": "group"}),
    Figure("Shared", "heatmap", "shared"),
    Figure("Figure 4", "bars", "donors", {"by": "intervention"}),
    Figure("Figure 4", "heatmap", "donors"),
    Figure("Figure A1", "curves", "knockouts", {"by": "k", "coloured": "intervention"}),
)
ASKED = (
    Figure("Figure 1", "diagram", "cir", {"pdf": "yes"}),
    Figure("Fetchers", "diagram", "cir.value_fetcher"),
    Figure("Scores", "heatmap", "cir"),
    Figure("At", "bars", "cir.position_transmitter"),
    Figure("Figure 3", "bars", "figure_3", {"by": "group", "coloured": "desideratum", "error": "sd"}),
    Figure("Table 2", "heatmap", "table_2"),
    Figure("Figure 3", "heatmap", "figure_3", {"by": "desideratum"}),
    Figure("Table 2", "scatter", "table_2", {"by": "intervention"}),
    Figure("Knockout", "curves", "knockout", {"by": "k"}),
    Figure("One", "bars", "one", {"error": "none"}),
)


@pytest.mark.parametrize("figure", ASKED, ids=lambda figure: f"{figure.kind} of {figure.of}")
def test_each_kind_is_written_and_stays_the_same(figure: Figure, results: Results, tmp_path: Path) -> None:
    first, second = draw(figure, results, tmp_path / "a"), draw(figure, results, tmp_path / "b")
    assert [path.suffix for path in first] == [".png", ".svg", *([".pdf"] if figure.options.get("pdf") else [])]
    assert all(path.stat().st_size > 3000 for path in first)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert not list(tmp_path.glob("*/.*"))


def test_a_pdf_says_what_it_shows_and_nothing_of_who_made_it_and_holds_its_letters(results: Results) -> None:
    """A title and a description; no dates, names or versions; nothing compressed, which builds of zlib do otherwise;
    and TrueType letters, since publishers refuse those of Type 3."""
    for name, data in drawn(attrs.evolve(results, figures=ASKED[:3]), ("pdf",)).items():
        assert name.endswith(".pdf")
        assert re.search(rb"\d 0 obj\n<< /Title (.+)\n/Subject (.+)\n>>\nendobj\nxref", data, re.DOTALL), name
        for word in (b"CreationDate", b"Producer", b"matplotlib", b"FlateDecode", b"/Type3"):
            assert word not in data, word
        assert b"/FontFile2" in data


@pytest.mark.parametrize("figure", OF_CIRCUITS, ids=lambda figure: f"{figure.kind} of {figure.of}")
@pytest.mark.filterwarnings("error")
def test_whole_circuits_are_drawn_and_stay_the_same(figure: Figure, study: Results, tmp_path: Path) -> None:
    first, second = draw(figure, study, tmp_path / "a"), draw(figure, study, tmp_path / "b")
    assert all(path.stat().st_size > 3000 for path in first)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_completeness_sets_the_model_against_the_circuit(study: Results) -> None:
    """Each random half is a point, each group a larger one."""
    measure = study["complete"]
    assert isinstance(measure, Measure)
    with plots.style():
        (axes, *_) = plots.completeness(measure, "x", {}).axes
    points = [
        tuple(point)
        for each in axes.collections
        if isinstance(each, PathCollection)
        for point in np.asarray(each.get_offsets()).tolist()
    ]
    assert sorted(points) == sorted([(0.3, 0.2), (0.4, 0.3), (0.5, 0.4), (0.4, 0.3), (0.5, 0.2), (0.5, 0.2)])
    assert "model" in axes.get_xlabel() and "circuit" in axes.get_ylabel()


def test_heads_stand_in_their_groups_the_largest_fall_first(study: Results) -> None:
    measure = study["minimal"]
    assert isinstance(measure, Measure)
    with plots.style():
        falls, ratios = plots.head_bars(measure, "x", {}).axes
    assert [label.get_text() for label in ratios.get_xticklabels()] == ["3.6", "3.1", "10.2", "0.4", "0.5", "3.1"]
    assert [round(bar.get_height(), 3) for bar in falls.patches if isinstance(bar, Rectangle)] == [
        0.3,
        0.1,
        0.006,
        0.05,
        0.0,
        -0.02,
    ]
    assert len(ratios.patches) == 5  # 0/0 is no bar
    assert [text.get_text() for text in ratios.texts] == ["∞"]


def test_long_labels_are_told_apart_by_what_differs(study: Results) -> None:
    blocks, k = study.measures[4].axes[2], study.measures[4].axes[1]
    assert shown(blocks) == (("answer", "query"), "intervention: block attention last -> … in layers k..")
    assert shown(k)[1] == "layer k" and shown(attrs.evolve(k, over=""))[1] == "k"
    same = Axis("model", ("a[b, c] and much more of it", "a[b] and much more of it"))
    assert shown(same) == (("b, c", "b"), "model: a[…] and much more of it")
    whole = Axis("with", ("nothing", "patch circuit from goat", "patch circuit.fetcher from goat"))
    assert shown(whole) == (("nothing", "circuit", "circuit.fetcher"), "with: patch … from goat")
    unlike = Axis("model", ("one", "two"))
    assert shown(unlike) == (("one", "two"), "model")


def test_labels_that_differ_in_two_words_are_two_axes(study: Results, results: Results) -> None:
    measure, options = parted(study.measures[3], {"by": "intervention"})
    assert [(axis.name, axis.labels) for axis in measure.axes[1:]] == [
        ("intervention: patch cir. …", ("value_fetcher", "structure_reader")),
        ("from …", ("tuned", "other")),
    ]
    assert options == {"by": "intervention: patch cir. …"}
    assert [each.value for each in measure.cells] == [each.value for each in study.measures[3].cells]
    assert parted(results.measures[1], {})[0] is results.measures[1]


def test_options_come_from_the_words_of_a_spec() -> None:
    text = 'entrack 1\nfigure "Figure 3" = bars(figure_3) by group coloured by desideratum error sd\n'
    program, problems = parse(Source("spec.et", text))
    (item,) = (item for item in program.items if isinstance(item, ast.Figure))
    assert not problems and _figure(item) == Figure(
        "Figure 3", "bars", "figure_3", {"by": "group", "coloured": "desideratum", "error": "sd"}
    )


def test_without_figures_in_the_spec_there_are_the_usual_ones(results: Results) -> None:
    assert [(figure.kind, figure.of) for figure in usual(results)] == [
        ("heatmap", "cir"),
        ("diagram", "cir"),
        ("bars", "task"),
        ("bars", "table_2"),
        ("bars", "figure_3"),
        ("curves", "knockout"),
    ]


def test_titles_become_different_file_names(results: Results, tmp_path: Path) -> None:
    titles = ("../../etc/passwd", "CON", "日本", "Figure 1", "figure 1")
    figures = tuple(Figure(title, "bars", "task") for title in titles)
    paths = draw_all(attrs.evolve(results, figures=figures), tmp_path)
    assert [path.stem for path in paths if path.suffix == ".png"] == [
        "etc-passwd",
        "figure-con",
        "figure",
        "figure-1",
        "figure-1-2",
    ]
    assert {path.parent for path in paths} == {tmp_path}


def test_what_does_not_fit_is_said(results: Results, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be drawn as 'diagram'"):
        draw(Figure("x", "diagram", "task"), results, tmp_path)
    with pytest.raises(ValueError, match="no axis 'nowhere'; its axes: model"):
        draw(Figure("x", "bars", "task", {"by": "nowhere"}), results, tmp_path)
    with pytest.raises(ValueError, match="interval, sd, none"):
        draw(Figure("x", "bars", "task", {"error": "guess"}), results, tmp_path)
    with pytest.raises(KeyError, match="no group 'nobody'"):
        draw(Figure("x", "diagram", "cir.nobody"), results, tmp_path)


def test_a_readers_matplotlib_is_neither_used_nor_changed(results: Results, tmp_path: Path) -> None:
    figure = Figure("Table 2", "bars", "table_2")
    before = draw(figure, results, tmp_path / "a")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "savefig.dpi": 20, "svg.fonttype": "none"}):
        settings = dict(matplotlib.rcParams)
        after = draw(figure, results, tmp_path / "b")
        assert dict(matplotlib.rcParams) == settings
    assert [path.read_bytes() for path in before] == [path.read_bytes() for path in after]


def test_importing_reports_is_light_and_pyplot_never_comes(tmp_path: Path) -> None:
    code = (
        "import sys, entrack.report.tables, entrack.report.figures, entrack.report.html, entrack.report.document\n"
        "assert not {'matplotlib', 'numpy', 'torch'} & set(sys.modules)\n"
        "import entrack.report.plots\n"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(("name", "column"), COLUMNS.items())
def test_figures_are_as_wide_as_a_column(name: str, column: Column, results: Results, tmp_path: Path) -> None:
    one = attrs.evolve(results, figures=(Figure("Task", "bars", "task"),))
    picture, drawing = draw_all(one, tmp_path, width=name)
    wide = ElementTree.parse(drawing).getroot().get("width")
    assert wide is not None and float(wide.removesuffix("pt")) == pytest.approx(column.width * 72)
    dots = int.from_bytes(picture.read_bytes()[16:20], "big")
    assert dots == pytest.approx(column.width * column.magnified * 200, abs=1)


def test_a_width_that_is_none_is_refused(tmp_path: Path) -> None:
    asked = CliRunner().invoke(app, ["run", str(tmp_path / "x.et"), "--figure-width", "wide"])
    assert asked.exit_code == 2 and "single, text, double, slide" in asked.output


def test_hostile_text_is_inert_in_svg(hostile: Results, tmp_path: Path) -> None:
    paths = [path for path in draw_all(hostile, tmp_path) if path.suffix == ".svg"]
    assert len(paths) == 3
    for path in paths:
        tree = ElementTree.parse(path)
        assert not [each for each in tree.iter() if each.tag.endswith(("script", "foreignObject", "}a"))]
        text = path.read_text(encoding="utf-8")
        assert "<script" not in text and not set(text) & {"\x1b", "\x07", "\u202e", "\u2066"}
        assert "$x^2$" in text  # in the comment that goes with the text's outlines: it was not read as mathematics


def test_a_box_stands_at_its_mean_layer_and_on_no_other(results: Results) -> None:
    cir = results["cir"]
    assert isinstance(cir, Discovery)
    boxes = {box.name: box for box in place(cir).boxes}
    assert set(boxes) == {*(group.name for group in cir.groups), "logits"}
    by_layer = sorted((box for box in boxes.values() if box.lines), key=lambda box: box.layer)
    assert [box.middle[1] for box in by_layer] == sorted(box.middle[1] for box in by_layer)
    assert boxes["logits"].y > boxes["value_fetcher"].top
    assert boxes["value_fetcher"].y > boxes["position_transmitter"].top
    assert [arrow.label for arrow in place(cir).arrows] == ["", "query", "value", "key, value"]


def test_boxes_of_one_layer_do_not_overlap(results: Results) -> None:
    cir = results["cir"]
    assert isinstance(cir, Discovery)
    many = tuple(Site.of_head(3, head) for head in range(200))
    groups = tuple(attrs.evolve(group, sites=many, scores={}, intervals=(), position="last") for group in cir.groups)
    boxes = sorted(place(attrs.evolve(cir, groups=groups)).boxes, key=lambda box: box.y)
    assert all(below.top < above.y for below, above in pairwise(boxes))
    assert boxes[0].lines[-1] == "and 40 more"


def test_numbers_are_read_from_labels_alike() -> None:
    assert numbers(Axis("k", ("0..", "12..", "3.."))) == (0.0, 12.0, 3.0)
    assert numbers(Axis("k", ("n = 1.5", "n = -2"))) == (1.5, -2.0)
    assert numbers(Axis("k", ("1", "two"))) is None
    assert numbers(Axis("k", ("a 1", "b 2"))) is None
