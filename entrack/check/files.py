"""The files of a spec: other specs, columns and head lists, all of them inside the spec's folder.

Nothing outside is ever opened: no absolute path, no `..` that leaves, no link that leads out, no URL.
"""

from __future__ import annotations

import csv
import json
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from attrs import frozen

from entrack.diagnostics import Diagnostic, nearest
from entrack.source import Source, Span

MOST_BYTES = 1 << 24
MOST_ROWS = 100_000
MOST_PATH, MOST_NAME = 1024, 255


class Unreadable(Exception):
    """A file of the spec cannot be used; carries the diagnostic."""

    def __init__(self, problem: Diagnostic) -> None:
        super().__init__(problem.message)
        self.problem = problem


@frozen
class Files:
    """Reads files named in a spec. `root` is the folder of the spec that is run."""

    root: Path

    def resolve(self, written: str, span: Span) -> Path:
        """The file that `written` names, seen from the file it is written in. Raises Unreadable."""
        pure = PurePosixPath(written)
        windows = "\\" in written or (len(written) > 1 and written[1] == ":")
        long = len(written) > MOST_PATH or any(len(part.encode(errors="replace")) > MOST_NAME for part in pure.parts)
        if not written or long or "\0" in written or pure.is_absolute() or windows or "://" in written:
            raise Unreadable(Diagnostic("E210", "a file is named by a path inside the spec's folder", span, help="write a relative path with `/`, such as `\"data/objects.csv\"`"))
        path = Path(span.file).parent / pure
        try:
            inside = path.resolve().is_relative_to(self.root.resolve())
        except (OSError, RuntimeError, ValueError):
            inside = False
        if not inside:
            raise Unreadable(Diagnostic("E210", f"`{written}` lies outside the spec's folder", span, "a spec only reads what is published with it",
                                        "move the file beside the spec"))  # fmt: skip
        return path

    def text(self, written: str, span: Span) -> Source:
        """A text file as a source. Raises Unreadable."""
        path = self.resolve(written, span)
        if not path.is_file():
            raise Unreadable(Diagnostic("E211", f"there is no file `{written}`", span, f"looked in {path.parent}", _near_file(path)))
        try:
            if path.stat().st_size > MOST_BYTES:
                raise Unreadable(Diagnostic("E212", f"`{written}` has more than {MOST_BYTES:,} bytes", span, help="keep only what the spec needs"))
            return Source(str(path), path.read_text(encoding="utf-8-sig"))
        except UnicodeDecodeError:
            raise Unreadable(Diagnostic("E212", f"`{written}` is not UTF-8 text", span, help="save it as UTF-8")) from None
        except OSError as error:
            raise Unreadable(Diagnostic("E212", f"`{written}` cannot be read: {error.strerror}", span, help="look at its permissions")) from None

    def column(self, written: str, name: str, span: Span) -> tuple[str, ...]:
        """One column of a CSV file with a header line. Raises Unreadable."""
        source = self.text(written, span)
        try:
            rows = list(islice(csv.reader(source.text.splitlines(), strict=True), MOST_ROWS + 1))
        except csv.Error as error:
            raise Unreadable(Diagnostic("E213", f"`{written}` is no CSV table: {error}", span, help="save it as comma-separated values with a header line")) from None
        if not rows or name not in rows[0]:
            columns = rows[0] if rows else []
            near = nearest(name, columns)
            raise Unreadable(Diagnostic("E213", f"`{written}` has no column `{name}`", span, f"its columns: {_few(columns)}",
                                        f"did you mean `{near}`?" if near else "the first line of the file names the columns"))  # fmt: skip
        place = rows[0].index(name)
        short = next((number for number, row in enumerate(rows[1:], 2) if row and len(row) <= place), None)
        if short is not None:
            raise Unreadable(Diagnostic("E213", f"line {short} of `{written}` has no value for `{name}`", span, help="fill it, or delete the line"))
        values = tuple(row[place].strip() for row in rows[1:] if row)
        if not values or not all(values):
            raise Unreadable(Diagnostic("E213", f"the column `{name}` of `{written}` has empty values", span, help="fill them, or delete the lines"))
        return values

    def json(self, written: str, dotted: str, span: Span) -> Any:
        """What stands at a dotted path of a JSON file. Raises Unreadable."""
        source = self.text(written, span)
        try:
            value = json.loads(source.text)
        except (ValueError, RecursionError) as error:
            raise Unreadable(Diagnostic("E214", f"`{written}` is no JSON: {str(error)[:100]}", span, help="name a JSON file with heads as [[layer, head], ...]")) from None
        for part in dotted.split("."):
            if not isinstance(value, dict) or part not in value:
                known = sorted(str(key) for key in value) if isinstance(value, dict) else []
                raise Unreadable(Diagnostic("E214", f"`{written}` has nothing at `{dotted}`", span, f"no `{part}`; there is {_few(known)}",
                                            f"did you mean `{nearest(part, known)}`?" if nearest(part, known) else ""))  # fmt: skip
            value = value[part]
        return value


def _few(names: list[str]) -> str:
    """Some names of a file, which may have any number of any length."""
    return (", ".join(name[:40] for name in names[:8]) or "nothing") + (" ..." if len(names) > 8 else "")


def _near_file(path: Path) -> str:
    try:
        names = [child.name for child in path.parent.iterdir() if child.is_file()][:1000]
    except OSError:
        return "check the path; it is seen from the file it is written in"
    near = nearest(path.name, names)
    return f"did you mean `{near}`?" if near else "check the path; it is seen from the file it is written in"
