"""The pages `docs/errors/*.md`, made from the cases in `tests/check/cases/`, which `tests/check/test_pages.py` checks.
`make docs` writes them.

A case has a title, the cause, and one spec in the form of a diff: `- ` before a line of the wrong spec alone, `+ `
before one of the right spec alone, two spaces before one of both. `@task` stands for the paragraph of `shared.et` that
begins with `task`.

`docs/errors.md` lists them all, by what they are about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES, CASES = ROOT / "docs" / "errors", ROOT / "tests" / "check" / "cases"
INDEX = ROOT / "docs" / "errors.md"
HEAD = """# Errors and warnings

Every problem in a spec has a code. `entrack check SPEC` says all of them at once, each with the place, the cause and
what to do; `entrack explain E201` shows the page of a code on the terminal. Each page has a spec that is wrong, and the
same spec put right.

Codes with E are errors: nothing runs. Codes with W are warnings. What can go wrong with files, models and machines has
names instead of codes: [exit statuses](exit-status.md).
"""
GROUPS = {
    "E1": "How a spec is written",
    "E2": "Names, params, files and includes",
    "E3": "Numbers",
    "E40": "Tasks: variables and texts",
    "E41": "Tasks: prompts, holes and positions",
    "E42": "Tasks: lists and draws",
    "E43": "Prompts as tokens",
    "E44": "Rows of a file",
    "E50": "Models",
    "E51": "Circuits, heads and sites",
    "E52": "Discoveries",
    "E60": "Measures and interventions",
    "E61": "Acts, layers and prompts",
    "E62": "Cells and claims",
    "E63": "Figures",
    "E64": "Tokens, certified claims and losses",
    "E65": "Masks",
    "E66": "Vectors and loops",
    "E7": "Limits",
    "W": "Warnings",
}
"""How codes begin, and what these are about."""
CASE = re.compile(r"(# [EW][0-9]{3}: [^\n]+\n\n\S.*?)\n\n```diff\n(.*)```\n", re.DOTALL)


@dataclass(frozen=True)
class Case:
    """One kind of error: title and cause in Markdown, a spec that has it and one that has not."""

    cause: str
    wrong: str
    right: str

    def page(self) -> str:
        """The page that `entrack explain` shows."""
        return f"{self.cause}\n\n## Wrong\n\n```et\n{self.wrong}```\n\n## Right\n\n```et\n{self.right}```\n"


def case(code: str) -> Case:
    """The case of a code. Raises ValueError where it is not of the form."""
    found = CASE.fullmatch((CASES / f"{code}.md").read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"the case of {code} is not a title, a cause and a spec as a diff")
    lines = [line for each in found[2].splitlines() for line in _shared(each)]
    wrong, right = ("".join(f"{line[2:]}\n" for line in lines if line[:1] != other) for other in "+-")
    return Case(found[1], wrong, right)


def _shared(line: str) -> Iterator[str]:
    """The line, or the paragraph that it stands for."""
    if not line.startswith("@"):
        return iter([line])
    paragraphs = (CASES / "shared.et").read_text(encoding="utf-8").rstrip("\n").split("\n\n")
    return (f"  {each}" for text in paragraphs if text.split()[0] == line[1:] for each in text.splitlines())


def codes() -> list[str]:
    """Every code that has a case."""
    return sorted(path.stem for path in CASES.glob("*.md"))


def index() -> str:
    """The page that lists all codes, by what they are about."""
    return HEAD + "".join(f"\n## {about}\n\n{_listed(begins)}" for begins, about in GROUPS.items())


def _listed(begins: str) -> str:
    rows = [f"| [{code}](errors/{code}.md) | {_title(code)} |\n" for code in codes() if code.startswith(begins)]
    return "".join(["| code | title |\n|---|---|\n", *rows])


def _title(code: str) -> str:
    return case(code).cause.split("\n")[0].removeprefix(f"# {code}: ")


def write() -> None:
    """Write every page, and the list of them."""
    for code in codes():
        (PAGES / f"{code}.md").write_text(case(code).page(), encoding="utf-8")
    INDEX.write_text(index(), encoding="utf-8")


if __name__ == "__main__":
    write()
