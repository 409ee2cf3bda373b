"""How wide figures are: the columns that papers have, and a slide."""

from __future__ import annotations

from collections.abc import Mapping

from entrack.frozen import frozen


@frozen
class Column:
    """Inches from side to side; `magnified` says how many times larger it will be shown than its letters say."""

    width: float
    magnified: float = 1.0


COLUMNS: Mapping[str, Column] = {
    "single": Column(3.25),
    "text": Column(5.5),
    "double": Column(6.75),
    "slide": Column(6.0, 13.33 / 6.0),
}
"""One column of two (3.25 in, as of ICML), the text of a page that has one column (5.5 in, as of NeurIPS and ICLR),
both columns (6.75 in), and a slide of 16:9 (13.33 in), on which 8 points are 18."""
WIDTHS = (3.25, 5.5, 6.75)
"""Of these the narrowest that holds a figure is taken where nobody says a width."""
