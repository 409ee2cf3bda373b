"""Formatting: a `Program` in, its one canonical text out. Comments stay; formatting twice changes nothing.

Each item becomes lines of cells (here); lines become text (`layout.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from attrs import evolve

from entrack.source import Source, Span
from entrack.syntax import ast
from entrack.syntax.layout import Line, with_comments
from entrack.syntax.reader import reader
from entrack.syntax.strings import quoted
from entrack.syntax.unparse import changed, drawing, listed, single, written

WIDTH = 120


def format_program(source: Source, program: ast.Program) -> str:
    """The text of a program without syntax errors."""
    items = program.items if program.version is None else (program.version, *program.items)
    return with_comments(source, [line for item in items for line in _lines(item)], program.comments)


def _lines(item: ast.Item | ast.Version) -> Iterator[Line]:
    match item:
        case ast.About(fields):
            lines = [Line((f.name.text, quoted(f.text.value)), 1, f.span, "about") for f in fields]
            return _block("about", lines, item.span)
        case ast.Task(name, parameters):
            return _block(f"task {name}{_parameters(parameters)}", map(_change, item.items), item.span)
        case ast.Alternate(name, task, changes):
            return _block(f"alternate {name} of {task.text}", map(_change, changes), item.span)
        case ast.Desideratum(name, task):
            return _block(f"desideratum {name} on {task.text}", _desideratum(item), item.span)
        case ast.Circuit(name, model, groups):
            return _block(f"circuit {name} in {model.text}", (_group(group, 1) for group in groups), item.span)
        case ast.Discover(name, model):
            head = f"discover {name} in {model.text} on {written(item.prompts)} against {written(item.against)}"
            head += "".join(f" {written(part)}" for part in (item.screen, item.racing) if part)
            return _block(head, map(_found, item.items), item.span)
        case ast.Mask(name):
            head = f"mask {name} over {written(item.circuit)} in {item.model.text} for {_one_or_list(item.desiderata)}"
            return _block(head, map(_setting, item.settings), item.span)
        case ast.Group(model, group):
            return iter([_group(group, 0, f" in {model.text}")])
    cells = _cells(item)
    return iter([Line(cells, 0, item.span, cells[0].split()[0])])


def _block(head: str, inside: Iterator[Line] | Sequence[Line], span: Span) -> Iterator[Line]:
    """A block's lines, with `;` after one where a variable of the next is called as a word that could go on: `x =
    a; from = b`."""
    yield Line((head + " {",), 0, Span(span.file, span.start, span.start))
    for line, after in pairwise((*inside, None)):
        if line is not None and after is not None and line.depth == after.depth and after.begins in reader().apart:
            yield evolve(line, cells=(*line.cells[:-1], line.cells[-1] + ";"))
        elif line is not None:
            yield line
    yield Line(("}",), 0, Span(span.file, span.end - 1, span.end), closes=True)


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


def _desideratum(item: ast.Desideratum) -> list[Line]:
    """The alternate and the target, in the order of the text."""
    inside = [] if item.changes is None else _inner(item.changes, item.changes_span)
    if item.target is None:
        return inside
    target = Line(("target", written(item.target)), 1, item.target.span, "desideratum")
    return [target, *inside] if inside and target.span.start < inside[0].span.start else [*inside, target]


def _inner(changes: tuple[ast.Change, ...], span: Span) -> list[Line]:
    """The alternate of a desideratum: on one line where it fits."""
    lines = [_change(change, 2) for change in changes]
    short = "{ " + "; ".join(" ".join(line.cells) for line in lines) + " }" if lines else "{ }"
    if len(short) + len("  alternate ") <= WIDTH:
        return [Line(("alternate", short), 1, span, "desideratum")]
    first = Line(("alternate {",), 1, Span(span.file, span.start, span.start))
    return [first, *lines, Line(("}",), 1, Span(span.file, max(span.start, span.end - 1), span.end), closes=True)]


def _found(part: ast.Score | ast.Confirm | ast.Hop) -> Line:
    if isinstance(part, ast.Score):
        return Line((f"score {part.metric}",), 1, part.span)
    if isinstance(part, ast.Confirm):
        return Line((f"confirm on {written(part.count)}",), 1, part.span)
    receivers = f"-> {_one_or_list(part.receivers)}"
    senders = " of " + " and ".join(map(written, part.senders)) if part.senders else ""
    keep = " ".join(["keep", written(part.keep), *([part.ranking] if part.ranking else [])])
    cells = f"group {part.name}{senders}", f"at {part.position.text}", receivers, keep
    return Line(cells, 1, part.span, "hop")


def _setting(part: ast.Setting) -> Line:
    return Line((part.name.text, written(part.value)), 1, part.span, "setting", begins=part.name.text)


def _group(group: ast.GroupItem, depth: int, model: str = "") -> Line:
    cells = f"group {group.name}{model}", f"at {group.position.text}", f"= {written(group.heads)}"
    return Line(cells, depth, group.span, "group")


def _cells(item: object) -> tuple[str, ...]:
    """The cells of an item that is one line."""
    match item:
        case ast.Version(number):
            return (f"entrack {number}",)
        case ast.Seed(value):
            return (f"seed {value.value}",)
        case ast.Include(path):
            return (f"include {written(path)}",)
        case ast.Param(name, value):
            return f"param {name}", f"= {written(value)}"
        case ast.Model(name, base, adapter):
            return f"model {name}", f"= {written(base)}" + (f" + {written(adapter)}" if adapter else "")
        case ast.Intervention(name, parameters, acts):
            return f"intervention {name}{_parameters(parameters)}", f"= {listed(acts)}"
        case ast.Vector(name, model, terms):
            return f"vector {name} in {model.text}", f"= {_sum(terms)}"
        case ast.Measure(name):
            return f"measure {name}", f"= {_measured(item)}"
        case ast.Examine(name):
            amount = f", {single(item.amount)}" if item.amount is not None else ""
            where = f"in {item.model.text} over {written(item.over)} on {written(item.prompts)}"
            return f"measure {name}", f"= {item.kind}({written(item.circuit)}{amount}) {where}"
        case ast.Overlap(name, first, second):
            return f"measure {name}", f"= overlap({written(first)}, {written(second)})"
        case ast.Claim():
            return _claim(item)
        case ast.Figure(title, kind, of, options):
            shown = "".join(f" {word} {name.text}" for word, name in options)
            return f"figure {written(title)}", f"= {kind.text}({written(of)}){shown}"
        case ast.Table(title, of):
            return f"table {written(title)}", f"= {written(of)}"
    raise TypeError(type(item).__name__)


def _sum(terms: tuple[ast.Term, ...]) -> str:
    first, *rest = terms
    return written(first) + "".join(f" {term.sign} {written(term)}" for term in rest)


def _parameters(names: tuple[object, ...]) -> str:
    return f"({listed(names)})" if names else ""


def _one_or_list(parts: tuple[object, ...]) -> str:
    return written(parts[0]) if len(parts) == 1 else f"[{listed(parts)}]"


def _measured(item: ast.Measure) -> str:
    changes = ", ".join(changed(part) for part in item.interventions)
    given = f" with {f'[{changes}]' if item.swept else changes}" if item.interventions else ""
    space = "" if item.metric.bare else " "
    draws = f", {written(item.draws)} draws" if item.draws is not None else ""
    loops = "".join(f" for {loop.name} in {written(loop.values)}" for loop in item.loops)
    return f"{item.metric}{space}({written(item.subject)}{given}) on {written(item.prompts)}{draws}{loops}"


def _claim(item: ast.Claim) -> tuple[str, ...]:
    relation = item.relation if item.tolerance is None else f"within {written(item.tolerance)} of"
    certified = (written(item.certified),) if item.certified is not None else ()
    published = (f"published {written(item.published)}",) if item.published is not None else ()
    return (
        f"claim {written(item.text)}",
        f"{written(item.left)} {relation} {written(item.right)}",
        *certified,
        *published,
    )
