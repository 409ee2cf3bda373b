"""Results: what a run found, as frozen values with units, axes, intervals and where they came from.

Reports read only these. `Results.to_json` is the documented document of `entrack run --json` (docs/results.md).
Per-prompt outcomes are plain floats; numpy and pandas are imported only by `to_numpy` and `to_pandas`.
"""

from __future__ import annotations

from entrack.results.claims import Basis, Certificate, Claim, Claims, Verdict
from entrack.results.discoveries import Agreement, Confirmed, Discovery, Group, Missed, Race, Screen, Significance
from entrack.results.interval import Interval
from entrack.results.provenance import Provenance
from entrack.results.text_table import Tabular, TextTable
from entrack.results.values import Axis, Cell, Figure, Mask, Masks, Measure, Table
from entrack.results.whole import Results

__all__ = [
    "Agreement",
    "Axis",
    "Basis",
    "Cell",
    "Certificate",
    "Claim",
    "Claims",
    "Confirmed",
    "Discovery",
    "Figure",
    "Group",
    "Interval",
    "Mask",
    "Masks",
    "Measure",
    "Missed",
    "Provenance",
    "Race",
    "Results",
    "Screen",
    "Significance",
    "Table",
    "Tabular",
    "TextTable",
    "Verdict",
]
