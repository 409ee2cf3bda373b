"""Kinds of figure, one file each. Importing this package imports matplotlib; only a figure that is drawn does so."""

from entrack.report.plots.bars import bars
from entrack.report.plots.completeness import completeness
from entrack.report.plots.curves import curves
from entrack.report.plots.diagram import diagram
from entrack.report.plots.frame import panels_of
from entrack.report.plots.heads import head_bars
from entrack.report.plots.heatmap import value_map
from entrack.report.plots.into import into
from entrack.report.plots.scatter import scatter
from entrack.report.plots.score_map import score_map
from entrack.report.plots.site_map import over_sites, site_map
from entrack.report.plots.style import rendered, style

__all__ = [
    "bars",
    "completeness",
    "curves",
    "diagram",
    "head_bars",
    "into",
    "over_sites",
    "panels_of",
    "rendered",
    "scatter",
    "score_map",
    "site_map",
    "style",
    "value_map",
]
