"""Lines of cells and comments become the text of a program: neighbouring lines of one kind are aligned, as in a paper's
table, and an empty row of the author's stays."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import takewhile

from entrack import budget
from entrack.frozen import frozen
from entrack.source import Source, Span
from entrack.syntax import ast

WIDEST = 240
"""Characters of a cell that others are aligned with: a longer one stands out, and does not make every neighbour as
long."""
INDENT = "  "


@frozen
class Line:
    """One line: `cells` are aligned with those of neighbours of the same `kind`. An empty kind aligns with nothing."""

    cells: tuple[str, ...]
    depth: int
    span: Span
    kind: str = ""
    closes: bool = False
    """Whether this is the line of a closing bracket: comments before it belong inside the block."""
    begins: str = ""
    """The variable that the line begins with."""


Row = Line | str
"""A row of the text: a line of an item, a comment, or an empty row."""


def with_comments(source: Source, lines: list[Line], comments: Sequence[ast.Comment]) -> str:
    """The text of these lines with the comments between and behind them."""
    rows: list[Row] = []
    ends: dict[int, str] = {}
    previous, waiting = -1, deque(comments)
    for line in (*lines, None):
        before: list[ast.Comment] = []
        while waiting and (line is None or waiting[0].span.start < line.span.start):
            before.append(waiting.popleft())
        behind = list(takewhile(lambda c: not c.alone, before))
        own = before[len(behind) :]
        ends[previous] = "".join(f"  {c.text}" for c in behind)
        above = (
            lines[-1]
            if line is None and lines
            else next((row for row in reversed(rows) if isinstance(row, Line)), None)
        )
        rows.extend(_above(source, above, line, own))
        if line is not None:
            previous = len(rows)
            rows.append(line)
    texts = _aligned(rows)
    return "\n".join((text + ends.get(place, "")).rstrip() for place, text in enumerate(texts)).strip("\n") + "\n"


def _above(source: Source, previous: Line | None, line: Line | None, comments: list[ast.Comment]) -> Iterator[str]:
    """The rows between two lines: comments on rows of their own, and empty ones. `line` None: the end of the text."""
    if _gap(source, previous, line, comments):
        yield ""
    depth = 0 if line is None else line.depth + line.closes
    for place, comment in enumerate(comments):
        if place and _blank_between(source, comments[place - 1].span.end, comment.span.start):
            yield ""
        yield INDENT * depth + comment.text
    if (
        comments
        and line is not None
        and not line.closes
        and line.depth == 0
        and _blank_between(source, comments[-1].span.end, line.span.start)
    ):
        yield ""


def _gap(source: Source, previous: Line | None, line: Line | None, comments: list[ast.Comment]) -> bool:
    """Whether an empty row stands before: always round a block, elsewhere where the author left one."""
    if previous is None or (line is None and not comments) or (line is not None and line.closes):
        return False
    start = comments[0].span.start if comments else line.span.start if line else 0
    blank = _blank_between(source, previous.span.end, start)
    if line is not None and line.depth:
        return previous.depth == line.depth and blank
    return blank or (line is not None and (previous.closes or line.cells[0].endswith("{")))


def _blank_between(source: Source, start: int, end: int) -> bool:
    return source.text[start:end].replace(" ", "").replace("\t", "").replace("\r", "").count("\n\n") > 0


def _aligned(rows: Sequence[Row]) -> Iterator[str]:
    """The text of each row, the cells of a line padded to those of the run of neighbours it stands in."""
    for run in _runs(rows):
        lines = [row for row in run if isinstance(row, Line)]
        columns = max((len(line.cells) for line in lines), default=0)
        widths = [
            max(
                (len(line.cells[c]) for line in lines if len(line.cells) > c + 1 and len(line.cells[c]) <= WIDEST),
                default=0,
            )
            for c in range(columns)
        ]
        for row in run:
            yield row if isinstance(row, str) else _padded(row, widths)


def _padded(line: Line, widths: Sequence[int]) -> str:
    budget.spend(
        budget.WRITTEN, sum(max(len(cell), width) for cell, width in zip(line.cells, (*widths, 0), strict=False))
    )
    padded = [cell.ljust(width) for cell, width in zip(line.cells[:-1], widths, strict=False)]
    return INDENT * line.depth + " ".join([*padded, line.cells[-1]])


def _runs(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Rows cut where alignment ends: at an empty row, and between lines of different kinds. Comments are no
    obstacle."""
    run: list[Row] = []
    last: Line | None = None
    for row in rows:
        if row == "" or (isinstance(row, Line) and last is not None and not _neighbours(last, row)):
            yield run
            run, last = [], None
        run.append(row)
        last = row if isinstance(row, Line) else last
    yield run


def _neighbours(above: Line, below: Line) -> bool:
    return bool(below.kind) and above.kind == below.kind and above.depth == below.depth
