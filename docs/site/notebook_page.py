"""A notebook of `docs/` as a page of the site: its Markdown, its code in colours, its outputs as they were saved."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

PLACE = re.compile(r'<div class="output">(\d+)</div>')
CONTROLS = re.compile(r"\x1b\[[0-9;]*m")


def page(notebook: Path) -> str:
    """The notebook as Markdown, with a numbered place for each output."""
    number = iter(range(10**6))
    parts = []
    for cell in _cells(notebook):
        parts.append(_code(_text(cell["source"])) if cell["cell_type"] == "code" else _text(cell["source"]))
        parts += [f'<div class="output">{next(number)}</div>' for _ in _shown(cell)]
    return "\n\n".join(parts) + "\n"


def with_outputs(html: str, notebook: Path) -> str:
    """The page as HTML, with the outputs in their places."""
    shown = [each for cell in _cells(notebook) for each in _shown(cell)]
    return PLACE.sub(lambda place: f'<div class="output">{shown[int(place[1])]}</div>', html)


def _cells(notebook: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return cells


def _code(source: str) -> str:
    """A cell's code; under `%%entrack` it is a spec."""
    first, _, rest = source.partition("\n")
    if first.startswith("%%entrack"):
        return f"```{{ .et title='{first}' }}\n{rest}\n```"
    return f"```python\n{source}\n```"


def _shown(cell: dict[str, Any]) -> Iterator[str]:
    """The outputs of a cell as HTML."""
    for output in cell.get("outputs", ()):
        data = output.get("data", {})
        if "text/html" in data or "image/svg+xml" in data:
            yield _text(data.get("text/html") or data["image/svg+xml"])
        elif "image/png" in data:
            words = escape(_description(output, cell))
            yield f'<img alt="{words}" src="data:image/png;base64,{_text(data["image/png"]).strip()}">'
        else:
            said = output.get("text") or data.get("text/plain") or "\n".join(output.get("traceback", ()))
            yield f"<pre><code>{escape(CONTROLS.sub('', _text(said)))}</code></pre>"


def _description(output: dict[str, Any], cell: dict[str, Any]) -> str:
    """An image in words: those that came with it, or those of the cell that drew it. Raises KeyError where there are
    none."""
    said: str = output.get("metadata", {}).get("image/png", {}).get("alt") or cell["metadata"]["alt"]
    return said


def _text(lines: str | list[str]) -> str:
    return lines if isinstance(lines, str) else "".join(lines)
