"""Results for papers and spreadsheets: each table as CSV, LaTeX and Markdown, and every number as a macro of LaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from entrack.files import put, reserved
from entrack.report.format import slug
from entrack.results import Results

NAME = re.compile(r"[A-Za-z0-9_]{1,80}")
"""Names of results that are names of files, too."""


def write(results: Results, folder: Path) -> tuple[Path, ...]:
    """Write `tables/NAME.csv`, `.tex` and `.md` and `numbers.tex` into `folder`. Raises OSError."""
    return tuple(put(folder / name, text.encode()) for name, text in texts_of(results).items())


def texts_of(results: Results) -> dict[str, str]:
    """The same by the names of their files."""
    tables = results.text_tables()
    names = file_names(table.name for table in tables)
    texts = {
        f"tables/{name}.{ending}": text
        for name, table in zip(names, tables, strict=True)
        for ending, text in (("csv", table.to_csv()), ("tex", table.to_latex()), ("md", table.to_markdown()))
    }
    return {**texts, "numbers.tex": results.numbers_tex()}


def file_names(names: Iterable[str]) -> tuple[str, ...]:
    """A file name without suffix for each, safe everywhere, all different where capitals do not count either."""
    found: list[str] = []
    for name in names:
        plain = name if NAME.fullmatch(name) and not reserved(name) else f"table-{slug(name)}"
        said, many = plain, 1
        while said.lower() in map(str.lower, found):
            many += 1
            said = f"{plain}-{many}"
        found.append(said)
    return tuple(found)
