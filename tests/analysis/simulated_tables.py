"""The tables of docs/semantics.md that are made by simulation: what their commands take, and where they are put."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/semantics.md"


def asked(description: str | None, count: int, of: str, *, rows: bool = True) -> Namespace:
    """The options of a simulation, which draws `count` times unless it is told otherwise; `rows` where some of them can
    be chosen."""
    parser = ArgumentParser(description=description)
    parser.add_argument("--count", type=int, default=count, help=of)
    if rows:
        parser.add_argument("--only", default="", help="rows whose name has this")
    parser.add_argument("--write", action="store_true", help=f"put what is printed into docs/{PAGE.name}")
    return parser.parse_args()


def printed(marks: tuple[str, str]) -> str:
    """What stands between the marks of a table."""
    return PAGE.read_text(encoding="utf-8").partition(marks[0])[2].partition(marks[1])[0]


def put(lines: Sequence[str], marks: tuple[str, str]) -> None:
    """Write the lines of a table between its marks."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(marks[0])
    PAGE.write_text(before + marks[0] + "\n".join(lines) + "\n" + marks[1] + rest.partition(marks[1])[2], "utf-8")
