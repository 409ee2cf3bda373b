"""The documentation holds: every spec in it is valid, every file it names is there, and every page is listed.

A block of a page is marked by what stands after its language: ```et is a whole spec, ```et file=... and add=... build
up a file as docs/build.py does, ```et fragment is completed by `prelude.et`, and ```et wrong E413 has just that error.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

import entrack
from entrack import api
from entrack.diagnostics import Diagnostic, errors
from entrack.source import Source

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if page.parent.name not in ("errors", "studies"))
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")
DECLARED = re.compile(
    r"^(?:param|model|task|alternate|desideratum|discover|circuit|intervention|measure) +(\w+)", re.MULTILINE
)


PAIRS = "clean,corrupted,answer,wrong,place\n" + "".join(
    f'"The [[thing: {a}]] is in Box A, the {b} is in Box B. Box A contains the",'
    f'"The [[thing: {b}]] is in Box A, the {a} is in Box B. Box A contains the",{a},{b},7\n'
    for a in ("apple", "ball", "bell", "book")
    for b in ("boot", "bowl", "brush")
)
"""The file of pairs that fragments name."""


def _build() -> Any:
    spec = importlib.util.spec_from_file_location("docs_build", DOCS / "build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["docs_build"] = module
    spec.loader.exec_module(module)
    return module


build = _build()


def _problems(path: Path) -> tuple[Diagnostic, ...]:
    return errors(api.check(api.read(path), {})[0])


def _completed(fragment: str) -> str:
    """The fragment after those paragraphs of the prelude that declare nothing which it declares itself."""
    own = set(DECLARED.findall(fragment))
    before = [
        part
        for part in (HERE / "prelude.et").read_text(encoding="utf-8").split("\n\n")
        if not own & set(DECLARED.findall(part))
    ]
    return "\n\n".join(before) + "\n\n" + fragment.removeprefix("entrack 1\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What fragments may name: the files of the boxes task."""
    shutil.copy(ROOT / "specs" / "boxes" / "objects.csv", tmp_path)
    (tmp_path / "pairs.csv").write_text(PAIRS, encoding="utf-8")
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "shopping.et").write_text(
        'entrack 1\ntask shopping { prompt = "A" answer = "B" at last = end of prompt }\n', encoding="utf-8"
    )
    (tmp_path / "scores.csv").write_text("site,score,effect\n3.5,-0.5,-1\n1.6,0.25,-2\nmlp.2,0,3\n", encoding="utf-8")
    for name in ("truth", "probes"):
        entrack.vector([1.0] * 96, tmp_path / f"{name}.safetensors", name="truth")
    entrack.vector([1.0] * 96, tmp_path / "top.safetensors")
    entrack.circuit([(3, 4)], tmp_path / "found.et")
    (tmp_path / "circuits.json").write_text('{"llama": {"value_fetcher": [[3, 5], [1, 6]]}}', encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_specs_are_valid(page: Path, folder: Path) -> None:
    for block in build.blocks(page.read_text(encoding="utf-8")):
        path = build.put(block, folder)
        if block.language != "et":
            continue
        if path is None:
            path = folder / "spec.et"
            whole = block.words[:1] not in (("fragment",), ("wrong",))
            path.write_text(block.body if whole else _completed(block.body), encoding="utf-8")
        found = {problem.code for problem in _problems(path)}
        wanted = set(block.words[1:]) if block.words[:1] == ("wrong",) else set()
        assert found == wanted, f"{block.body}\n{_problems(path)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target, anchor in LINK.findall(text):
        if "://" in target:
            continue
        path = (page.parent / target).resolve()
        assert path.exists(), f"{page.name} names {target}, which is not there"
        if anchor and path.suffix == ".md":
            assert anchor[1:] in _anchors(path), f"{page.name} names {target}{anchor}"


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_code_that_is_named_exists() -> None:
    known = {path.stem for path in (DOCS / "errors").glob("*.md")}
    for page in PAGES:
        named = set(re.findall(r"\b[EW][1-7]\d\d\b", page.read_text(encoding="utf-8")))
        assert named <= known, f"{page.name}: {sorted(named - known)}"


def test_every_page_is_listed() -> None:
    listed = (DOCS / "index.md").read_text(encoding="utf-8")
    for page in PAGES:
        name = page.relative_to(DOCS).as_posix()
        assert name == "index.md" or f"({name})" in listed or f"`{name}`" in listed, (
            f"docs/index.md does not list {name}"
        )


def test_commands_have_outputs() -> None:
    for page in PAGES:
        for block in build.blocks(page.read_text(encoding="utf-8")):
            assert block.command is None or block.body.strip(), f"{page.name}: run `make docs` for `{block.command}`"


def test_blocks_that_show_files_are_the_files() -> None:
    shown = [
        (block.body, DOCS / source)
        for page in PAGES
        for block in build.blocks(page.read_text(encoding="utf-8"))
        if (source := block.named("source"))
    ]
    assert len(shown) >= 20
    assert not [path for body, path in shown if body != path.read_text(encoding="utf-8")]


def test_an_output_takes_the_place_of_the_block_below_its_command(tmp_path: Path) -> None:
    page = (
        "```et file=a.et\nentrack 1\n```\n\n```et add=a.et\nseed 3\n```\n\n<!-- output of: cat a.et "
        "-->\n```text\nold\n```\nEnd.\n"
    )
    assert build.built(page, tmp_path) == page.replace("old\n", "entrack 1\n\nseed 3\n")


def test_the_fragments_have_something_to_stand_on(folder: Path) -> None:
    path = folder / "prelude.et"
    shutil.copy(HERE / "prelude.et", path)
    assert not errors(api.check(Source(str(path), path.read_text(encoding="utf-8")), {})[0])


def test_the_readme_shows_the_quickstart_as_it_is() -> None:
    root = Path(__file__).parents[2]
    assert f"```\n{(root / 'specs' / 'quickstart.et').read_text(encoding='utf-8')}```" in (
        root / "README.md"
    ).read_text(encoding="utf-8")
