"""Diagrams of circuits drawn at random: later layers higher, nothing on anything else, everything inside."""

from __future__ import annotations

from itertools import combinations
from random import Random

import attrs
import drawn
import pytest
from matplotlib.patches import FancyBboxPatch

from entrack.report import plots
from entrack.report.plots.diagram_arrows import Arrow, Placing, area, place
from entrack.report.plots.diagram_layout import Box
from entrack.results import Discovery
from entrack.sites import Site

Area = tuple[float, float, float, float]


def meet(one: Area, two: Area) -> bool:
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]


def taken(box: Box) -> Area:
    return box.x, box.y, box.x + box.wide, box.top


def circuit(seed: int) -> Discovery:
    return drawn.discovery(Random(f"circuit {seed}"))


def placed(seed: int) -> Placing:
    return place(circuit(seed))


@pytest.mark.parametrize("seed", range(300))
def test_later_layers_are_higher(seed: int) -> None:
    """In whatever column: the arrow beside the boxes says so."""
    found, groups = placed(seed), {group.name: group for group in circuit(seed).groups}
    boxes = [
        (box, sum(head.layer for head in groups[box.name].heads) / len(groups[box.name].heads))
        for box in found.boxes
        if box.name in groups and groups[box.name].heads
    ]
    for (one, early), (two, late) in combinations(sorted(boxes, key=lambda pair: pair[1]), 2):
        if late - early > 1e-9:
            assert one.middle[1] < two.middle[1], f"{one.name} of layer {early} stands over {two.name} of layer {late}"
    stubs = [box for box in found.boxes if box.name not in groups]
    assert all(stub.middle[1] > box.middle[1] for stub in stubs for box, _ in boxes), (
        "what all heads feed stands above them"
    )


@pytest.mark.parametrize("seed", range(300))
def test_nothing_stands_on_anything_else(seed: int) -> None:
    found = placed(seed)
    boxes, labels = [taken(box) for box in found.boxes], [area(arrow) for arrow in found.arrows if arrow.label]
    assert not any(meet(one, two) for one, two in combinations([*boxes, *labels], 2))
    for left, foot, right, top in [*boxes, *labels]:
        assert left >= 0 and foot >= -1e-9 and right <= found.width and top <= found.height + 1e-9


@pytest.mark.parametrize("seed", range(300))
def test_an_arrow_joins_its_boxes_and_carries_its_label(seed: int) -> None:
    found = placed(seed)
    edges = [taken(box) for box in found.boxes]
    for arrow in found.arrows:
        for x, y in (arrow.start, arrow.end):
            assert any(x0 - 1e-9 <= x <= x1 + 1e-9 and y0 - 1e-9 <= y <= y1 + 1e-9 for x0, y0, x1, y1 in edges)
        assert not arrow.label or near(arrow) < 0.02, "a label stands on its arrow"
    assert len({(arrow.start, arrow.end) for arrow in found.arrows}) == len(found.arrows)


def near(arrow: Arrow) -> float:
    """How far a label's middle is from the curve that matplotlib draws: quadratic, through a point beside the middle
    of the straight line."""
    (x0, y0), (x1, y1) = arrow.start, arrow.end
    mx, my = (x0 + x1) / 2 + arrow.bend * (y1 - y0), (y0 + y1) / 2 - arrow.bend * (x1 - x0)
    shares = [step / 400 for step in range(401)]
    points = [
        ((1 - t) ** 2 * x0 + 2 * t * (1 - t) * mx + t * t * x1, (1 - t) ** 2 * y0 + 2 * t * (1 - t) * my + t * t * y1)
        for t in shares
    ]
    nearest: float = min(((x - arrow.at[0]) ** 2 + (y - arrow.at[1]) ** 2) ** 0.5 for x, y in points)
    return nearest


@pytest.mark.parametrize("seed", range(12))
def test_what_is_in_a_box_is_inside_it(seed: int) -> None:
    with plots.style():
        figure = plots.diagram(circuit(seed), "x")
        figure.draw_without_rendering()
    (axes,) = figure.axes
    boxes = [patch.get_window_extent() for patch in axes.patches if isinstance(patch, FancyBboxPatch)]
    for text in axes.texts:
        extent = text.get_window_extent()
        middle = ((extent.x0 + extent.x1) / 2, (extent.y0 + extent.y1) / 2)
        for box in boxes:
            if box.contains(*middle):
                assert (
                    box.x0 <= extent.x0 and extent.x1 <= box.x1 and box.y0 - 1 <= extent.y0 and extent.y1 <= box.y1 + 1
                ), text.get_text()


def test_two_groups_of_layer_nought_stand_under_the_group_of_layer_one() -> None:
    """The circuit of the quickstart: the upper of two groups at one position stood over the one that it feeds."""
    draw = Random("quickstart")
    feeds = {
        "carrier": ("query", ("logits",), 1),
        "reader": ("previous", ("carrier.value",), 0),
        "marker": ("previous", ("carrier.key",), 0),
    }
    groups = [
        attrs.evolve(
            drawn._group(draw, name, where, (), 4, 8),
            receivers=to,
            sites=(Site.of_head(layer, 0), Site.of_head(layer, 3)),
        )
        for name, (where, to, layer) in feeds.items()
    ]
    boxes = {box.name: box for box in place(attrs.evolve(circuit(0), groups=tuple(groups))).boxes}
    assert (
        max(boxes["reader"].middle[1], boxes["marker"].middle[1])
        < boxes["carrier"].middle[1]
        < boxes["logits"].middle[1]
    )
