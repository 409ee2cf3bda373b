"""Writing: an expression, a drawing or an act as the one text that stands for it. Also the labels of axes are
written so."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import get_args

from attrs import asdict

from entrack.syntax import ast
from entrack.syntax.reader import reader
from entrack.syntax.strings import quoted

FORMS = tuple(kind.FORM for kind in get_args(ast.Source))
ACTS = ("keep", "freeze", "block", "add", "project", "scale", *dict.fromkeys(form.split()[0] for form in FORMS))
"""What a subscript, or what follows `with`, is read as an act after."""
SOURCES = tuple(word for form in FORMS for word in re.findall(r" from (\w+)", form))
"""What is read as a source after `from`, and not as a name."""
FIRST_WORD = re.compile(r"[A-Za-z_]\w*")
A_SITE = re.compile(r"\d+\.\d|embedding\b|(heads|mlp|attention|residual|neurons)\[")
"""What sites begin with, and an expression too."""
LETTER_AT_END = re.compile(r"(?<!\w)[A-Z]$")


def written(node: object) -> str:
    """The text of any part of an item that stands on one line."""
    match node:
        case None:
            return ""
        case ast.Name(text):
            return text
        case ast.Integer(value):
            return str(value)
        case ast.Number(text):
            return text
        case ast.Percent(number):
            return f"{written(number)} %"
        case ast.String(value):
            return quoted(value)
        case ast.Negative(sign, operand):
            return sign + _tight(operand)
        case ast.Sum(first, rest):
            return _term(first) + "".join(f" {sign} {_term(operand)}" for sign, operand in rest)
        case ast.Product(first, rest):
            return _tight(first) + "".join(f" {sign} {_tight(operand)}" for sign, operand in rest)
        case ast.Reference(name, rest):
            return name + "".join(written(part) for part in rest)
        case ast.Dotted(name):
            return f".{name}"
        case ast.Subscript(items):
            return f"[{', '.join(_subscript(item) for item in items)}]"
        case ast.Where(column, value, relation):
            return f"where {written(column)} {relation} {written(value)}"
        case ast.Named(name, value):
            return f"{name} = {written(value)}"
        case ast.Call(name, arguments):
            return f"{name}({listed(arguments)})"
        case ast.ListOf(items):
            return f"[{listed(items)}]"
        case ast.Range(first, last):
            return _range(written(first), written(last))
        case ast.Letters(first, last):
            return f"{first}..{last}"
        case ast.Random(circuit):
            return f"random like {written(circuit)}"
        case ast.Screen(through, steps, check):
            parts = [
                f"screen {written(through)}",
                *([f"in {written(steps)} steps"] if steps else []),
                *([f"check {written(check)}"] if check else []),
            ]
            return " ".join(parts)
        case ast.Certified(level, most):
            return f"certified at {written(level)}" + (f" up to {written(most)} prompts" if most is not None else "")
        case ast.Significant(rate):
            return f"significant at {written(rate)}"
        case ast.Racing(level):
            return f"racing at {written(level)}"
        case ast.Prompts(count, of):
            return f"{written(count)} {written(of)}" if count is not None else written(of)
    return _drawing(node)


def listed(nodes: tuple[object, ...]) -> str:
    return ", ".join(written(node) for node in nodes)


def single(node: object) -> str:
    """A part that would mean a sweep if it stood there as a bare list."""
    return f"({written(node)})" if isinstance(node, ast.ListOf) else written(node)


def guarded(node: object, words: Collection[str]) -> str:
    """An expression in brackets where it begins with one of `words`, which something else begins with there: `zero
    (elsewhere)`."""
    text = single(node)
    first = FIRST_WORD.match(text)
    return f"({text})" if first is not None and first.group() in words else text


def changed(node: object) -> str:
    """What follows `with`: an act, or an expression that is none."""
    return written(node) if isinstance(node, ast.Act) else guarded(node, ACTS)


def _subscript(node: object) -> str:
    return (
        written(node)
        if isinstance(node, ast.Where | ast.Named | ast.Act | ast.ListOf)
        else guarded(node, ("where", *ACTS))
    )


def _set(target: ast.Target, source: ast.Source) -> str:
    fields = asdict(source, recurse=False, filter=lambda field, _: field.name != "span")
    return source.FORM.format(target=_target(target), **{name: _beside(part, SOURCES) for name, part in fields.items()})


def _beside(node: object, words: Collection[str]) -> str:
    """A part of an act, where `words` mean something else than names."""
    return written(node) if isinstance(node, ast.ListOf | ast.Prompts) else guarded(node, words)


def _target(node: ast.Target) -> str:
    match node:
        case ast.Elsewhere():
            return "elsewhere"
        case ast.Sites(sites):
            return " ".join(map(written, sites))
        case ast.At(what, where):
            return f"{_target(what)} at {_where(where)}"
    text = _beside(node, ("elsewhere",))
    return f"({text})" if A_SITE.match(text) else text


def _where(where: tuple[ast.Name | ast.Integer, ...] | ast.EveryToken) -> str:
    if isinstance(where, ast.EveryToken):
        return "every token"
    alone = len(where) == 1 and written(where[0]) != "every"  # a position called so stands in brackets
    return written(where[0]) if alone else f"[{listed(where)}]"


def _computed(node: ast.Computed) -> str:
    index = f", {single(node.index)}" if node.index is not None else ""
    return f"{node.kind}[{written(node.layers)}{index}]" + (f".{node.part}" if node.part else "")


def _literal(node: ast.SiteLiteral) -> str:
    kind = () if node.kind == ast.HEAD else (node.kind,)
    return ".".join((*kind, *map(str, node.numbers), *((node.part,) if node.part else ())))


def _range(first: str, last: str) -> str:
    """From one to another. `A..Z` are letters: between two variables there is space."""
    gap = " " if LETTER_AT_END.search(first) and "A" <= last[:1] <= "Z" else ""
    return f"{first}{gap}..{gap}{last}"


def _term(node: ast.Expression) -> str:
    """An operand of a sum."""
    return written(node) if isinstance(node, ast.Product) else _tight(node)


def _tight(node: ast.Expression) -> str:
    """An operand of a product, or of a sign."""
    text = written(node)
    return f"({text})" if isinstance(node, ast.Sum | ast.Product | ast.ListOf) else text


def drawing(node: object) -> str:
    """What follows the `=` of a variable."""
    return written(node) if isinstance(node, ast.One | ast.Row | ast.Index | ast.ListOf) else guarded(node, ("one",))


def _drawing(node: object) -> str:
    match node:
        case ast.Except(pool, without):
            return f"{written(pool)} except {written(without)}"
        case ast.Distinct(count, pool):
            return f"{written(count)} distinct from {written(pool)}"
        case ast.Several(count, pool):
            return f"{written(count)} from {written(pool)}"
        case ast.One(pool):
            return f"one {'from' if _listing(pool) else 'of'} {written(pool)}"
        case ast.Row(table):
            return f"one row of {written(table)}"
        case ast.Index(column):
            return f"one index of {written(column)}"
        case ast.EndOf(text):
            return f"end of {written(text)}"
        case ast.AnyOf(hole):
            return f"any of {written(hole)}"
        case ast.SpanOf(hole):
            return f"span of {written(hole)}"
        case ast.TextIn(text, within, offset):
            return f"{written(text)} in {written(within)}{_moved(offset)}"
        case ast.HolePlace(hole, offset):
            return written(hole) + _moved(offset)
    return _act(node)


def _moved(offset: int) -> str:
    return f" {'+' if offset > 0 else '-'} {abs(offset)}" if offset else ""


def _listing(pool: ast.Pool) -> bool:
    inner = pool.pool if isinstance(pool, ast.Except) else pool
    return isinstance(inner, ast.ListOf | ast.Call)


def _act(node: object) -> str:
    match node:
        case ast.Keep(heads):
            return f"keep {written(heads)}"
        case ast.Set(target, source):
            return _set(target, source)
        case ast.Freeze(target):
            return f"freeze {_target(target)}"
        case ast.Add(vector, target):
            return f"add {guarded(vector, ('noise',))} to {_target(target)}"
        case ast.Noise(sd, target):
            return f"add noise sd {single(sd)} to {_target(target)}"
        case ast.Project(vector, target):
            return f"project {single(vector)} out of {_target(target)}"
        case ast.Scale(target, factor):
            return f"scale {_target(target)} by {single(factor)}"
        case ast.Block(position, read, layers):
            targets = written(read[0]) if len(read) == 1 else f"[{listed(read)}]"
            return f"block attention {written(position)} -> {targets} in layers {written(layers)}"
        case ast.Layers(first, last, open_end):
            if last is None:
                return single(first) + (".." if open_end else "")
            return _range(single(first), guarded(last, reader().words))
        case ast.Best(of, keep, ranking):
            return f"{written(of)} keep {written(keep)}" + (f" {ranking}" if ranking else "")
        case ast.Term(_, of, factor, times):
            return (f"{_tight(factor)} {times} " if factor is not None else "") + written(of)
        case (
            ast.Metric()
            | ast.Recovery()
            | ast.Loss()
            | ast.Attention()
            | ast.LogitLens()
            | ast.DirectLogitAttribution()
        ):
            return str(node)
        case ast.All(what):
            return what
        case ast.SiteLiteral():
            return _literal(node)
        case ast.Computed():
            return _computed(node)
        case ast.SiteList(sites) | ast.Sites(sites):
            return " ".join(map(written, sites))
    raise TypeError(f"{type(node).__name__} is not written on one line")
