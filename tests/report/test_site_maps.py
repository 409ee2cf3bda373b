"""Heat maps of loops over layers, tokens, positions and heads: which axis goes where, the panels, the colours."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from random import Random

import attrs
import drawn
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure as Drawing

from entrack.report import plots
from entrack.report.figures import draw_all, usual
from entrack.report.measure_table import caption
from entrack.report.plots.labels import shown
from entrack.report.plots.site_map import chosen_of, colours_of
from entrack.report.plots.text import drawable
from entrack.results import Axis, Cell, Figure, Interval, Measure, Results
from entrack.results.as_json import measure_json

LAYERS = Axis("k", ("0", "1", "2", "3"), over="layers")
TOKENS = Axis("t", ("0", "1", "2", "3", "4", "5"), ("", "The", " map", " is", " map", "\n"), "tokens")
PLACES = Axis("p", ("last", "query"), over="positions")
HEADS = Axis("h", ("0", "1", "2"), over="heads")
PARTS = tuple(f"patch {part}[k] at t from alternate" for part in ("residual", "mlp", "attention"))


def value_of(place: tuple[str, ...]) -> float:
    return 1.5 if "nothing" in place else 10.0 * int(place[1]) + len(place[2])


def grid(*axes: Axis, unit: str = "logits", value: Callable[[tuple[str, ...]], float] = value_of) -> Measure:
    """Layers by another axis; a value says its layer, and how long the label of the other axis is."""
    every = (Axis("model", ("base",)), LAYERS, *axes)
    places = product(*(axis.labels for axis in every))
    cells = tuple(Cell(place, value(place), 20, Interval(value(place), value(place)), (1.0,)) for place in places)
    return Measure("grid", "logit", unit, every, cells)


def figure_of(measure: Measure, by: str | None = None) -> Drawing:
    with plots.style():
        figure = plots.site_map(measure, "A map", {} if by is None else {"by": by})
        figure.draw_without_rendering()
    return figure


def values(axes: Axes) -> np.ndarray:
    (mesh, *_) = (each for each in axes.collections if isinstance(each, QuadMesh))
    found = mesh.get_array()
    assert found is not None
    return np.asarray(found)


def said(figure: Drawing) -> str:
    """The title and the caption, in one line each."""
    return " ".join(" ".join(text.get_text() for text in figure.texts).split())


def test_layers_go_upwards_and_tokens_stand_below_in_their_order() -> None:
    figure = figure_of(grid(TOKENS, Axis("intervention", PARTS[:1])))
    axes = figure.axes[0]
    assert values(axes).shape == (4, 6) and values(axes)[:, 0].tolist() == [1.0, 11.0, 21.0, 31.0]
    assert axes.get_ylim() == (0, 4) and axes.get_ylabel() == "layer k" and axes.get_xlabel() == "token t"
    assert [text.get_text() for text in axes.get_xticklabels()] == list(TOKENS.labels)
    assert [text.get_text() for text in axes.get_xticklabels(minor=True)] == ["", "The", "map", "is", "map", "\\n"]
    assert {text.get_rotation() for text in axes.get_xticklabels(minor=True)} == {90.0}
    words = said(figure)
    assert "n = 20 prompts" in words and "tokens: those of the first prompt" in words
    assert "model: base" in words and "patch residual[k] at t from alternate" in words


def test_by_layer_the_tokens_are_read_downwards() -> None:
    axes = figure_of(grid(TOKENS), "k").axes[0]
    assert values(axes).shape == (6, 4) and values(axes)[0].tolist() == [1.0, 11.0, 21.0, 31.0]
    assert axes.get_ylim() == (6, 0) and axes.get_ylabel() == "token t" and axes.get_xlabel() == "layer k"
    assert [text.get_text() for text in axes.get_yticklabels()] == ["0", "1 The", "2 map", "3 is", "4 map", "5 \\n"]


def test_positions_are_names_and_heads_stand_as_in_a_map_of_scores() -> None:
    places = figure_of(grid(PLACES)).axes[0]
    assert [text.get_text() for text in places.get_xticklabels()] == ["last", "query"]
    heads = figure_of(grid(HEADS)).axes[0]
    assert (heads.get_xlabel(), heads.get_ylabel(), heads.get_ylim()) == ("head h", "layer k", (0, 4))


def test_a_variable_that_is_called_like_what_it_is_is_said_once() -> None:
    assert shown(attrs.evolve(LAYERS, name="layer"))[1] == "layer" and shown(PLACES)[1] == "position p"


def test_interventions_are_panels_on_one_scale_called_by_what_differs() -> None:
    figure = figure_of(grid(TOKENS, Axis("intervention", PARTS)))
    panels = figure.axes[:3]
    assert [axes.get_title(loc="left") for axes in panels] == ["residual", "mlp", "attention"]
    assert len({axes.collections[0].get_clim() for axes in panels}) == 1
    assert len({round(axes.get_position().y0, 3) for axes in panels}) == 1, "side by side"
    assert "patch …[k] at t from alternate" in said(figure)


def test_what_nothing_changes_is_a_line_on_the_scale() -> None:
    measure = grid(TOKENS, Axis("intervention", ("nothing", PARTS[0])))
    chosen = chosen_of(measure)
    assert (chosen.baseline, chosen.parts) == (1.5, ((),))
    colours = colours_of(chosen)
    assert (colours.low + colours.high) / 2 == 1.5 and colours.name == "RdBu"
    share = colours_of(chosen_of(attrs.evolve(measure, unit="probability")))
    assert (share.low, share.name) == (0.0, "viridis"), "how far from nought a share is, is told"
    figure = figure_of(measure)
    assert len(figure.axes) == 2, "one panel, and the scale"
    assert "Line on the scale: without an intervention, 1.50." in said(figure)
    assert "patch residual[k] at t from alternate" in caption(chosen.measure)


def test_models_that_differ_without_an_intervention_keep_its_panel() -> None:
    measure = grid(TOKENS, Axis("intervention", ("nothing", PARTS[0])))
    cells = tuple(attrs.evolve(cell, value=cell.value + index / 7) for index, cell in enumerate(measure.cells))
    chosen = chosen_of(attrs.evolve(measure, cells=cells))
    assert chosen.baseline is None and chosen.parts == (("nothing",), (PARTS[0],))


@pytest.mark.parametrize(
    ("unit", "low", "high", "wanted"),
    [
        ("probability", 0.1, 0.9, (0.0, 1.0, "viridis")),
        ("probability", 0.01, 0.04, (0.0, 0.04, "viridis")),
        ("logits", -1.0, 4.0, (-4.0, 4.0, "RdBu")),
        ("logits", 14.0, 18.0, (14.0, 18.0, "viridis")),
        ("logits", 1.0, 8.0, (0.0, 8.0, "viridis")),
        ("logits", -3.0, -1.0, (-3.0, 0.0, "viridis")),
    ],
)
def test_colours_are_centred_where_there_is_a_middle(
    unit: str, low: float, high: float, wanted: tuple[float, float, str]
) -> None:
    measure = grid(TOKENS, unit=unit, value=lambda place: low + (high - low) * int(place[1]) / 3)
    assert attrs.astuple(colours_of(chosen_of(measure))) == pytest.approx(wanted)


def test_numbers_stand_in_cells_where_there_is_room() -> None:
    few = figure_of(grid(PLACES)).axes[0]
    assert [text.get_text() for text in few.texts][:2] == ["4.00", "5.00"]
    many = Axis("t", tuple(map(str, range(41))), (" map",) * 41, "tokens")
    assert not figure_of(grid(many)).axes[0].texts


def test_forty_tokens_fit_on_two_columns_of_a_page() -> None:
    many = Axis("t", tuple(map(str, range(40))), (" map",) * 40, "tokens")
    assert figure_of(grid(many)).get_figwidth() < 7.3


def test_a_long_token_is_cut_and_keeps_its_number() -> None:
    long = Axis("t", ("0", "1"), ("_" * 64, "_" * 65), "tokens")
    assert shown(long)[0] == (f"0 {'_' * 23}…", f"1 {'_' * 23}…")


def test_without_figures_crossed_loops_are_maps_and_layers_alone_are_curves(results: Results) -> None:
    layers = attrs.evolve(grid(Axis("intervention", PARTS)), name="layers")
    heads = attrs.evolve(grid(HEADS), name="heads", axes=(LAYERS, HEADS), cells=())
    alone = attrs.evolve(heads, axes=(HEADS,), cells=tuple(Cell((h,), 1.0, 5, None, ()) for h in HEADS.labels))
    measures = (grid(TOKENS), layers, attrs.evolve(alone, name="alone"))
    found = usual(attrs.evolve(results, measures=measures, discoveries=()))
    assert [(figure.kind, figure.of) for figure in found] == [
        ("heatmap", "grid"),
        ("curves", "layers"),
        ("bars", "alone"),
    ]


def test_maps_are_written_and_stay_the_same(results: Results, tmp_path: Path) -> None:
    measure = grid(TOKENS, Axis("intervention", ("nothing", *PARTS)))
    asked = (Figure("Map", "heatmap", "grid"), Figure("By layer", "heatmap", "grid", {"by": "k"}))
    whole = attrs.evolve(results, measures=(measure,), figures=asked)
    first, second = draw_all(whole, tmp_path / "a"), draw_all(whole, tmp_path / "b")
    assert [path.name for path in first] == ["map.png", "map.svg", "by-layer.png", "by-layer.svg"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


@pytest.mark.parametrize("seed", range(4))
def test_every_name_is_there_whole(seed: int) -> None:
    measure = drawn.sites(Random(f"names {seed}"))
    chosen, figure = chosen_of(measure), figure_of(measure)
    words = "".join("".join(text.get_text() for text in drawn.shown_texts(figure)).split())
    for axis in (*chosen.others, chosen.columns):
        for label in () if axis.over in ("tokens", "heads") else shown(axis)[0]:
            assert "".join(drawable(label).split()) in words


def test_json_says_what_an_axis_goes_over() -> None:
    axes = measure_json(grid(TOKENS))["axes"]
    assert axes[0] == {"name": "model", "labels": ["base"]}
    assert axes[1] == {"name": "k", "labels": list(LAYERS.labels), "over": "layers"}
    assert axes[2] == {"name": "t", "labels": list(TOKENS.labels), "over": "tokens", "tokens": list(TOKENS.tokens)}
