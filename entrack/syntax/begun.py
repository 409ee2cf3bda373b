"""The beginning of a text: what may come next, and the shortest end that makes it whole.

`accepts` asks the parser's tables. The end is worked out from the rules: the states on the parser's stack say which
rules have been begun, and each symbol that is still to come is put in its shortest form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from heapq import heappop, heappush
from itertools import count, pairwise
from typing import Any

from attrs import field
from lark import Token
from lark.exceptions import UnexpectedInput
from lark.grammar import Rule, Symbol
from lark.parsers.lalr_analysis import Shift

from entrack.frozen import frozen
from entrack.syntax.grammar import parser

SHORT: Mapping[str, str] = {
    "NAME": "_",
    "INT": "1",
    "FLOAT": "0.5",
    "STRING": '""',
    "HEAD": "0.0",
    "SITE": "mlp.0",
    "COMPUTED": "mlp",
    "EMBEDDING": "embedding",
    "LETTERS": "A..B",
    "RELATION": "<",
}
"""A text for each terminal that has a form of its own."""
LONGER = {"prompts": ("INT", "NAME")}
"""Rules whose shortest form says too little: a measure is on a number of prompts."""
COSTS = {"NAME": 11}
CHOICE = re.compile(r"\(\?:([^()\[\]]*)\)(\(\?=.*\))?", re.DOTALL)
"""The pattern of a terminal that is one of several words or signs, whatever must stand after it."""


@frozen(slots=False)
class Begun:
    """A text that could go on so that it parses."""

    _inner: Any = field(eq=False, repr=False)

    @cached_property
    def accepts(self) -> frozenset[str]:
        """The terminals that may come next."""
        return parser().accepts(self._inner.parser_state.state_stack)

    @cached_property
    def choices(self) -> Mapping[str, str]:
        """The words and signs that may come next, each with its terminal."""
        return {choice: name for name in sorted(self.accepts) for choice in choices(name)}

    def words_before(self, following: str) -> Iterator[str]:
        """The words of the grammar that may stand before what follows."""
        ends = {name for name in parser().patterns if following in choices(name)}
        ends |= {"NAME"} if following.isidentifier() else set()
        for choice, name in self.choices.items():
            if choice.isalpha() and self.then(name).accepts & ends:
                yield choice

    def then(self, terminal: str) -> Begun:
        """With one more token, which must be accepted."""
        inner = self._inner.copy()
        inner.feed_token(Token(terminal, SHORT.get(terminal, "")))
        return Begun(inner)

    def end(self) -> str:
        """The shortest text that makes it whole."""
        return " ".join(_text(name) for name in _shortest(self._inner.parser_state.state_stack))


@frozen
class Stuck:
    """A text that is the beginning of none that parses; `at` is where that shows."""

    at: int


def begun(text: str) -> Begun | Stuck:
    """A text that may be the beginning of one that parses."""
    try:
        return Begun(parser().begin(text))
    except UnexpectedInput as failure:
        return Stuck(min(failure.pos_in_stream or 0, len(text)))


@cache
def choices(terminal: str) -> tuple[str, ...]:
    """The words or signs that a terminal stands for; none where it has a form of its own."""
    pattern = parser().patterns.get(terminal)
    if pattern is None:
        return ()
    if pattern.type == "str":
        return (pattern.value,)
    found = CHOICE.fullmatch(pattern.value)
    return tuple(sorted(re.sub(r"\\(.)", r"\1", part) for part in found.group(1).split("|"))) if found else ()


def _text(terminal: str) -> str:
    return SHORT.get(terminal) or choices(terminal)[0]


# --- the shortest end --------------------------------------------------------------------------------------------


@frozen
class _Item:
    """A rule of which `done` symbols stand on the stack, from place `start` on."""

    rule: Rule
    done: int
    start: int

    @property
    def next(self) -> Symbol | None:
        return self.rule.expansion[self.done] if self.done < len(self.rule.expansion) else None

    def advanced(self) -> _Item:
        return _Item(self.rule, self.done + 1, self.start)


def _shortest(stack: list[int]) -> tuple[str, ...]:
    """The terminals of the shortest end: Dijkstra's algorithm on the rules that have been begun, each of which is
    finished in its shortest form before the rule that it stands in."""
    begun_rules = _begun_rules(stack)
    order = count()
    waiting: list[tuple[int, int, _Item, tuple[str, ...]]] = []

    def wait(item: _Item, before: tuple[str, ...]) -> None:
        written = (*before, *(name for symbol in item.rule.expansion[item.done :] for name in _yield(symbol)))
        heappush(waiting, (_cost(written), next(order), item, written))

    for item in begun_rules[-1]:
        if item.done or not item.rule.expansion:
            wait(item, ())
    seen: set[_Item] = set()
    while waiting:
        _, _, item, written = heappop(waiting)
        if item.rule.origin.name == "start":
            return written
        if item not in seen:
            seen.add(item)
            for outer in begun_rules[item.start]:
                if outer.next == item.rule.origin:
                    wait(outer.advanced(), written)
    return ()


def _begun_rules(stack: list[int]) -> list[list[_Item]]:
    """For each place of the stack the rules that have been begun there, or might begin."""
    found = [_with_inner([_Item(rule, 0, 0) for rule in _rules()["start"]], 0)]
    for place, (state, following) in enumerate(pairwise(stack), 1):
        symbol = _moves(state)[following]
        advanced = [item.advanced() for item in found[-1] if item.next is not None and item.next.name == symbol]
        found.append(_with_inner(advanced, place))
    return found


def _with_inner(items: list[_Item], place: int) -> list[_Item]:
    """With the rules of the symbols that come next in others."""
    added: set[str] = set()
    for item in items:  # grows on the way
        symbol = item.next
        if symbol is not None and not symbol.is_term and symbol.name not in added:
            added.add(symbol.name)
            items.extend(_Item(rule, 0, place) for rule in _rules()[symbol.name])
    return items


@cache
def _rules() -> Mapping[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in parser().rules:
        found.setdefault(rule.origin.name, []).append(rule)
    return found


@cache
def _moves(state: int) -> Mapping[int, str]:
    """The symbol that leads from a state to each of the next ones."""
    return {to: name for name, (action, to) in parser().row(state).items() if action is Shift}


def _yield(symbol: Symbol) -> tuple[str, ...]:
    """The terminals of the shortest form of a symbol."""
    return (symbol.name,) if symbol.is_term else LONGER.get(symbol.name) or _shortest_forms()[symbol.name]


@cache
def _shortest_forms() -> Mapping[str, tuple[str, ...]]:
    """The shortest form of each rule: forms of more and more rules, until none gets shorter."""
    forms: dict[str, tuple[str, ...]] = {}
    for _ in _until_same(forms):
        for rule in parser().rules:
            form = _form(rule.expansion, forms)
            known = forms.get(rule.origin.name)
            if form is not None and (known is None or _cost(form) < _cost(known)):
                forms[rule.origin.name] = form
    return forms


def _cost(form: Sequence[str]) -> int:
    """Names come before numbers, and these before words that mean something."""
    return sum(COSTS.get(name, 12 if name in SHORT else 13) for name in form)


def _until_same(forms: Mapping[str, object]) -> Iterator[None]:
    before: dict[str, object] | None = None
    while before != forms:
        before = dict(forms)
        yield


def _form(symbols: Iterable[Symbol], forms: Mapping[str, tuple[str, ...]]) -> tuple[str, ...] | None:
    parts = [(symbol.name,) if symbol.is_term else forms.get(symbol.name) for symbol in symbols]
    return None if None in parts else tuple(name for part in parts for name in part or ())
