"""Kinds of figure, one file each. Importing this package imports matplotlib; only a figure that is drawn does so."""

from entrack.report.kinds.bars import bars
from entrack.report.kinds.canvas import save, style
from entrack.report.kinds.completeness import completeness
from entrack.report.kinds.curves import curves
from entrack.report.kinds.diagram import diagram
from entrack.report.kinds.heads import head_bars
from entrack.report.kinds.heatmap import score_map, value_map
from entrack.report.kinds.scatter import scatter

__all__ = ["bars", "completeness", "curves", "diagram", "head_bars", "save", "scatter", "score_map", "style", "value_map"]
