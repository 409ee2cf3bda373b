"""Evaluation: the value of an expression of a task, and a text with its holes filled, from the values of names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attrs import evolve

from entrack import budget
from entrack.check.tables import Row
from entrack.check.texts import at_use
from entrack.prompts.values import (
    COMPARE,
    MOST_HOLES,
    MOST_TEXT,
    CannotDraw,
    Filled,
    Names,
    Rendered,
    Scalar,
    Value,
    as_text,
    attached,
    bounded,
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


def evaluate(node: ast.Expression, names: Names, text: str = "") -> Value:
    """The value of an expression. `text` is the binding it stands in, which names its holes."""
    match node:
        case ast.Integer(value):
            return value
        case ast.String():
            return render(node, names, text, None)
        case ast.Negative(sign, operand):
            return -number(operand, names) if sign == "-" else number(operand, names)
        case ast.Sum(first, rest):
            budget.spend(budget.MADE, len(rest))
            return small(
                number(first, names) + sum(number(o, names) if sign == "+" else -number(o, names) for sign, o in rest),
                node,
            )
        case ast.Product(first, rest):
            return _product(node, first, rest, names)
        case ast.Reference():
            return look_up(node, names)
        case ast.Call("join", (ast.String() as segment, ast.String(between), *options)):
            others = {number(place, names): other for place, other in at_use(tuple(options)) or ()}
            return _join(segment, between, others, names, text)
        case ast.Call("marked", (ast.Reference() as column,)):
            return marked(str(plain(look_up(column, names))), text)
        case ast.Call("number", (ast.Reference() as column,)):
            return whole_number(str(plain(look_up(column, names))), node.span)
        case ast.Call("capitalise", (inner,)) if not isinstance(inner, ast.Named):
            return capitalised(as_text(evaluate(inner, names, text)))
        case ast.Call("attached", (inner,)) if not isinstance(inner, ast.Named):
            return attached(evaluate(inner, names, text))
        case ast.Call("first_token", (inner,)) if not isinstance(inner, ast.Named):
            return evolve(as_text(evaluate(inner, names, text)), by_first_token=True)
        case ast.Call("padded", (inner, ast.Integer(digits))) if not isinstance(inner, ast.Named):
            return padded(evaluate(inner, names, text), digits, node.span)
        case ast.ListOf(items):
            budget.spend(budget.MADE, len(items))
            return [value for item in items for value in _elements(item, names, text)]  # type: ignore[return-value]  # one kind: checked
    raise CannotDraw("E401", "this cannot stand in a task", node.span)


def _listed(value: Value, item: ast.Expression) -> Scalar:
    if isinstance(value, Rendered) and (value.attached or value.by_first_token):
        help = "write `attached(...)` round the whole list, and `first_token(...)` round one answer"
        raise CannotDraw("E401", "how a word is told is not kept in a list", item.span, "", help)
    return plain(value)


def _elements(item: ast.Expression | ast.Range, names: Names, text: str) -> Iterable[Scalar]:
    """What an item of a list stands for: a value, or the whole numbers from one to another, none where the first is
    the larger."""
    if not isinstance(item, ast.Range):
        return (_listed(evaluate(item, names, text), item),)
    values = range(number(item.first, names), number(item.last, names) + 1)
    if len(values) > budget.DRAWN_AT_ONCE.most:
        message = f"a list has at most {budget.DRAWN_AT_ONCE.most:,} numbers from one to another"
        raise CannotDraw("E304", message, item.span, f"these are {len(values):,}", "name a shorter range")
    budget.spend(budget.MADE, len(values))
    return values


def number(node: ast.Expression, names: Names) -> int:
    value = evaluate(node, names)
    if not isinstance(value, int):
        raise CannotDraw("E402", "a number is wanted here", node.span)
    return value


def look_up(node: ast.Reference, names: Names) -> Value:
    """What a reference stands for: a variable, an element of a list, or one of another prompt's."""
    if not node.rest:
        return names.values[node.name]
    rest = list(node.rest)
    table, name = names.values, node.name
    if node.name in names.others and rest and isinstance(rest[0], ast.Dotted):
        table, name = names.others[node.name], rest[0].name
        rest.pop(0)
    value = table[name]
    for part in rest:
        if isinstance(part, ast.Dotted) and isinstance(value, Row):
            value = value[part.name]
        elif isinstance(part, ast.Subscript) and isinstance(value, list):
            item = part.items[0]
            places = _places_of(item, value, names)
            value = (
                one_of(value, value[index(part, value, names)])
                if places is None
                else some_of(value, [value[place] for place in places])
            )
    return value


def _places_of(item: object, column: list[str] | list[int], names: Names) -> Sequence[int] | None:
    """The places of a part of a list; None for one element."""
    match item:
        case ast.Range():
            return _slice(item, column, names)
        case ast.Where(many=True):
            return _chosen(item, column, names)
    return None


def _chosen(item: ast.Where, column: list[str] | list[int], names: Names) -> list[int]:
    """The places where the relation holds."""
    searched, wanted = _searched(item, column, names), plain(evaluate(item.value, names))
    budget.spend(budget.MADE, len(searched))
    compare = COMPARE[item.relation]
    return [place for place, value in enumerate(searched) if compare(value, wanted)]


def _searched(item: ast.Where, column: list[str] | list[int], names: Names) -> list[str] | list[int]:
    """The list that is looked through, which has a value for each element."""
    searched = evaluate(item.column, names)
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


def _slice(item: ast.Range, column: list[str] | list[int], names: Names) -> range:
    """The places from one to another, both included."""
    first, last = number(item.first, names), number(item.last, names)
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


def index(part: ast.Subscript, column: list[str] | list[int], names: Names) -> int:
    """The place that stands in brackets."""
    item = part.items[0]
    if isinstance(item, ast.Where):
        searched, wanted = _searched(item, column, names), plain(evaluate(item.value, names))
        if wanted not in searched:
            raise CannotDraw(
                "E420",
                f"no element is `{wanted}`",
                item.span,
                "nothing is found in some prompt",
                "let the alternate keep these values",
            )
        return searched.index(wanted)  # type: ignore[arg-type]  # one kind: checked
    place = number(item, names)  # type: ignore[arg-type]  # an act cannot stand here: checked
    if not 0 <= place < len(column):
        raise CannotDraw(
            "E420", f"there is no element {place}", part.span, f"the list has {len(column)}", "indices count from 0"
        )
    return place


def render(string: ast.String, names: Names, text: str, element: int | None) -> Rendered:
    """A text with its holes filled. Inside a `join`, `element` is the place of the segment."""
    written = _Written(text)
    written.add(string, names, element)
    return written.rendered(string.span)


class _Written:
    """A text while it grows: its pieces, and the holes that were filled in it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._pieces: list[str] = []
        self._holes: list[Filled] = []
        self._length = 0

    def put(self, piece: str) -> None:
        self._pieces.append(piece)
        self._length += len(piece)

    def add(self, string: ast.String, names: Names, element: int | None) -> None:
        """A text with its holes filled. Raises CannotDraw where it becomes too long."""
        given = parts(string)
        budget.spend(budget.MADE, len(given))
        for part in given:
            if isinstance(part, str):
                self.put(part)
            elif isinstance(part, ast.Reference):
                self._fill(part, names, element)
            if self._length > MOST_TEXT or len(self._holes) > MOST_HOLES:
                bounded(self._length, len(self._holes), string.span)

    def _fill(self, part: ast.Reference, names: Names, element: int | None) -> None:
        plainly = not part.rest and not names.fillings
        value, place = _fill_name(part, names, element) if plainly else _fill(part, names, self._text, element)
        start, filled = self._length, value if isinstance(value, str) else as_text(value)
        self.put(filled if isinstance(filled, str) else filled.text)
        hole = part.name if plainly else _hole_name(part, names)
        self._holes.append(Filled(self._text, hole, place, start, self._length))
        if not isinstance(filled, str):
            self._holes.extend(hole._replace(start=hole.start + start, end=hole.end + start) for hole in filled.holes)

    def rendered(self, span: Span) -> Rendered:
        bounded(self._length, len(self._holes), span)
        budget.spend(budget.RENDERED, self._length)
        budget.spend(budget.MADE, len(self._holes))
        return Rendered("".join(self._pieces), tuple(self._holes))


def _hole_name(part: ast.Reference, names: Names) -> str:
    """What a hole is called: the variable that fills it, and the column of a row."""
    return part.plain or part.name if isinstance(names.values.get(part.name), Row) else part.name


def _fill_name(part: ast.Reference, names: Names, element: int | None) -> tuple[Value, int | None]:
    """What `_fill` gives for a name alone, as most holes hold."""
    value = names.values[part.name]
    if isinstance(value, list) and element is not None:
        return element_at(value, element, part), element
    return value, None


def _fill(part: ast.Reference, names: Names, text: str, element: int | None) -> tuple[Value, int | None]:
    filling = names.fillings.get((text, part.name))
    if filling is not None and not isinstance(filling, list):
        return filling, element
    value = look_up(part, names) if filling is None else filling
    if isinstance(value, list) and (element is not None or filling is not None):
        return element_at(value, element, part), None if element is None else _place_of(element, part, names)
    place = None
    for following in part.rest:
        column = names.values.get(part.name)
        if isinstance(following, ast.Subscript) and isinstance(column, list):
            place = index(following, column, names)
    return value, place


def _place_of(element: int, part: ast.Reference, names: Names) -> int:
    """The place in its list of an element that a hole takes of a part of it."""
    column = names.values.get(part.name)
    match part.rest:
        case (ast.Subscript((item,)),) if isinstance(column, list):
            places = _places_of(item, column, names)
            return element if places is None else places[element]
    return element


def _join(segment: ast.String, between: str, others: Mapping[int, ast.String], names: Names, text: str) -> Rendered:
    written = _Written(text)
    for element in range(_length(segment, names)):
        written.put(between if element else "")
        written.add(others.get(element, segment), names, element)
    return written.rendered(segment.span)


def _length(segment: ast.String, names: Names) -> int:
    values = [look_up(part, names) for part in parts(segment) if isinstance(part, ast.Reference)]
    lengths = {len(value) for value in values if isinstance(value, list)}
    if len(lengths) != 1:
        raise CannotDraw(
            "E421",
            f"the lists of this segment have different lengths: {', '.join(map(str, sorted(lengths)))}",
            segment.span,
            "",
            "draw as many of each",
        )
    return lengths.pop()


def _product(
    node: ast.Expression, first: ast.Expression, rest: tuple[tuple[str, ast.Expression], ...], names: Names
) -> int:
    budget.spend(budget.MADE, len(rest))
    total = number(first, names)
    for sign, operand in rest:
        value = number(operand, names)
        if sign == "/" and (value == 0 or total % value):
            raise CannotDraw("E402", f"{total} / {value} is no whole number", node.span)
        total = small(total * value if sign == "*" else total // value, node)
    return total
