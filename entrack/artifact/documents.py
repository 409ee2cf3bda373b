"""What a pack says of its results beside results.json: tables and numbers for papers, figures, the report. Each is a
function of the results, and of the texts of the spec, alone, so that it can be made again."""

from __future__ import annotations

from collections.abc import Mapping

from entrack.report.exports import texts_of
from entrack.report.figures import drawings, drawn
from entrack.report.html import Written, report_html
from entrack.results import Results


def documents_of(results: Results, written: Written) -> Mapping[str, bytes]:
    """Tables as CSV, LaTeX and Markdown; every number as a macro of LaTeX; the figures that the spec asks for, or those
    that suit its results, as SVG and PDF; and the page that shows everything."""
    figures = drawn(results, ("svg", "pdf"))
    page = report_html(results, written, drawings(results, figures.__getitem__))
    return {
        "report.html": page.encode(),
        **{name: text.encode() for name, text in texts_of(results).items()},
        **{f"figures/{name}": data for name, data in figures.items()},
    }
