"""Text in figures: whole, inside, apart; and labels that tell what they label. Over results drawn at random."""

from __future__ import annotations

import os
from collections.abc import Callable
from math import cos, radians, sin
from random import Random

import attrs
import drawn
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from entrack.report import plots
from entrack.report.figures import drawing_of
from entrack.report.format import MOST, told_apart
from entrack.report.measure_table import measure_grid
from entrack.report.plot_data import parted
from entrack.report.plots.labels import shown
from entrack.report.plots.text import fold, inches
from entrack.results import Axis, Discovery, Measure
from entrack.results import Figure as Asked

COLUMN = (None, 3.25, 6.75)
"""Inches of the column in which each third figure is drawn."""
COUNT = int(os.environ.get("ENTRACK_TORTURE_COUNT", "6"))
KINDS: dict[str, tuple[str, Callable[[Random], Measure | Discovery]]] = {
    "bars": ("bars", drawn.measure),
    "curves": ("curves", drawn.measure),
    "values": ("heatmap", drawn.measure),
    "sites": ("heatmap", drawn.sites),
    "sites by layer": ("heatmap", drawn.sites),
    "sites in bars": ("bars", drawn.sites),
    "scatter": ("scatter", lambda draw: drawn.measure(draw, 2)),
    "heads": ("bars", drawn.heads),
    "completeness": ("scatter", drawn.complete),
    "scores": ("heatmap", drawn.discovery),
    "diagram": ("diagram", drawn.discovery),
}


def figure_of(kind: str, seed: int) -> tuple[Figure, Measure | Discovery]:
    draw = Random(f"{kind} {seed}")
    how, make = KINDS[kind]
    item = make(draw)
    while how == "scatter" and isinstance(item, Measure) and not any(len(axis.labels) > 1 for axis in item.axes):
        item = make(draw)
    options = {"by": "k"} if kind == "sites by layer" else {}
    with plots.style():
        asked = Asked(" ".join(drawn.name(draw) for _ in range(draw.randint(1, 6))), how, "m", options)
        figure = drawing_of(asked, item, COLUMN[seed % 3])
        figure.draw_without_rendering()
    return figure, item


def outline(text: Text) -> np.ndarray:
    """The corners of what a text takes, turned as it is: laid flat, measured, and turned about where it is fixed."""
    angle, mode = text.get_rotation(), text.get_rotation_mode()
    around = text.get_window_extent()
    text.set_rotation(0)
    flat = text.get_window_extent()
    text.set_rotation(angle)
    text.set_rotation_mode(mode)
    turn = np.array([[cos(radians(angle)), -sin(radians(angle))], [sin(radians(angle)), cos(radians(angle))]])
    half = np.array([flat.width, flat.height]) / 2
    middle = np.array([around.x0 + around.x1, around.y0 + around.y1]) / 2
    return np.array([middle + turn @ (half * sign) for sign in ((-1, -1), (1, -1), (1, 1), (-1, 1))])


def overlap(one: np.ndarray, two: np.ndarray) -> float:
    """By how many pixels two rectangles overlap in the direction in which they do least; 0 or less where they are
    apart."""
    least = np.inf
    for shape in (one, two):
        for side in np.diff(shape, axis=0)[:2]:
            normal = np.array([side[1], -side[0]]) / max(np.hypot(*side), 1e-9)
            a, b = one @ normal, two @ normal
            least = min(least, min(a.max(), b.max()) - max(a.min(), b.min()))
    return float(least)


@pytest.mark.parametrize("seed", range(COUNT))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore:Glyph")
def test_no_text_is_cut_and_none_stands_on_another(kind: str, seed: int) -> None:
    figure, _ = figure_of(kind, seed)
    texts = list(drawn.shown_texts(figure))
    outlines = [outline(text) for text in texts]
    for text, corners in zip(texts, outlines, strict=True):
        assert (corners >= -1.5).all() and (corners <= np.array(figure.bbox.size) + 1.5).all(), (
            f"{text.get_text()!r} is cut"
        )
    for place, (text, corners) in enumerate(zip(texts, outlines, strict=True)):
        for other, around in zip(texts[:place], outlines[:place], strict=True):
            assert overlap(corners, around) <= 1.5, f"{text.get_text()!r} stands on {other.get_text()!r}"


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("seed", range(COUNT))
@pytest.mark.parametrize("kind", ["bars", "values", "completeness", "heads", "scores", "diagram"])
def test_every_name_is_there_whole(kind: str, seed: int) -> None:
    """Of groups, of positions, of interventions: all that is said stands in the figure, but for what labels have in
    common, which is said once."""
    figure, item = figure_of(kind, seed)
    said = [squeezed(text.get_text()) for text in drawn.shown_texts(figure)]
    whole = "\n".join(said)
    assert "…" not in whole.replace("…", "", _left_out(item))
    for name in _names(item):
        assert squeezed(fold(name, 1000, 8)) in whole, name


def _left_out(item: Measure | Discovery) -> int:
    return 0 if isinstance(item, Discovery) else 3 * len(item.axes)


def _names(item: Measure | Discovery) -> set[str]:
    if isinstance(item, Discovery):
        return {name for group in item.groups for name in (group.name, group.position)}
    free = [axis for axis in parted(item, {})[0].axes if len(axis.labels) > 1]
    if {"head", "removed"} & {axis.name for axis in free}:
        return {label for axis in free if axis.name in ("group", "removed") for label in axis.labels}
    return {label for axis in free for label in shown(axis)[0] if not label.isdigit()}


@pytest.mark.parametrize("seed", range(500))
def test_labels_tell_what_they_label(seed: int) -> None:
    """No two labels of an axis are shown alike, and each says all that differs."""
    axis = Axis("intervention", drawn.labels(Random(f"labels {seed}"), 8))
    found, name = shown(axis)
    assert len(set(found)) == len(axis.labels)
    before, dots, after = name.removeprefix("intervention").removeprefix(": ").partition("…")
    for label, said in zip(axis.labels, found, strict=True):
        assert said == label or (dots and squeezed(label) == squeezed(before + said + after)), (label, said, name)
        assert "(" not in label or "(" in said, "an intervention is not cut off from what it is given"
    made_otherwise = [
        label for label, said in zip(axis.labels, found, strict=True) if said == label and label != "nothing"
    ]
    assert len(made_otherwise) in (0, len([label for label in axis.labels if label != "nothing"])), (
        "all are shortened, or none"
    )


def test_without_is_not_only() -> None:
    """`without(cir.writers)` is no `writers` beside an `only`."""
    axis = Axis("intervention", ("nothing", "only(cir)", "without(cir.writers)", "without(cir.readers)"))
    assert shown(axis) == (axis.labels, "intervention")
    four = Axis("intervention", ("only(cir)", "without(cir)", "only(tuned)", "without(tuned)"))
    measure = Measure("m", "accuracy", "", (four,), ())
    assert parted(measure, {}) == (measure, {}), "what an intervention is called, and what it is given, are one label"


def test_cells_of_a_table_are_told_apart() -> None:
    for seed in range(200):
        measure = drawn.measure(Random(f"table {seed}"))
        grid = measure_grid(measure, "", 10)  # a row for each cell
        free = sum(len(axis.labels) > 1 for axis in measure.axes)
        assert len({row[:free] for row in grid.rows}) == len(grid.rows)


def test_what_looks_alike_is_numbered() -> None:
    long = "x" * 300
    assert told_apart(["a", "a ", "a (2)"]) == ("a", "a (2)", "a (2) (2)")
    assert len(set(told_apart([f"{long}{middle}{long}" for middle in "abc"]))) == 3
    assert all(len(label) <= MOST + 8 for label in told_apart([long * 9, long * 10]))
    assert len(set(told_apart(["\x1b", "\u241b", "<", "⟨U+202E⟩", "\u202e"]))) == 5


def test_a_folded_text_is_whole_and_narrow() -> None:
    for seed in range(300):
        draw = Random(f"fold {seed}")
        text, room = " ".join(drawn.act(draw) for _ in range(draw.randint(1, 4))), draw.uniform(0.2, 3)
        folded = fold(text, room, 7.5)
        assert squeezed(folded) == squeezed(fold(text, 1e9, 7.5))
        assert all(len(line) == 1 or inches(line, 7.5) <= room for line in folded.split("\n"))


@pytest.mark.parametrize("text", ["an intervention, 15.66.", "zero attention.14 at last", "0.5"])
def test_a_number_stays_in_one_line_where_it_fits(text: str) -> None:
    for tenths in range(9, 40):
        words = fold(text, tenths / 10, 7.5).split()
        assert set(words) >= {word for word in text.split() if any(letter.isdigit() for letter in word)}


def test_a_measure_of_both_signs_is_white_at_nought() -> None:
    measure = attrs.evolve(drawn.measure(Random("signs"), 2), cells=())
    places = [(first, second) for first in measure.axes[-2].labels for second in measure.axes[-1].labels]
    axes = measure.axes[-2:]
    cells = tuple(drawn._cell(Random(str(place)), place, -3.0) for place in places)
    with plots.style():
        figure = plots.value_map(attrs.evolve(measure, axes=axes, cells=cells), "x", {})
    mesh = figure.axes[0].collections[0]
    low, high = mesh.get_clim()
    assert low == -high
    assert np.min(mesh.to_rgba(np.zeros(1))) > 0.95
