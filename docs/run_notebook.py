"""Executes `docs/notebook.ipynb` in an empty folder and writes it back with its outputs, or into another file:
`make notebook`."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

PAGE = Path(__file__).with_name("notebook.ipynb")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def executed(page: Path = PAGE) -> Any:
    """The notebook with what its cells give now. Raises CellExecutionError for a cell that may not fail, and does."""
    notebook = nbformat.read(page, as_version=4)
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith(("ENTRACK_", "JPY_"))}
    with tempfile.TemporaryDirectory() as folder:
        here = {"metadata": {"path": folder}}
        client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources=here, record_timing=False)
        client.execute(env=surroundings)
    notebook.metadata = METADATA
    return notebook


def main(out: Path = PAGE) -> None:
    """Write it with its outputs."""
    nbformat.write(executed(), out)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
