"""The files that `entrack run --out` writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from entrack.files import put
from entrack.report import document, exports
from entrack.report.figures import draw_all, drawings, in_folder
from entrack.report.html import report_html, written
from entrack.results import Results
from entrack.spec import Spec


def write_all(results: Results, spec: Spec, folder: Path, *, pdf: bool = False) -> tuple[Path, ...]:
    """Results, figures and the page that shows them. Raises OSError."""
    files = [*document.write(results, folder), *exports.write(results, folder), *draw_all(results, folder, pdf=pdf)]
    texts = written(spec.source, spec.sources.values(), spec.resolved.about)
    page = report_html(results, texts, drawings(results, in_folder(folder)))
    return (*files, put(folder / "report.html", page.encode()))


def listed(paths: Sequence[Path], folder: Path) -> str:
    """The files by their names, those of a folder inside by its name alone."""
    names = (path.name if path.parent == folder else f"{path.parent.name}/" for path in paths)
    return ", ".join(dict.fromkeys(names))
