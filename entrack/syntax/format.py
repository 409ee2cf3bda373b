"""Formatting: a `Program` in, its one canonical text out. Comments stay; formatting twice changes nothing.

Each item becomes lines of columns; neighbouring lines of one kind are aligned, as in a paper's table.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise, takewhile

from attrs import evolve, frozen

from entrack import budget
from entrack.source import Source, Span
from entrack.syntax import ast
from entrack.syntax.grammar import parser
from entrack.syntax.strings import quoted
from entrack.syntax.unparse import changed, drawing, listed, single, written

WIDTH = 120
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


def format_program(source: Source, program: ast.Program) -> str:
    """The text of a program without syntax errors."""
    lines = [line for item in _everything(program) for line in _lines(item)]
    return _with_comments(source, lines, program.comments)


def _everything(program: ast.Program) -> Iterator[object]:
    if program.version is not None:
        yield program.version
    yield from program.items


# --- items to lines ----------------------------------------------------------------------------------------------


def _lines(item: object) -> Iterator[Line]:
    match item:
        case ast.Version(number):
            yield Line((f"entrack {number}",), 0, item.span)
        case ast.About(fields):
            yield from _block(
                "about", [Line((f.name.text, quoted(f.text.value)), 1, f.span, "about") for f in fields], item.span
            )
        case ast.Task():
            head = f"task {item.name}" + (f"({listed(item.parameters)})" if item.parameters else "")
            yield from _block(head, [_change(part) for part in item.items], item.span)
        case ast.Alternate():
            yield from _block(
                f"alternate {item.name} of {item.task.text}", [_change(part) for part in item.changes], item.span
            )
        case ast.Desideratum():
            yield from _desideratum(item)
        case ast.Circuit():
            yield from _block(
                f"circuit {item.name} in {item.model.text}", [_group(g, 1) for g in item.groups], item.span
            )
        case ast.Discover():
            head = (
                f"discover {item.name} in {item.model.text} on {written(item.prompts)} against {written(item.against)}"
            )
            head += f" {written(item.screen)}" if item.screen else ""
            yield from _block(head, [_found(part) for part in item.items], item.span)
        case ast.Mask():
            targets = written(item.desiderata[0]) if len(item.desiderata) == 1 else f"[{listed(item.desiderata)}]"
            head = f"mask {item.name} over {written(item.circuit)} in {item.model.text} for {targets}"
            yield from _block(
                head,
                [
                    Line((part.name.text, written(part.value)), 1, part.span, "setting", begins=part.name.text)
                    for part in item.settings
                ],
                item.span,
            )
        case _:
            yield _one_line(item)


def _block(head: str, inside: Sequence[Line], span: Span) -> Iterator[Line]:
    yield Line((head + " {",), 0, Span(span.file, span.start, span.start))
    yield from _apart(inside)
    yield Line(("}",), 0, Span(span.file, span.end - 1, span.end), closes=True)


def _apart(lines: Sequence[Line]) -> Iterator[Line]:
    """Lines of a block, with `;` after one where a variable of the next is called as a word that could go on: `x =
    a; from = b`."""
    for line, after in pairwise((*lines, None)):
        if line is not None and after is not None and line.depth == after.depth and after.begins in parser().apart:
            yield evolve(line, cells=(*line.cells[:-1], line.cells[-1] + ";"))
        elif line is not None:
            yield line


def _change(part: ast.Binding | ast.Change, depth: int = 1) -> Line:
    match part:
        case ast.Binding(name, drawn):
            return Line((name, "= " + drawing(drawn)), depth, part.span, "binding", begins=name)
        case ast.Position(name, place):
            return Line((f"at {name}", "= " + written(place)), depth, part.span, "position")
        case ast.Override(target, drawn):
            return Line((written(target), "= " + drawing(drawn)), depth, part.span, "binding", begins=target.name)
        case ast.Fresh(names) | ast.Redraw(names) | ast.Shuffle(names):
            return Line((f"{type(part).__name__.lower()} {listed(names)}",), depth, part.span)
        case ast.Constraint(left, relation, right):
            return Line((f"{written(left)} {relation} {written(right)}",), depth, part.span, begins=left.name)
    raise TypeError(type(part).__name__)


def _desideratum(item: ast.Desideratum) -> Iterator[Line]:
    inside = [] if item.changes is None else _inner(item.changes, item.changes_span)
    target = [] if item.target is None else [Line(("target", written(item.target)), 1, item.target.span, "desideratum")]
    ordered = (
        [*target, *inside] if target and inside and target[0].span.start < inside[0].span.start else [*inside, *target]
    )
    yield from _block(f"desideratum {item.name} on {item.task.text}", ordered, item.span)


def _inner(changes: tuple[ast.Change, ...], span: Span) -> list[Line]:
    """The alternate of a desideratum: on one line where it fits."""
    lines = [_change(change, 2) for change in changes]
    short = "{ " + "; ".join(" ".join(line.cells) for line in lines) + " }" if lines else "{ }"
    if len(short) + len("  alternate ") <= WIDTH:
        return [Line(("alternate", short), 1, span, "desideratum")]
    end = max(span.start, span.end - 1)
    return [
        Line(("alternate {",), 1, Span(span.file, span.start, span.start)),
        *lines,
        Line(("}",), 1, Span(span.file, end, span.end), closes=True),
    ]


def _found(part: ast.Score | ast.Hop) -> Line:
    if isinstance(part, ast.Score):
        return Line((f"score {part.metric}",), 1, part.span)
    receivers = written(part.receivers[0]) if len(part.receivers) == 1 else f"[{listed(part.receivers)}]"
    return Line(
        (f"group {part.name}", f"at {part.position.text}", f"-> {receivers}", f"keep {written(part.keep)}"),
        1,
        part.span,
        "hop",
    )


def _group(group: ast.GroupItem, depth: int, model: str = "") -> Line:
    return Line(
        (f"group {group.name}{model}", f"at {group.position.text}", f"= {written(group.heads)}"),
        depth,
        group.span,
        "group",
    )


def _one_line(item: object) -> Line:
    match item:
        case ast.Seed(value):
            return Line((f"seed {value.value}",), 0, item.span)
        case ast.Param(name, value):
            return Line((f"param {name}", f"= {written(value)}"), 0, item.span, "param")
        case ast.Include(path):
            return Line((f"include {written(path)}",), 0, item.span, "include")
        case ast.Model(name, base, adapter):
            return Line(
                (f"model {name}", f"= {written(base)}" + (f" + {written(adapter)}" if adapter else "")),
                0,
                item.span,
                "model",
            )
        case ast.Group(model, group):
            return _group(group, 0, f" in {model.text}")
        case ast.Intervention(name, parameters, acts):
            given = f"({listed(parameters)})" if parameters else ""
            return Line((f"intervention {name}{given}", f"= {listed(acts)}"), 0, item.span, "intervention")
        case ast.Measure():
            return Line((f"measure {item.name}", f"= {_measured(item)}"), 0, item.span, "measure")
        case ast.Examine():
            amount = f", {single(item.amount)}" if item.amount is not None else ""
            shown = (
                f"{item.kind}({written(item.circuit)}{amount}) in {item.model.text} over {written(item.over)} on "
                f"{written(item.prompts)}"
            )
            return Line((f"measure {item.name}", f"= {shown}"), 0, item.span, "measure")
        case ast.Overlap():
            return Line(
                (f"measure {item.name}", f"= overlap({written(item.first)}, {written(item.second)})"),
                0,
                item.span,
                "measure",
            )
        case ast.Claim():
            return _claim(item)
        case ast.Figure(title, kind, of, options):
            shown = "".join(f" {word} {name.text}" for word, name in options)
            return Line((f"figure {written(title)}", f"= {kind.text}({written(of)}){shown}"), 0, item.span, "figure")
        case ast.Table(title, of):
            return Line((f"table {written(title)}", f"= {written(of)}"), 0, item.span, "table")
    raise TypeError(type(item).__name__)


def _measured(item: ast.Measure) -> str:
    changes = ", ".join(changed(part) for part in item.interventions)
    given = f" with {f'[{changes}]' if item.swept else changes}" if item.interventions else ""
    space = " " if item.metric.of else ""
    draws = f", {written(item.draws)} draws" if item.draws is not None else ""
    loop = f" for {item.loop.name} in {written(item.loop.values) or 'layers'}" if item.loop is not None else ""
    return f"{item.metric}{space}({written(item.subject)}{given}) on {written(item.prompts)}{draws}{loop}"


def _claim(item: ast.Claim) -> Line:
    if item.tolerance is not None:
        comparison = f"{written(item.left)} within {written(item.tolerance)} of {written(item.right)}"
    else:
        comparison = f"{written(item.left)} {item.relation} {written(item.right)}"
    published = (f"published {written(item.published)}",) if item.published is not None else ()
    return Line((f"claim {written(item.text)}", comparison, *published), 0, item.span, "claim")


# --- lines and comments to text ----------------------------------------------------------------------------------

Row = Line | str
"""A row of the text: a line of an item, a comment, or an empty row."""


def _with_comments(source: Source, lines: list[Line], comments: Sequence[ast.Comment]) -> str:
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
