"""Reading a text again of which the beginning is known: the parser goes on from where it stood there.

After a syntax error, and after a keystroke, most of a text is as it was. The tree and the failure are those that
reading from the beginning gives.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import define
from lark import Token, Tree
from lark.exceptions import UnexpectedInput

from entrack.frozen import frozen
from entrack.syntax.grammar import parser

MOST_STANDS, LEAST_APART = 64, 200
"""Places of a text where the parser's state is kept, and characters from one to the next."""


@frozen(eq=False)
class Stand:
    """The parser before the word that begins a line at `place`; `last` is the token before. No pattern of the grammar
    looks further than that word's first letter."""

    place: int
    last: Token | None
    states: tuple[int, ...]
    values: tuple[Any, ...]


BEGINNING = Stand(-1, None, (), ())


@frozen(eq=False)
class Known:
    """What was read of a text: where the parser stood, in the order of the text."""

    text: str = ""
    stands: tuple[Stand, ...] = (BEGINNING,)

    def alike(self, text: str) -> int:
        """With how many characters another text begins as this one does."""
        least, most = 0, min(len(self.text), len(text))
        while least < most:
            middle = (least + most + 1) // 2
            same = self.text[least:middle] == text[least:middle]
            least, most = (middle, most) if same else (least, middle - 1)
        return least

    def up_to(self, text: str) -> list[Stand]:
        """Where the parser stands in another text as it does in this one."""
        alike = self.alike(text)
        return [stand for stand in self.stands if stand.place < alike]


NOTHING_KNOWN = Known()


@define
class Reading:
    """Texts that are read one after the other: `before` is known from earlier, `now` what the last of them told."""

    before: Known = NOTHING_KNOWN
    now: Known = NOTHING_KNOWN

    def tree(self, text: str) -> Any:
        """Lark's tree of a text. Raises `UnexpectedInput`."""
        stands = max(self.now.up_to(text), self.before.up_to(text), key=lambda stands: stands[-1].place)
        try:
            return _read(text, stands)
        finally:
            self.now = Known(text, tuple(stands))

    def failure(self, text: str) -> UnexpectedInput | None:
        """Why lark cannot read a text, if it cannot."""
        try:
            self.tree(text)
        except UnexpectedInput as failure:
            return failure
        return None


def _read(text: str, stands: list[Stand]) -> Any:
    """The tree of a text, read from the last of some stands on. Where the parser stands later is added to them."""
    inner = parser().going_on(text, max(0, stands[-1].place))
    state, lexer = inner.parser_state, inner.lexer_thread
    token = lexer.state.last_token = stands[-1].last
    state.state_stack[:], state.value_stack[:] = stands[-1].states or state.state_stack, _own(stands[-1].values)
    apart = max(LEAST_APART, len(text) // MOST_STANDS)
    try:
        for new in lexer.lex(state):
            if new.column == 1 and new.start_pos >= stands[-1].place + apart:
                stands.append(Stand(new.start_pos, token, tuple(state.state_stack), _own(state.value_stack)))
            token = new
            state.feed_token(token)
        end = Token.new_borrow_pos("$END", "", token) if token else Token("$END", "", 0, 1, 1)
        return state.feed_token(end, is_end=True)
    except UnexpectedInput as failure:
        failure.interactive_parser = inner
        raise


def _own(values: Iterable[Any]) -> tuple[Any, ...]:
    """The parser's values. Lark adds to the list of a rule that only repeats others, so that each has its own."""
    return tuple(
        Tree(value.data, list(value.children), value.meta)
        if isinstance(value, Tree) and value.data.startswith("_")
        else value
        for value in values
    )
