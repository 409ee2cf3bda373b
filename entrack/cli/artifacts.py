"""The files that `entrack run --out` writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from entrack.files import put
from entrack.kept import of_the_user
from entrack.report import document, exports
from entrack.report.figures import draw_all, drawings, in_folder
from entrack.report.html import report_html, written
from entrack.report.kept_figures import MOST, NOTHING_KEPT, KeptFigures
from entrack.results import Results
from entrack.spec import Spec


def kept_figures() -> KeptFigures:
    """Where drawn figures are kept."""
    return KeptFigures(of_the_user("figures", MOST))


def write_all(
    results: Results,
    spec: Spec,
    folder: Path,
    *,
    pdf: bool = False,
    width: str | None = None,
    kept: KeptFigures = NOTHING_KEPT,
) -> tuple[Path, ...]:
    """Results, figures and the page that shows them. Raises OSError."""
    documents = (*document.write(results, folder), *exports.write(results, folder))
    figures = draw_all(results, folder, pdf=pdf, width=width, kept=kept)
    texts = written(spec.source, spec.sources.values(), spec.resolved.about)
    page = report_html(results, texts, drawings(results, in_folder(folder)))
    return (*documents, *figures, put(folder / "report.html", page.encode()))


def listed(paths: Sequence[Path], folder: Path) -> str:
    """The files by their names, those of a folder inside by its name alone."""
    names = (path.name if path.parent == folder else f"{path.parent.name}/" for path in paths)
    return ", ".join(dict.fromkeys(names))
