"""Figures as large and as strange as they come, in each column: as wide as it, all text inside and apart, letters that
can be read; and colours that colour-blind readers tell apart, in grey too."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
from importlib.metadata import version
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import drawn
import gallery
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from test_lettering import outline, overlap

from entrack.report import plots
from entrack.report.describe import in_words
from entrack.report.figure_width import COLUMNS, WIDTHS
from entrack.report.figures import DRAWING, drawing_of
from entrack.report.plots.heatmap import ink
from entrack.report.plots.style import TAB
from entrack.results import Discovery

SHOWN = ("single", "double", "slide")
WIDER = {
    **dict.fromkeys([("diagram", "single"), ("diagram, hostile names", "single")], 5.5),
    **{("diagram, long names", column): 9.0 for column in SHOWN},
}
"""What no column of so many inches holds: three boxes side by side with arrows that have names between them."""
LEAST = 6.0
"""Points of the smallest letters."""


@pytest.mark.parametrize("column", SHOWN)
@pytest.mark.parametrize("name", gallery.GALLERY)
@pytest.mark.filterwarnings("ignore:Glyph")
def test_a_figure_fits_its_column_and_its_text_the_figure(name: str, column: str) -> None:
    with plots.style():
        figure = drawing_of(gallery.asked(name), gallery.GALLERY[name][1], COLUMNS[column].width)
        figure.draw_without_rendering()
    assert figure.get_figwidth() <= WIDER.get((name, column), COLUMNS[column].width) + 1e-9
    texts = list(drawn.shown_texts(figure))
    outlines = [outline(text) for text in texts]
    size = np.array(figure.bbox.size)
    for text, corners in zip(texts, outlines, strict=True):
        assert float(text.get_fontsize()) >= LEAST, text.get_text()
        assert (corners >= -1.5).all() and (corners <= size + 1.5).all(), f"{text.get_text()!r} is cut"
    for (one, corners), (two, around) in combinations(zip(texts, outlines, strict=True), 2):
        if (corners.max(0) > around.min(0)).all() and (around.max(0) > corners.min(0)).all():
            assert overlap(corners, around) <= 1.5, f"{one.get_text()!r} stands on {two.get_text()!r}"


def test_without_a_column_a_figure_has_the_narrowest_width_that_holds_it() -> None:
    for name in ("heads 2 x 4", "heads 32 x 32", "bars", "minimality", "diagram"):
        with plots.style():
            figure = drawing_of(gallery.asked(name), gallery.GALLERY[name][1])
        assert figure.get_figwidth() in WIDTHS, name


@pytest.mark.parametrize("name", ["heads 32 x 32", "bars, hostile names"])
def test_a_drawing_says_what_it_shows(name: str) -> None:
    """SVG, to a screen reader; PDF and PNG, to whoever looks for it."""
    figure, item = gallery.asked(name), gallery.GALLERY[name][1]
    with plots.style():
        words = in_words(figure, item)
        files = plots.rendered(drawing_of(figure, item, 3.25), ("svg", "png", "pdf"), figure.title, words)
    root = ElementTree.fromstring(files["svg"])
    said = {each.get("id"): each.text for each in root if each.tag.endswith(("title", "desc"))}
    assert root.get("role") == "img" and root.get("aria-labelledby") == "title desc"
    assert said["title"] == figure.title and said["desc"]
    assert b"Description" in files["png"] and re.search(rb"/Title \(.+\)\s/Subject", files["pdf"])


def test_words_are_made_of_the_numbers() -> None:
    item = gallery.GALLERY["heads 32 x 32"][1]
    assert isinstance(item, Discovery)
    words = in_words(gallery.asked("heads 32 x 32"), item)
    scores = {site: score for site, score in item.groups[0].scores.items() if score is not None}
    site, score = min(scores.items(), key=lambda pair: pair[1])
    half = sum(abs(each) > abs(score) / 2 for each in scores.values()) - 1
    assert (
        f"32 layers by 32 heads; the largest effect is {score:.3f}, of {site}, with {half} others beyond half" in words
    )
    assert "on 300 prompts" in words and "16 of 1024 kept" in words


# --- colours -----------------------------------------------------------------------------------------------------

SIMULATED = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
    "none": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
}
"""What of linear RGB is seen (Machado, Oliveira and Fernandes 2009, severity 1)."""
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour: str | tuple[float, float, float]) -> np.ndarray:
    given = np.asarray([*to_rgb(colour)], dtype=float)
    return np.where(given <= 0.04045, given / 12.92, ((given + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear RGB."""
    ratio = np.clip(TO_XYZ @ np.clip(rgb, 0, 1) / (0.9505, 1.0, 1.089), 1e-9, None)
    x, y, z = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def distance(one: str, two: str, seen: np.ndarray) -> float:
    """How far apart two colours are seen: 2.3 is just noticeable."""
    return float(np.linalg.norm(lab(seen @ linear(one)) - lab(seen @ linear(two))))


@pytest.mark.parametrize("kind", SIMULATED)
def test_colours_are_told_apart_by_colour_blind_readers(kind: str) -> None:
    seen = np.array(SIMULATED[kind])
    assert min(distance(one, two, seen) for one, two in combinations(TAB, 2)) > 25
    assert min(distance(one, two, seen) for one, two in combinations(TAB[:4], 2)) > 30


def test_neighbours_differ_in_grey() -> None:
    grey = [lab(linear(colour))[0] for colour in TAB]
    assert min(abs(one - two) for one, two in pairwise(grey)) > 20


def test_a_map_of_both_signs_tells_them_apart_for_all() -> None:
    shades = [to_hex(plots.heatmap.colour_map("RdBu")(share)) for share in (0.1, 0.9)]
    for kind, seen in SIMULATED.items():
        red, blue = (lab(np.array(seen) @ linear(shade)) for shade in shades)
        assert np.linalg.norm(red - blue) > 40, kind


@pytest.mark.parametrize("name", ["viridis", "RdBu"])
def test_numbers_stand_out_from_their_colours(name: str) -> None:
    """A contrast of 4.5, as WCAG asks of text."""
    for share in np.linspace(0, 1, 101):
        colour = plots.heatmap.colour_map(name)(share)
        light = float(TO_XYZ[1] @ linear(to_hex(colour)))
        contrast = (light + 0.05) / 0.05 if ink(colour) == "k" else 1.05 / (light + 0.05)
        assert contrast >= 4.5, share


# --- the same bytes ----------------------------------------------------------------------------------------------

GOLDEN = Path(__file__).parent / "golden" / "drawing.json"
DRAWN = ("heads 2 x 4", "diagram", "bars", "curves, 3 lines", "completeness", "minimality", "values", "tokens")


def digests() -> dict[str, str]:
    """Of the SVG of one figure of each kind, with what they were made with."""
    found = {name: f"{version(name)}" for name in ("matplotlib", "numpy")} | {"machine": platform.machine()}
    for name in DRAWN:
        figure, item = gallery.asked(name), gallery.GALLERY[name][1]
        with plots.style():
            (svg,) = plots.rendered(drawing_of(figure, item), ("svg",), figure.title, "").values()
        found[name] = hashlib.sha256(svg).hexdigest()[:16]
    return found


def test_what_is_drawn_otherwise_has_another_number() -> None:
    """`GOLDEN=write pytest tests/report` writes the digests of `DRAWING`, which is to be raised when they change, so
    that a pack of before is not said to differ. With other versions of matplotlib other bytes are right."""
    known, now = json.loads(GOLDEN.read_text(encoding="utf-8")), digests()
    if os.environ.get("GOLDEN") == "write" and known.get(DRAWING) != now:
        GOLDEN.write_text(json.dumps({DRAWING: now}, indent=1) + "\n", encoding="utf-8")
        known = {DRAWING: now}
    assert [*known] == [DRAWING], "raise DRAWING, then GOLDEN=write"
    made_with = {name: known[DRAWING][name] for name in ("matplotlib", "numpy", "machine")}
    if made_with.items() <= now.items():
        assert known[DRAWING] == now, "figures are drawn otherwise: raise DRAWING in entrack/report/figures.py"
    assert now == digests()
