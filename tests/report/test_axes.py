"""Results drawn into axes: those of a caller, or of a figure of its own; and nothing of matplotlib's changed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import gallery
import matplotlib
import numpy as np
import pytest
from attrs import evolve
from IPython.core.formatters import DisplayFormatter
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from entrack.errors import ArgumentError
from entrack.report.describe import described
from entrack.report.plots.frame import Shown
from entrack.results import Axis, Cell, Discovery, Mask, Measure, Results
from entrack.results import Figure as Drawn
from entrack.sites import Part, Site

MASK = Mask(
    "m", "base", "cir", "position", "last", (Site.of_head(0, 1), Site.of_head(2, 0)), (0.25, 0.75), (), 10, 0.9, 50
)


def canvas(across: int = 1, size: tuple[float, float] = (6.0, 4.0)) -> Any:
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure.subplots(1, across)


def drawn_into(name: str, ax: Any) -> Any:
    kind, item = gallery.GALLERY[name]
    if isinstance(item, Measure):
        by = "model" if name.startswith("scatter") else None
        return item.plot(ax, kind=kind, by=by)
    return item.diagram(ax) if kind == "diagram" else item.heatmap(ax)


PANELS = {"heads, three groups": 3, "minimality": 2, "tokens": 2}


@pytest.mark.parametrize("name", gallery.GALLERY)
@pytest.mark.filterwarnings("error")
def test_every_kind_is_drawn_into_axes_that_are_given(name: str) -> None:
    many = PANELS.get(name, 1)
    given = canvas(many)
    before = dict(matplotlib.rcParams)
    found = drawn_into(name, given)
    assert dict(matplotlib.rcParams) == before
    assert found is given if many == 1 else found == tuple(given)
    first = found if many == 1 else found[0]
    assert first.collections or first.patches or first.lines
    first.figure.canvas.draw()


def test_a_figure_of_its_own_is_shown_by_a_notebook(results: Results) -> None:
    measure, cir = results["task"], results["cir"]
    assert isinstance(measure, Measure) and isinstance(cir, Discovery)
    axes = measure.plot(width="single")
    assert isinstance(axes, Shown) and axes.bbox.width < axes.figure.bbox.width == 3.25 * axes.figure.dpi
    image, said = axes._repr_png_()
    assert image.startswith(b"\x89PNG")
    assert said["alt"] == described(Drawn("task", "bars", "task"), results)
    assert len(cir.heatmap()) == 4 and isinstance(cir.heatmap(group="value_fetcher"), Axes)
    assert isinstance(cir.diagram(width="double"), Axes)
    shown = DisplayFormatter().format  # as a notebook asks for it
    for each in (axes, cir.heatmap(), cir.diagram()):
        images, said = shown(each)  # type: ignore[no-untyped-call]  # IPython's has no types
        assert "image/png" in images and len(said["image/png"]["alt"]) > 40


def test_bars_are_as_high_as_the_numbers(results: Results) -> None:
    measure = results["task"]
    assert isinstance(measure, Measure)
    heights = [patch.get_height() for patch in measure.plot(canvas()).patches]
    assert heights == [cell.value for cell in measure.cells]


def test_a_mask_is_a_map_of_layers_by_heads() -> None:
    axes = MASK.heatmap(canvas())
    (mesh,) = (each for each in axes.collections if isinstance(each, QuadMesh))
    assert np.ma.masked_invalid(np.asarray(mesh.get_array())).filled(-1).tolist() == [[-1, 0.25], [0.75, -1]]
    with pytest.raises(ArgumentError, match="no heads"):
        evolve(MASK, over=(Site(0, Part.MLP),), values=(0.5,)).heatmap()


WRONG: dict[str, Callable[[Measure, Discovery], Any]] = {
    "matplotlib's Axes": lambda measure, _: measure.plot("here"),
    "several of them": lambda measure, _: measure.plot([canvas(), 1]),
    "kind is one of": lambda measure, _: measure.plot(kind="pie"),
    "by is one of": lambda measure, _: measure.plot(by="modle"),
    "error is one of": lambda measure, _: measure.plot(error="guess"),
    "width is one of": lambda measure, _: measure.plot(width="wide"),
    "width is of a figure of its own": lambda measure, _: measure.plot(canvas(), width="single"),
    "drawn as 4 groups, .* and 1 axes are given": lambda _, cir: cir.heatmap(canvas()),
    "drawn as 1 panel, .* and 2 axes are given": lambda measure, _: measure.plot(canvas(2)),
    "has no group": lambda _, cir: cir.heatmap(group="nobody"),
    "is text": lambda measure, _: measure.plot(**{"kind": 3}),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("said", WRONG)
def test_what_is_wrong_is_said(said: str, results: Results) -> None:
    measure, cir = results["task"], results["cir"]
    assert isinstance(measure, Measure) and isinstance(cir, Discovery)
    with pytest.raises(ArgumentError, match=said):
        WRONG[said](measure, cir)


def test_text_is_no_mathematics_in_a_readers_axes() -> None:
    hostile = Measure(
        "m",
        "$x^2$",
        "",
        (Axis("$a$", ("$x_1$", "$\\frac$")),),
        (Cell(("$x_1$",), 1.0, 5, None, ()), Cell(("$\\frac$",), 2.0, 5, None, ())),
    )
    axes = hostile.plot(canvas())
    axes.figure.canvas.draw()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["$x_1$", "$\\frac$"]
    assert not any(text.get_parse_math() for text in (*axes.get_xticklabels(), axes.xaxis.label, axes.yaxis.label))


def test_a_single_number_is_no_scatter() -> None:
    single = Measure("m", "accuracy", "", (Axis("a", ("x",)),), (Cell(("x",), 1.0, 5, None, ()),))
    with pytest.raises(ArgumentError, match="m has no axis with two labels or more"):
        single.plot(kind="scatter")


def test_pyplot_has_no_figure_more() -> None:
    """In a process of its own: with pyplot, and without."""
    code = (
        "import sys, matplotlib; matplotlib.use('agg')\n"
        "from entrack.results import Axis, Cell, Measure\n"
        "cells = tuple(Cell((label,), 1.0, 5, None, ()) for label in 'xy')\n"
        "m = Measure('m', 'accuracy', '', (Axis('a', ('x', 'y')),), cells)\n"
        "assert 'entrack.report' not in sys.modules, 'results load nothing that draws'\n"
        "m.plot(); assert 'matplotlib.pyplot' not in sys.modules\n"
        "import matplotlib.pyplot as plt\n"
        "m.plot(); assert plt.get_fignums() == []\n"
        "figure, (left, right) = plt.subplots(1, 2); assert m.plot(right) is right and not left.patches\n"
        "assert plt.get_fignums() == [figure.number]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
