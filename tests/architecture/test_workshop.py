"""What a newcomer, a maintainer and a citation index read - README.md, CONTRIBUTING.md, SECURITY.md, CITATION.cff, the
workflow of the continuous integration - agrees with the repository."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any

import pytest
import yaml
from lock import ROOT, pins
from packaging.specifiers import SpecifierSet
from test_lock import PIN, read

import entrack
from entrack import api
from entrack.source import Source

PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md")
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
MAKE = re.compile(r"\bmake ([a-z0-9-]+)")
MODULE = re.compile(r"python -m (entrack[\w.]*)")
FILE = re.compile(r"`((?:entrack|tests|docs|grammars|editors|specs|\.ci|\.github)/[\w./-]*)`")
RECIPES = re.compile(r"^## Adding an? (?P<what>[a-z ]+)\n(?P<text>.*?)(?=^## )", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `([\w./-]+)` \|", re.MULTILINE)
EXAMPLES = {"entrack/report/plots/histogram.py"}
"""Files that an example adds."""


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def recipes() -> dict[str, list[str]]:
    """For each kind of addition the files that its recipe lists."""
    return {match["what"]: ROW.findall(match["text"]) for match in RECIPES.finditer(text("CONTRIBUTING.md"))}


def workflow() -> Any:
    return yaml.safe_load(text(".github/workflows/test.yml"))


def targets() -> set[str]:
    """The targets of the Makefile."""
    return set(re.findall(r"^([a-z][a-z0-9-]*):(?!=)", text("Makefile"), flags=re.MULTILINE))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made on the usual sites."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    for target, anchor in LINK.findall(text(name)):
        if "://" in target:
            continue
        path = ROOT / (target or name)
        assert path.exists(), f"{name} names {target}, which is not there"
        assert not anchor or anchor in anchors(path), f"{name} names {target}#{anchor}"


@pytest.mark.parametrize("name", PAGES)
def test_commands_and_files_are_there(name: str) -> None:
    page = text(name)
    code = "\n".join(re.findall(r"`[^`\n]+`|^    .+$", page, flags=re.MULTILINE))
    assert set(MAKE.findall(code)) <= targets()
    for module in MODULE.findall(code):
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), module
    missing = [path for path in FILE.findall(page) if not (ROOT / path).exists() and path not in EXAMPLES]
    assert missing == [], f"{name} names {missing}"


def test_each_recipe_lists_the_files_that_it_touches() -> None:
    assert {"metric", "source of an act", "kind of figure", "family", "kind of step"} <= set(recipes())
    for what in ("metric", "source of an act", "kind of figure"):
        assert recipes()[what], what
        assert [path for path in recipes()[what] if not (ROOT / path).is_file() and path not in EXAMPLES] == []


def test_a_source_of_an_act_touches_the_files_of_its_recipe() -> None:
    known = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "entrack").rglob("*.py")
        if re.search(r"\bSample(Of)?\b", path.read_text(encoding="utf-8"))
    }
    assert {"grammars/entrack.lark", *known} == set(recipes()["source of an act"])


def test_the_citation_is_of_this_package() -> None:
    cited = yaml.safe_load(text("CITATION.cff"))
    assert {"cff-version", "message", "title", "authors"} <= set(cited), "what the format requires"
    assert (cited["cff-version"], cited["type"], cited["license"]) == ("1.2.0", "software", "MIT")
    assert cited["version"] == entrack.__version__ == version("entrack")
    for entry in (cited, *cited["references"]):
        assert entry["title"]
        assert entry["authors"]
        assert all("name" in author or {"family-names", "given-names"} <= set(author) for author in entry["authors"])
    assert cited["references"][0]["identifiers"][0]["value"] == "arXiv:2402.14811"


def test_the_workflow_runs_what_the_readme_says() -> None:
    steps = workflow()["jobs"]["test"]["steps"]
    commands = [step["run"].split()[:2] for step in steps if "run" in step]
    assert commands == [["make", "test"]]
    assert "make test" in text("README.md")
    assert "make test" in text(".ci/run")


def test_the_workflow_has_the_pythons_that_the_dependencies_allow() -> None:
    tried = workflow()["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in tried
    for python in tried:
        refused = [name for name, needs in needed().items() if not needs.contains(f"{python}.9")]
        assert refused == [], f"Python {python} is refused by {refused}"
    declared = SpecifierSet(distribution("entrack").metadata["Requires-Python"])
    oldest = min(tried, key=lambda each: int(each.split(".")[1]))
    assert declared.contains(oldest)
    assert not declared.contains(f"3.{int(oldest.split('.')[1]) - 1}")


def needed() -> dict[str, SpecifierSet]:
    """The versions of Python that each pinned package takes, of those that are installed here."""
    found = {}
    for match in filter(None, map(PIN.match, pins(read("requirements-dev.lock")))):
        try:
            found[match.group(1)] = SpecifierSet(distribution(match.group(1)).metadata["Requires-Python"] or "")
        except PackageNotFoundError:  # of another system, or a tool of the build
            continue
    assert len(found) > 50
    return found


def test_types_are_checked_in_every_folder_of_tests() -> None:
    settings = tomllib.loads(text("pyproject.toml"))["tool"]["mypy"]
    known = set(settings["mypy_path"].split(":"))
    folders = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py")}
    packages = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("__init__.py")}
    assert folders - packages <= known
    assert known <= folders | {"tests/robustness"}
    assert settings["strict"] is True
    assert settings["files"] == ["entrack", "benchmarks", "tests"]


def test_the_readme_names_the_families_that_a_spec_may_use(tmp_path: Path) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "config.json").write_text('{"model_type": "odd"}', encoding="utf-8")
    spec = 'entrack 1\nmodel m = local("odd")\ngroup g in m at last = 0.0\n'
    problems, _ = api.check(Source(str(tmp_path / "spec.et"), spec), {})
    (said,) = (problem.message for problem in problems if problem.code == "E506")
    families = said.rpartition("known are ")[2].split(", ")
    assert len(families) >= 3
    for page, begins in (("README.md", "**Families of models**"), ("docs/language.md", "Known families are")):
        (line,) = (line for line in text(page).splitlines() if line.startswith(begins))
        named = re.sub(r"[^a-z0-9]", "", line.partition("Weights")[0].lower())
        assert [family for family in families if re.sub(r"[^a-z0-9]", "", family) not in named] == [], page
