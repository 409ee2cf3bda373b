"""HTML: tables for notebooks (`notebook.py`) and the page `report.html` (`page.py`). Without scripts, and without
anything that is fetched."""

from entrack.report.html.notebook import item_html, results_html
from entrack.report.html.page import Written, report_html, written

__all__ = ["Written", "item_html", "report_html", "results_html", "written"]
