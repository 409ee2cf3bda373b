"""docs/notebook.ipynb runs from an empty folder, and its cells give what stands in it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "notebook.ipynb"
TAGGED = "raises-exception"


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The cells of the notebook as they are now, with their outputs."""
    out = tmp_path_factory.mktemp("notebook") / "out.ipynb"
    done = subprocess.run(
        [sys.executable, str(DOCS / "run_notebook.py"), str(out)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return coded(out)


def coded(path: Path) -> list[Any]:
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def text(output: Any) -> str:
    """An output as plain text."""
    if output["output_type"] == "error":
        return "\n".join(output["traceback"])
    return "".join(output["text"] if "text" in output else output["data"]["text/plain"])


def of(cells: list[Any], beginning: str) -> str:
    """What the one cell that begins so says."""
    (cell,) = (cell for cell in cells if "".join(cell["source"]).startswith(beginning))
    return "\n".join(map(text, cell["outputs"]))


def kinds(cell: Any) -> list[tuple[str, tuple[str, ...]]]:
    """Its outputs but for the progress, of which a fast run has none."""
    found = [(output["output_type"], tuple(sorted(output.get("data", ())))) for output in cell["outputs"]]
    return [kind for kind, output in zip(found, cell["outputs"], strict=True) if "<progress" not in json.dumps(output)]


def test_its_cells_give_what_stands_in_it(notebook: list[Any]) -> None:
    kept = coded(PAGE)
    assert [cell["source"] for cell in notebook] == [cell["source"] for cell in kept]
    assert list(map(kinds, notebook)) == list(map(kinds, kept)), "run `make notebook`"


def test_its_outputs_are_what_they_should_be(notebook: list[Any]) -> None:
    assert re.search(r"nothing +0\.\d\d \[", of(notebook, "%%entrack --n 40"))
    assert "✓ pass   the circuit is needed" in of(notebook, "%%entrack --n 40")
    assert "kept  base              without(cir)" in of(notebook, 'results["kept"].to_pandas()')
    assert of(notebook, "heads =").startswith("(4, 8) lowest: (1, 6)\n")
    assert "last: " in of(notebook, "prompts, tokenizer")
    mistake = of(notebook, "%%entrack\nentrack 1")
    assert "error[E201]" in mistake and "--> cell 8:13:" in mistake and mistake.endswith("the spec has 1 error")
    assert "did you mean `kept`?" in of(notebook, 'results["kpet"]')
    assert re.search(r"^10 0\.\d+\n20 0\.\d+$", of(notebook, "import asyncio").strip())
    assert "cir.value_fetcher: path patching" in of(notebook, "spec.plan()")


def test_it_fails_only_where_it_says_so(notebook: list[Any]) -> None:
    for cell in notebook:
        failed = any(output["output_type"] == "error" for output in cell["outputs"])
        assert failed == (TAGGED in cell["metadata"].get("tags", ())), "".join(cell["source"])
        for output in cell["outputs"]:
            assert output.get("name") != "stderr" and "Traceback" not in text(output)


def test_it_names_no_machine() -> None:
    """What stands in the repository came from some machine, and says nothing of it."""
    assert not re.search(r"/tmp|/home|/root|ipykernel_\d", PAGE.read_text(encoding="utf-8"))
