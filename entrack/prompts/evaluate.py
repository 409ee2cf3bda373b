"""Evaluation: the expressions and texts of a task, each compiled once to a function of what names stand for.

`compiled` goes through an expression and gives a function; the function does what the expression says, for one prompt
after another. What is wrong with a value is said when it is evaluated, never before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attrs import evolve

from entrack import budget
from entrack.check.tables import Row
from entrack.check.texts import at_use
from entrack.frozen import frozen
from entrack.prompts.texts import Fill, Hole, Join, Segment, Text
from entrack.prompts.values import (
    COMPARE,
    CannotDraw,
    Names,
    Rendered,
    Scalar,
    Value,
    as_text,
    attached,
    capitalised,
    element_at,
    marked,
    one_of,
    padded,
    plain,
    small,
    some_of,
    whole_number,
)
from entrack.source import Span
from entrack.syntax import ast
from entrack.syntax.holes import parts

Column = list[str] | list[int]
Evaluate = Callable[[Names], Value]
Count = Callable[[Names], int]
Step = Callable[[Value, Names], Value]
"""What follows a name: from the value so far to the next."""
Places = Callable[[Column, Names], Sequence[int]]
"""The places of some elements of a list."""


@frozen
class Within:
    """The binding that an expression stands in, which names its holes, and those that are filled otherwise than the
    text says."""

    text: str = ""
    filled: frozenset[str] = frozenset()


NO_TEXT = Within()


def compiled(node: ast.Expression, within: Within = NO_TEXT) -> Evaluate:
    """An expression as a function. It raises CannotDraw."""
    match node:
        case ast.Integer(value):
            return lambda names: value
        case ast.String():
            return _text(node, within).render
        case ast.Negative(sign, operand):
            return _negative(compiled_number(operand)) if sign == "-" else compiled_number(operand)
        case ast.Sum():
            return _sum(node)
        case ast.Product():
            return _product(node)
        case ast.Reference():
            return compiled_reference(node)
        case ast.Call():
            return _call(node, within)
        case ast.ListOf(items):
            return _list(items, within)
    return _refused(node)


def _refused(node: ast.Expression) -> Evaluate:
    def evaluate(names: Names) -> Value:
        raise CannotDraw("E401", "this cannot stand in a task", node.span)

    return evaluate


def _call(node: ast.Call, within: Within) -> Evaluate:
    match node:
        case ast.Call("join", (ast.String() as segment, ast.String(between), *options)):
            return _join(segment, between, at_use(tuple(options)) or (), within)
        case ast.Call("marked", (ast.Reference() as column,)):
            words = compiled_reference(column)
            return lambda names: marked(str(plain(words(names))), within.text)
        case ast.Call("number", (ast.Reference() as column,)):
            words = compiled_reference(column)
            return lambda names: whole_number(str(plain(words(names))), node.span)
        case ast.Call("capitalise", (inner,)) if not isinstance(inner, ast.Named):
            value = compiled(inner, within)
            return lambda names: capitalised(as_text(value(names)))
        case ast.Call("attached", (inner,)) if not isinstance(inner, ast.Named):
            value = compiled(inner, within)
            return lambda names: attached(value(names))
        case ast.Call("first_token", (inner,)) if not isinstance(inner, ast.Named):
            value = compiled(inner, within)
            return lambda names: evolve(as_text(value(names)), by_first_token=True)
        case ast.Call("padded", (inner, ast.Integer(digits))) if not isinstance(inner, ast.Named):
            value = compiled(inner, within)
            return lambda names: padded(value(names), digits, node.span)
    return _refused(node)


# --- lists -------------------------------------------------------------------------------------------------------


def _list(items: Sequence[ast.Expression | ast.Range], within: Within) -> Evaluate:
    elements = [_elements(item, within) for item in items]

    def evaluate(names: Names) -> Value:
        budget.spend(budget.MADE, len(elements))
        return [value for some in elements for value in some(names)]  # type: ignore[return-value]  # one kind: checked

    return evaluate


def _elements(item: ast.Expression | ast.Range, within: Within) -> Callable[[Names], Iterable[Scalar]]:
    """What an item of a list stands for: a value, or the whole numbers from one to another, none where the first is
    the larger."""
    if isinstance(item, ast.Range):
        return _numbers(item)
    value, span = compiled(item, within), item.span
    return lambda names: (_listed(value(names), span),)


def _listed(value: Value, span: Span) -> Scalar:
    if isinstance(value, Rendered) and (value.attached or value.by_first_token):
        help = "write `attached(...)` round the whole list, and `first_token(...)` round one answer"
        raise CannotDraw("E401", "how a word is told is not kept in a list", span, "", help)
    return plain(value)


def _numbers(item: ast.Range) -> Callable[[Names], Iterable[Scalar]]:
    first, last = compiled_number(item.first), compiled_number(item.last)

    def elements(names: Names) -> Iterable[Scalar]:
        values = range(first(names), last(names) + 1)
        if len(values) > budget.DRAWN_AT_ONCE.most:
            message = f"a list has at most {budget.DRAWN_AT_ONCE.most:,} numbers from one to another"
            raise CannotDraw("E304", message, item.span, f"these are {len(values):,}", "name a shorter range")
        budget.spend(budget.MADE, len(values))
        return values

    return elements


# --- numbers -----------------------------------------------------------------------------------------------------


def compiled_number(node: ast.Expression) -> Count:
    """An expression as a function to whole numbers."""
    value, span = compiled(node), node.span

    def number(names: Names) -> int:
        found = value(names)
        if not isinstance(found, int):
            raise CannotDraw("E402", "a number is wanted here", span)
        return found

    return number


def _negative(operand: Count) -> Count:
    return lambda names: -operand(names)


def _sum(node: ast.Sum) -> Count:
    first = compiled_number(node.first)
    rest = [compiled_number(o) if sign == "+" else _negative(compiled_number(o)) for sign, o in node.rest]

    def total(names: Names) -> int:
        budget.spend(budget.MADE, len(rest))
        return small(first(names) + sum(operand(names) for operand in rest), node)

    return total


def _product(node: ast.Product) -> Count:
    first, rest = compiled_number(node.first), [(sign, compiled_number(operand)) for sign, operand in node.rest]

    def product(names: Names) -> int:
        budget.spend(budget.MADE, len(rest))
        total = first(names)
        for sign, operand in rest:
            value = operand(names)
            if sign == "/" and (value == 0 or total % value):
                raise CannotDraw("E402", f"{total} / {value} is no whole number", node.span)
            total = small(total * value if sign == "*" else total // value, node)
        return total

    return product


# --- references --------------------------------------------------------------------------------------------------


def compiled_reference(node: ast.Reference) -> Evaluate:
    """What a reference stands for: a variable, an element of a list, or one of another prompt's."""
    name, steps = node.name, tuple(_step(part) for part in node.rest)
    if not steps:
        return lambda names: names.values[name]
    first = node.rest[0]
    other = first.name if isinstance(first, ast.Dotted) else None

    def look_up(names: Names) -> Value:
        if other is not None and name in names.others:
            value, following = names.others[name][other], steps[1:]
        else:
            value, following = names.values[name], steps
        for step in following:
            value = step(value, names)
        return value

    return look_up


def _step(part: ast.Dotted | ast.Subscript) -> Step:
    if isinstance(part, ast.Dotted):
        return lambda value, names: value[part.name] if isinstance(value, Row) else value
    places = _places_of(part.items[0])
    return _one(compiled_index(part)) if places is None else _some(places)


def _one(index: Callable[[Column, Names], int]) -> Step:
    return lambda value, names: one_of(value, value[index(value, names)]) if isinstance(value, list) else value


def _some(places: Places) -> Step:
    def elements(value: Value, names: Names) -> Value:
        if not isinstance(value, list):
            return value
        return some_of(value, [value[place] for place in places(value, names)])

    return elements


def _places_of(item: object) -> Places | None:
    """The places of a part of a list; None for one element."""
    match item:
        case ast.Range():
            return _slice(item)
        case ast.Where(many=True):
            return _chosen(item)
    return None


def _chosen(item: ast.Where) -> Places:
    """The places where the relation holds."""
    looked_through, wanted, compare = _searched(item), compiled(item.value), COMPARE[item.relation]

    def places(column: Column, names: Names) -> Sequence[int]:
        searched, known = looked_through(column, names), plain(wanted(names))
        budget.spend(budget.MADE, len(searched))
        return [place for place, value in enumerate(searched) if compare(value, known)]

    return places


def _searched(item: ast.Where) -> Callable[[Column, Names], Column]:
    """The list that is looked through, which has a value for each element."""
    values = compiled_reference(item.column)

    def look_through(column: Column, names: Names) -> Column:
        searched = values(names)
        budget.spend(budget.POOLED, len(column))
        if not isinstance(searched, list) or len(searched) != len(column):
            raise CannotDraw(
                "E420",
                "`where` looks through a list of another length",
                item.span,
                f"{len(searched) if isinstance(searched, list) else 1} values, and {len(column)} to choose from",
                "draw as many of each",
            )
        return searched

    return look_through


def _slice(item: ast.Range) -> Places:
    """The places from one to another, both included."""
    low, high = compiled_number(item.first), compiled_number(item.last)

    def places(column: Column, names: Names) -> Sequence[int]:
        first, last = low(names), high(names)
        if not 0 <= first <= last < len(column):
            raise CannotDraw(
                "E420",
                f"there are no elements {first} to {last}",
                item.span,
                f"the list has {len(column)}",
                "indices count from 0, and both ends are included",
            )
        budget.spend(budget.MADE, last - first)
        return range(first, last + 1)

    return places


def compiled_index(part: ast.Subscript) -> Callable[[Column, Names], int]:
    """The place that stands in brackets."""
    item = part.items[0]
    if isinstance(item, ast.Where):
        return _found(item)
    number = compiled_number(item)  # type: ignore[arg-type]  # an act cannot stand here: checked

    def index(column: Column, names: Names) -> int:
        place = number(names)
        if not 0 <= place < len(column):
            raise CannotDraw(
                "E420", f"there is no element {place}", part.span, f"the list has {len(column)}", "indices count from 0"
            )
        return place

    return index


def _found(item: ast.Where) -> Callable[[Column, Names], int]:
    looked_through, value = _searched(item), compiled(item.value)

    def index(column: Column, names: Names) -> int:
        searched, wanted = looked_through(column, names), plain(value(names))
        if wanted not in searched:
            raise CannotDraw(
                "E420",
                f"no element is `{wanted}`",
                item.span,
                "nothing is found in some prompt",
                "let the alternate keep these values",
            )
        return searched.index(wanted)  # type: ignore[arg-type]  # one kind: checked

    return index


# --- texts -------------------------------------------------------------------------------------------------------


def _text(string: ast.String, within: Within) -> Text:
    """A text as it is filled, prompt by prompt."""
    given = parts(string)
    pieces = [
        _hole(part, within) if isinstance(part, ast.Reference) else part
        for part in given
        if isinstance(part, str | ast.Reference)
    ]
    return Text(within.text, pieces, len(given), string.span)


def _join(
    segment: ast.String, between: str, others: Sequence[tuple[ast.Expression, ast.String]], within: Within
) -> Evaluate:
    elsewhere = [(compiled_number(place), _text(other, within)) for place, other in others]
    lists = [compiled_reference(part) for part in parts(segment) if isinstance(part, ast.Reference)]
    text = _text(segment, within)
    return Join(text, between, elsewhere, lists, Segment.of(text, between)).render


def _hole(part: ast.Reference, within: Within) -> Hole:
    if part.name in within.filled:
        return Hole(part, part.name, _otherwise(part, within))
    return Hole(part, part.name, _looked_up(part) if part.rest else None)


def _otherwise(part: ast.Reference, within: Within) -> Fill:
    """A hole that is filled otherwise than its text says."""
    name, place_of = (within.text, part.name), _place_of(part)

    def fill(names: Names, element: int | None) -> tuple[Value, int | None]:
        filling = names.fillings[name]
        if not isinstance(filling, list):
            return filling, element
        return element_at(filling, element, part), None if element is None else place_of(element, names)

    return fill


def _looked_up(part: ast.Reference) -> Fill:
    value_of, place_of = compiled_reference(part), _place_of(part)
    indices = [compiled_index(following) for following in part.rest if isinstance(following, ast.Subscript)]

    def fill(names: Names, element: int | None) -> tuple[Value, int | None]:
        value = value_of(names)
        if isinstance(value, list) and element is not None:
            return element_at(value, element, part), place_of(element, names)
        column, place = names.values.get(part.name), None
        if isinstance(column, list):
            for index in indices:
                place = index(column, names)
        return value, place

    return fill


def _place_of(part: ast.Reference) -> Callable[[int, Names], int]:
    """The place in its list of an element that a hole takes of a part of it."""
    match part.rest:
        case (ast.Subscript((item,)),):
            places_of = _places_of(item)
        case _:
            places_of = None

    def place(element: int, names: Names) -> int:
        column = names.values.get(part.name)
        return places_of(column, names)[element] if places_of is not None and isinstance(column, list) else element

    return place
