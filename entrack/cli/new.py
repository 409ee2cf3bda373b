"""`entrack new`: a spec from a template that runs as it is, with comments that teach."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from entrack.cli.exit_codes import failures, refuse, say

TEMPLATES = Path(__file__).parents[1] / "templates"
FIRST = "ioi"
"""The template of who names none."""
ROWS = "prompts.csv"
"""What the template of one's own data reads, beside the spec."""
ABOUT = re.compile(r"^# (.*)$", re.MULTILINE)


def new(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KIND] FILE", help="which template (default: ioi), and the .et file to write"),
    ] = None,
    *,
    list_: Annotated[bool, typer.Option("--list", help="say which templates there are")] = False,
    data: Annotated[bool, typer.Option("--data", help=f"with own-data: write a small {ROWS} beside it, too")] = False,
) -> None:
    """Write a spec from a template: ioi, pairs, tracing or own-data. Never writes over a file."""
    with failures():
        if list_:
            sys.stdout.write("".join(f"{kind:<10}{about(kind)}\n" for kind in kinds()))
            return
        kind, file = asked(words or [], data=data)
        for path, template in written(kind, file, data=data).items():
            _put(path, template.read_text(encoding="utf-8"))
            say(f"wrote {path}")
        if kind == "own-data" and not (file.parent / ROWS).exists():
            say(f"it reads {file.parent / ROWS}, which is not there yet: your rows, or a few to begin with by `--data`")
        say(f"next: entrack run {file}, or entrack watch {file}, which runs it at each save")


def kinds() -> tuple[str, ...]:
    """The templates there are."""
    return tuple(sorted(path.stem for path in TEMPLATES.glob("*.et")))


def about(kind: str) -> str:
    """What a template is for: its first comment."""
    found = ABOUT.search((TEMPLATES / f"{kind}.et").read_text(encoding="utf-8"))
    return "" if found is None else found[1]


def asked(words: list[str], *, data: bool) -> tuple[str, Path]:
    """A template's name, and the file to write. Raises Refused."""
    from entrack.diagnostics.suggest import did_you_mean

    if not 1 <= len(words) <= 2:
        refuse(
            "`entrack new [KIND] FILE` takes a file to write, such as my.et, and before it a kind; --list names them"
        )
    kind, file = words if len(words) == 2 else (FIRST, words[0])
    if kind not in kinds():
        refuse(f"there is no template {kind}; {did_you_mean(kind, kinds())}")
    if Path(file).suffix != ".et":
        refuse(f"a spec is a file that ends in .et, such as {Path(file).stem or 'my'}.et; this is {file}")
    if data and kind != "own-data":
        refuse("--data is for own-data: `entrack new own-data FILE --data`")
    return kind, Path(file)


def written(kind: str, file: Path, *, data: bool) -> dict[Path, Path]:
    """The files to write, and the template of each. Raises Refused where one of them is there."""
    made = {file: TEMPLATES / f"{kind}.et"}
    if data:
        made[file.parent / ROWS] = TEMPLATES / f"{kind}.csv"
    for path in made:
        if path.exists() or path.is_symlink():
            refuse(f"{path} is there already, and nothing is written over")
    return made


def _put(path: Path, text: str) -> None:
    """Write a file that was not there. Raises OSError."""
    with path.open("x", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
