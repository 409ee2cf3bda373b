"""Formatting: a `Program` in, its one canonical text out. Comments stay; formatting twice changes nothing.

Each item becomes lines of columns; neighbouring lines of one kind are aligned, as in a paper's table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import frozen

from entrack.source import Source, Span
from entrack.syntax import ast
from entrack.syntax.write import listed, quoted, written

WIDTH = 120
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
            yield from _block("about", [Line((f.name.text, quoted(f.text.value)), 1, f.span, "about") for f in fields], item.span)
        case ast.Task():
            head = f"task {item.name}" + (f"({listed(item.parameters)})" if item.parameters else "")
            yield from _block(head, [_change(part) for part in item.items], item.span)
        case ast.Alternate():
            yield from _block(f"alternate {item.name} of {item.task.text}", [_change(part) for part in item.changes], item.span)
        case ast.Desideratum():
            yield from _desideratum(item)
        case ast.Circuit():
            yield from _block(f"circuit {item.name} in {item.model.text}", [_group(g, 1) for g in item.groups], item.span)
        case ast.Discover():
            head = f"discover {item.name} in {item.model.text} on {written(item.prompts)} against {written(item.against)}"
            yield from _block(head, [_found(part) for part in item.items], item.span)
        case _:
            yield _one_line(item)


def _block(head: str, inside: Sequence[Line], span: Span) -> Iterator[Line]:
    yield Line((head + " {",), 0, Span(span.file, span.start, span.start))
    yield from inside
    yield Line(("}",), 0, Span(span.file, span.end - 1, span.end), closes=True)


def _change(part: ast.Binding | ast.Change, depth: int = 1) -> Line:
    match part:
        case ast.Binding(name, drawing):
            return Line((name, "= " + written(drawing)), depth, part.span, "binding")
        case ast.Position(name, place):
            return Line((f"at {name}", "= " + written(place)), depth, part.span, "position")
        case ast.Override(target, drawing):
            return Line((written(target), "= " + written(drawing)), depth, part.span, "binding")
        case ast.Fresh(names) | ast.Redraw(names) | ast.Shuffle(names):
            return Line((f"{type(part).__name__.lower()} {listed(names)}",), depth, part.span)
        case ast.Constraint(left, relation, right):
            return Line((f"{written(left)} {relation} {written(right)}",), depth, part.span)
    raise TypeError(type(part).__name__)


def _desideratum(item: ast.Desideratum) -> Iterator[Line]:
    inside: list[Line] = []
    if item.changes is not None:
        changes = [_change(change, 2) for change in item.changes]
        short = "{ " + "; ".join(" ".join(line.cells) for line in changes) + " }"
        start = changes[0].span.start if changes else item.span.start
        if len(short) + 14 <= WIDTH:
            inside.append(Line(("alternate", short), 1, Span(item.span.file, start, changes[-1].span.end if changes else start), "desideratum"))
        else:
            inside.append(Line(("alternate {",), 1, Span(item.span.file, start, start)))
            inside.extend(changes)
            inside.append(Line(("}",), 1, Span(item.span.file, changes[-1].span.end, changes[-1].span.end), closes=True))
    if item.target is not None:
        inside.append(Line(("target", written(item.target)), 1, item.target.span, "desideratum"))
    yield from _block(f"desideratum {item.name} on {item.task.text}", sorted(inside, key=lambda line: line.span.start), item.span)


def _found(part: ast.Score | ast.Hop) -> Line:
    if isinstance(part, ast.Score):
        return Line((f"score {part.metric}",), 1, part.span)
    receivers = written(part.receivers[0]) if len(part.receivers) == 1 else f"[{listed(part.receivers)}]"
    return Line((f"group {part.name}", f"at {part.position.text}", f"-> {receivers}", f"keep {written(part.keep)}"), 1, part.span, "hop")


def _group(group: ast.GroupItem, depth: int, model: str = "") -> Line:
    return Line((f"group {group.name}{model}", f"at {group.position.text}", f"= {written(group.heads)}"), depth, group.span, "group")


def _one_line(item: object) -> Line:
    match item:
        case ast.Seed(value):
            return Line((f"seed {value.value}",), 0, item.span)
        case ast.Param(name, value):
            return Line((f"param {name}", f"= {written(value)}"), 0, item.span, "param")
        case ast.Include(path):
            return Line((f"include {written(path)}",), 0, item.span, "include")
        case ast.Model(name, base, adapter):
            return Line((f"model {name}", f"= {written(base)}" + (f" + {written(adapter)}" if adapter else "")), 0, item.span, "model")
        case ast.Group(model, group):
            return _group(group, 0, f" in {model.text}")
        case ast.Intervention(name, parameters, acts):
            given = f"({listed(parameters)})" if parameters else ""
            return Line((f"intervention {name}{given}", f"= {listed(acts)}"), 0, item.span, "intervention")
        case ast.Measure():
            return Line((f"measure {item.name}", f"= {_measured(item)}"), 0, item.span, "measure")
        case ast.Claim():
            return _claim(item)
        case ast.Figure(title, kind, of, options):
            shown = "".join(f" {word} {name.text}" for word, name in options)
            return Line((f"figure {written(title)}", f"= {kind.text}({written(of)}){shown}"), 0, item.span, "figure")
        case ast.Table(title, of):
            return Line((f"table {written(title)}", f"= {written(of)}"), 0, item.span, "table")
    raise TypeError(type(item).__name__)


def _measured(item: ast.Measure) -> str:
    changed = f"[{listed(item.interventions)}]" if item.swept else listed(item.interventions)
    given = f" with {changed}" if item.interventions else ""
    space = " " if item.metric.of else ""
    return f"{item.metric}{space}({written(item.subject)}{given}) on {written(item.prompts)}"


def _claim(item: ast.Claim) -> Line:
    if item.tolerance is not None:
        comparison = f"{written(item.left)} within {written(item.tolerance)} of {written(item.right)}"
    else:
        comparison = f"{written(item.left)} {item.relation} {written(item.right)}"
    published = (f"published {written(item.published)}",) if item.published is not None else ()
    return Line((f"claim {written(item.text)}", comparison, *published), 0, item.span, "claim")


# --- lines and comments to text ----------------------------------------------------------------------------------


def _with_comments(source: Source, lines: list[Line], comments: Sequence[ast.Comment]) -> str:
    out: list[str] = []
    waiting = list(comments)
    texts = _aligned(source, lines)
    previous: Line | None = None
    for line, text in zip(lines, texts, strict=True):
        before = [c for c in waiting if c.span.start < line.span.start]
        waiting = waiting[len(before) :]
        trailing = [c for c in before if not c.alone and previous is not None]
        own = [c for c in before if c not in trailing]
        if trailing and out:
            out[-1] += "  " + "  ".join(c.text for c in trailing)
        if _gap(source, previous, line, own):
            out.append("")
        deeper = line.depth + (1 if line.closes else 0)
        for place, comment in enumerate(own):
            if place and _blank_between(source, own[place - 1].span.end, comment.span.start):
                out.append("")
            out.append(INDENT * deeper + comment.text)
        if own and not line.closes and line.depth == 0 and _blank_between(source, own[-1].span.end, line.span.start):
            out.append("")
        out.append(text)
        previous = line
    return _finish(source, out, waiting, previous)


def _finish(source: Source, out: list[str], waiting: Sequence[ast.Comment], previous: Line | None) -> str:
    for comment in waiting:
        if not comment.alone and out and previous is not None:
            out[-1] += "  " + comment.text
            continue
        if previous is not None and _blank_between(source, previous.span.end, comment.span.start):
            out.append("")
            previous = None
        out.append(comment.text)
    return "\n".join(line.rstrip() for line in out).strip("\n") + "\n"


def _gap(source: Source, previous: Line | None, line: Line, comments: Sequence[ast.Comment]) -> bool:
    """Whether an empty line stands before: always round a block, elsewhere where the author left one."""
    if previous is None or line.closes:
        return False
    start = comments[0].span.start if comments else line.span.start
    if line.depth:
        return previous.depth == line.depth and _blank_between(source, previous.span.end, start)
    return previous.closes or line.cells[0].endswith("{") or _blank_between(source, previous.span.end, start)


def _blank_between(source: Source, start: int, end: int) -> bool:
    return source.text[start:end].replace(" ", "").replace("\t", "").replace("\r", "").count("\n\n") > 0


def _aligned(source: Source, lines: list[Line]) -> list[str]:
    """The text of each line, its cells padded to those of the run of neighbours it stands in."""
    texts: list[str] = []
    for run in _runs(source, lines):
        columns = max(len(line.cells) for line in run)
        widths = [max((len(line.cells[c]) for line in run if len(line.cells) > c + 1), default=0) for c in range(columns)]
        for line in run:
            padded = [cell.ljust(width) for cell, width in zip(line.cells[:-1], widths, strict=False)]
            texts.append(INDENT * line.depth + " ".join([*padded, line.cells[-1]]))
    return texts


def _runs(source: Source, lines: list[Line]) -> Iterator[list[Line]]:
    run: list[Line] = []
    for line in lines:
        if run and not _neighbours(source, run[-1], line):
            yield run
            run = []
        run.append(line)
    if run:
        yield run


def _neighbours(source: Source, above: Line, below: Line) -> bool:
    if not below.kind or above.kind != below.kind or above.depth != below.depth:
        return False
    return not _blank_between(source, above.span.end, below.span.start)
