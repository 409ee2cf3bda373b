"""What reports show of MLPs that send beside heads, or alone, and of groups that keep the highest or the strongest."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pytest
from attrs import evolve
from matplotlib.collections import QuadMesh
from rich.console import Console

from entrack.ranking import Ranking
from entrack.report import tables
from entrack.report.lookup import kept_scores, ranked
from entrack.report.plots import diagram, score_map
from entrack.report.plots.diagram_layout import stand
from entrack.report.table_data import discovery_grid
from entrack.results import Discovery, Group, Interval
from entrack.results.as_json import discovery_json
from entrack.sites import Part, Site, by_head

MLPS = {Site(0, Part.MLP): -0.5, Site(1, Part.MLP): 0.25}
BOTH = Group(
    "movers",
    "last",
    ("logits",),
    (Site.of_head(1, 0), Site(0, Part.MLP)),
    (Interval(-1.0, -0.5),) * 2,
    {**by_head(((-0.25, -0.125), (-1.0, 0.5))), **MLPS},
)
ALONE = Group(
    "upper",
    "last",
    ("movers.query", "movers.input"),
    (Site(1, Part.MLP),),
    (Interval(0.0, 0.5),),
    MLPS,
    also=((Site(0, Part.MLP), "movers"),),
    ranking=Ranking.HIGHEST,
)
FOUND = Discovery("cir", "base", "logit of answer", 9, (BOTH, ALONE))


def shown(found: Discovery) -> list[str]:
    console = Console(width=160, record=True, file=StringIO())
    console.print(tables.heat(found))
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_a_table_names_mlps_and_says_which_come_first() -> None:
    grid = discovery_grid(FOUND)
    assert grid.head == ("group", "sites kept, best score first")
    assert grid.rows[0] == ("movers\nat last -> logits\n2 kept of 6 scored", ("1.0 -1.000", "mlp.0 -0.500"))
    assert grid.rows[1][0] == "upper\nat last -> movers.query, .input\n1 kept of 2 scored, highest first"
    assert "heads as layer.head and MLPs as mlp.layer, from 0" in grid.caption
    assert "upper: mlp.0 also scored high here, and stands in movers" in grid.caption.split("\n")
    assert discovery_grid(evolve(FOUND, groups=(ALONE,))).head[1] == "MLPs kept, highest score first"


@pytest.mark.parametrize(("ranking", "first"), zip(Ranking, ("0.1", "1.1", "0.1"), strict=True))
def test_what_is_kept_is_shown_in_the_order_of_its_ranking(ranking: Ranking, first: str) -> None:
    scores = by_head(((0.25, -1.0), (0.125, 0.5)))
    group = evolve(BOTH, sites=tuple(scores), intervals=(Interval(0.0, 1.0),) * 4, scores=scores, ranking=ranking)
    assert str(ranked(group)[0]) == first


def test_the_map_of_a_terminal_has_mlps_beside_the_heads() -> None:
    lines = shown(FOUND)
    assert [line[:9].rstrip() for line in lines[:4]] == ["movers", "  1 █+ +", "  0 ▒░ ▓", "    0  m"]
    assert lines[-2].startswith("m: MLP; ") or lines[-1].startswith("m: MLP; ")


def test_a_heat_map_has_a_column_of_mlps() -> None:
    panels = [axes for axes in score_map(FOUND, "Scores").axes if axes.get_ylabel() == "layer"]
    meshes = [[each for each in axes.collections if isinstance(each, QuadMesh)] for axes in panels]
    assert [[np.asarray(mesh.get_array()).shape for mesh in each] for each in meshes] == [[(2, 2), (2, 1)], [(2, 1)]]
    labels = [[label.get_text() for label in axes.get_xticklabels()] for axes in panels]
    assert labels == [["0", "1", "MLP"], ["MLP"]]


def test_a_diagram_counts_both() -> None:
    _, boxes = stand(FOUND)
    assert boxes[0].lines[0] == "1 head, 1 MLP, layers 0 to 1"
    assert boxes[1].lines[0] == "1 MLP, layer 1"
    assert "1 head, 2 MLPs" in "".join(text.get_text() for text in diagram(FOUND, "Circuit").axes[0].texts)


def test_a_document_has_both() -> None:
    groups = discovery_json(FOUND)["groups"]
    assert [group["ranking"] for group in groups] == ["lowest", "highest"]
    assert groups[0]["sites"] == ["1.0", "mlp.0"] and groups[0]["heads"] == [[1, 0]]
    assert groups[0]["other_scores"] == {"mlp.0": -0.5, "mlp.1": 0.25}
    assert groups[1]["scores"] == []
    assert groups[1]["also"] == [{"site": "mlp.0", "head": None, "group": "movers"}]
    assert [cell.labels[1] for cell in kept_scores(FOUND).cells] == ["movers mlp.0", "movers 1.0", "upper mlp.1"]
    assert [record["head"] for record in FOUND.records()][-1] is None
