"""The grammar as a parser: `grammars/entrack.lark`, read once. It makes the tables, and says what is wrong with a text;
a text in which nothing is wrong is read without it (`reader.py`).

LALR with the contextual lexer, so that a word of the language may also be a name wherever no construct can stand.
Working out the parser's tables takes longer than checking a spec, so they are kept beside this file, as JSON; tables of
another grammar or another lark are not used. `python -m entrack.syntax.grammar` writes them anew. Lark's own cache is
never used: it would unpickle a file with a predictable name in the temporary folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from copy import copy
from functools import cache, cached_property
from typing import Any

import lark
from lark import Lark, Token
from lark.exceptions import UnexpectedInput
from lark.grammar import Rule
from lark.lexer import BasicLexer, ContextualLexer, LexerState, Pattern, Scanner, TerminalDef
from lark.parsers.lalr_analysis import Shift
from lark.utils import TextSlice

from entrack.syntax.kept_tables import TABLES, grammar_digest
from entrack.syntax.parser_tables import lexer, packed, unpacked
from entrack.vocabulary import grammar_text


class Glued(UnexpectedInput):
    """A word or number that goes on where it should end: `inbase` is not `in base`, and `20boxes` not `20 boxes`."""

    def __init__(self, token: Token) -> None:
        self.token = token
        self.pos_in_stream = token.start_pos or 0  # type: ignore[assignment]  # lark says that it is always None


class StateLexer(BasicLexer):
    """Lark's lexer of one parser state. A word or number ends where it ends in the text. All that belongs to one
    text is in `LexerState`, so that threads may share the lexer."""

    def next_token(self, lex_state: LexerState, parser_state: Any = None) -> Token:
        token = super().next_token(lex_state, parser_state)
        end, text = token.end_pos or 0, lex_state.text.text
        if token[-1:].isalnum() and (text[end : end + 1].isalnum() or text[end : end + 1] == "_"):
            raise Glued(token)
        return token

    def _build_scanner(self) -> Scanner:
        """Lark makes a scanner when it is first needed, and fills `callback` meanwhile, which another thread may
        already read: here it is there at once. Whoever is second puts an equal one in its place."""
        building = copy(self)
        scanner: Scanner = BasicLexer._build_scanner(building)
        self.callback = building.callback
        return scanner


class Lexer(ContextualLexer):
    BasicLexer = StateLexer


PLUGINS = {"ContextualLexer": Lexer}


def make_parser(*, strict: bool = False) -> Lark:
    """A parser made from the grammar."""
    return Lark(
        grammar_text(),
        parser="lalr",
        lexer="contextual",
        start=["start", "reference_only"],
        propagate_positions=True,
        strict=strict,
        _plugins=PLUGINS,
    )


def load_parser() -> Lark:
    """The same parser from its tables, where they are of this grammar and this lark; else these are worked out."""
    try:
        kept = json.loads(TABLES.read_text(encoding="utf-8"))
        if kept["of"] == tables_of():
            return unpacked(kept, Lexer)
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        pass
    return unpacked(json.loads(tables()), Lexer)


def write_tables() -> None:
    """Work out the tables and keep them."""
    TABLES.write_text(tables() + "\n", encoding="utf-8")


def tables() -> str:
    """The tables worked out anew, as they are kept."""
    made = make_parser()
    data, memo = made.memo_serialize([TerminalDef, Rule])
    data["options"]["_plugins"] = {}
    data["parser"]["parser"] = _ordered(data["parser"]["parser"])
    of = {"of": tables_of(), "grammar": grammar_digest(), "lexer": lexer(made)}
    return json.dumps({**of, **packed(data, memo)}, separators=(",", ":"), sort_keys=True)


def tables_of() -> str:
    """What tables belong to: this grammar, read by this lark."""
    return hashlib.sha256(f"{lark.__version__}\n{grammar_text()}".encode()).hexdigest()


def _ordered(tables: dict[str, Any]) -> dict[str, Any]:
    """The tables with tokens numbered by name, and states as they are reached by them: lark's own numbers differ
    from run to run."""
    names = sorted(tables["tokens"].values())
    starts = tables["start_states"]
    reached = [starts[name] for name in sorted(starts)]
    for state in reached:  # grows on the way
        moves = sorted((tables["tokens"][token], move) for token, move in tables["states"][state].items())
        reached.extend(dict.fromkeys(move[1] for _, move in moves if move[0] == 0 and move[1] not in reached))
    place = {state: number for number, state in enumerate(reached)}
    token = {known: names.index(name) for known, name in tables["tokens"].items()}
    states = {
        place[state]: {
            token[t]: (kind, place[to] if kind == 0 else to) for t, (kind, to) in tables["states"][state].items()
        }
        for state in reached
    }
    return {
        **tables,
        "tokens": dict(enumerate(names)),
        "states": states,
        "start_states": {name: place[state] for name, state in starts.items()},
        "end_states": {name: place[state] for name, state in tables["end_states"].items()},
    }


class Parser:
    """The parser of this process. It knows nothing of any one text, so that many threads may use it at once."""

    def __init__(self) -> None:
        self._lark = load_parser()

    def tree(self, text: str, start: str = "start") -> Any:
        """Lark's tree of a text. Raises `UnexpectedInput`."""
        return self._lark.parse(text, start=start)

    def begin(self, text: str) -> Any:
        """Lark's parser as it stands after a text, which may go on. Raises `UnexpectedInput`."""
        inner: Any = self._lark.parse_interactive(text, start="start")
        for token in inner.lexer_thread.lex(inner.parser_state):
            inner.feed_token(token)
        return inner

    def going_on(self, text: str, place: int) -> Any:
        """Lark's parser before it has read a text, with its lexer at a place of it."""
        return self._lark.parse_interactive(TextSlice(text, place, len(text)), start="start")

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of the grammar, as lark has them."""
        return tuple(self._lark.rules)

    @cached_property
    def patterns(self) -> Mapping[str, Pattern]:
        """How each terminal is written."""
        return {terminal.name: terminal.pattern for terminal in self._lark.terminals}

    def row(self, state: int) -> Mapping[str, tuple[Any, Any]]:
        """What the parser does in a state at each symbol."""
        untyped: Any = self._lark
        found: Mapping[str, tuple[Any, Any]] = untyped.parser.parser._parse_table.states[state]
        return found

    def accepts(self, stack: Sequence[int]) -> frozenset[str]:
        """The terminals that may come next, of a parser with these states."""
        return frozenset(name for name in self.row(stack[-1]) if name.isupper() and self._takes(name, list(stack)))

    def _takes(self, terminal: str, stack: list[int]) -> bool:
        """Whether the terminal is read, once all rules that it ends are."""
        while (found := self.row(stack[-1]).get(terminal)) is not None:
            action, rule = found
            if action is Shift:
                return True
            del stack[len(stack) - len(rule.expansion) :]
            stack.append(self.row(stack[-1])[rule.origin.name][1])
            if stack[-1] in self._ends:
                return True
        return False

    @cached_property
    def _ends(self) -> frozenset[int]:
        """The states in which a text is read."""
        untyped: Any = self._lark
        return frozenset(untyped.parser.parser._parse_table.end_states.values())

    @cached_property
    def item_words(self) -> frozenset[str]:
        """The words that an item begins with."""
        start: Any = self._lark.parse_interactive("", start="start")
        return frozenset(map(self.word_of, self.accepts(start.parser_state.state_stack))) - {""}

    def word_of(self, terminal: str) -> str:
        """The word that a terminal stands for; empty when it stands for a sign, or for several."""
        sign = self.sign_of(terminal)
        return sign if terminal in self._signs and sign.isalpha() else ""

    def sign_of(self, terminal: str) -> str:
        """What a terminal is written as, such as `->`; its own name where that differs, such as NAME."""
        return self._signs.get(terminal, terminal)

    @cached_property
    def _signs(self) -> dict[str, str]:
        return {
            terminal.name: terminal.pattern.value for terminal in self._lark.terminals if terminal.pattern.type == "str"
        }


@cache
def parser() -> Parser:
    """The one parser of this process."""
    return Parser()


if __name__ == "__main__":
    write_tables()
