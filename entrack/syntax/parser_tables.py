"""The tables of a parser: packed, to be kept as JSON, and used as they are kept.

Of some 860 states of the parser a spec meets few. So a state's row stays the text that it is in the file until the
parser stands in it, and so does the lexer of what may come there. Lark's own form, in which every number is an
object, takes ten times as long to read.

A row has pairs of numbers: a token, and twice the state to which it leads, or twice the rule that ends before it and
one more.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from copy import copy
from functools import partial
from types import SimpleNamespace
from typing import Any

from lark import Lark
from lark.grammar import NonTerminal, Rule, RuleOptions, Symbol, Terminal
from lark.lexer import AbstractBasicLexer, ContextualLexer, TerminalDef
from lark.parsers.lalr_analysis import IntParseTable, Reduce, Shift
from lark.parsers.lalr_parser import LALR_Parser, _Parser

RULE = "Rule"
OPTIONS = RuleOptions.__serialize_fields__
UNTYPED: Any = SimpleNamespace(Lark=Lark, IntParseTable=IntParseTable, RuleOptions=RuleOptions)
"""What lark makes parsers of, and gives no types, or wrong ones."""
KEPT, DROPPED = ".", "!"
"""What a terminal of a rule begins with: one that stands in the tree, and one that is left out."""


# --- packing -----------------------------------------------------------------------------------------------------


def packed(data: dict[str, Any], memo: dict[int, Any]) -> dict[str, Any]:
    """What lark says of a parser, with rules and states in short. The parser's own tables are in order."""
    tables = data["parser"]["parser"]
    names = {number: tables["tokens"][number] for number in range(len(tables["tokens"]))}
    short = {
        **tables,
        "tokens": [*names.values()],
        "states": [_row(tables["states"][state]) for state in range(len(tables["states"]))],
    }
    rules = {number: each for number, each in memo.items() if each["__type__"] == RULE}
    options = sorted({_options(rule) for rule in rules.values()}, key=repr)
    return {
        "data": {**data, "parser": {**data["parser"], "parser": short}},
        "terminals": {number: each for number, each in memo.items() if number not in rules},
        "options": options,
        "rules": {number: _short(rule, options) for number, rule in rules.items()},
    }


def lexer(made: Lark) -> dict[str, Any]:
    """What `reader.py` needs of a parser's terminals: each with its text or pattern and whether it is a pattern, in the
    order in which lark tries them; the words that are terminals of their own where a pattern finds them; and what is
    passed over."""
    untyped: Any = made
    ignored = untyped.parser.lexer_conf.ignore
    terminals = sorted(
        (each for each in made.terminals if each.name not in ignored),
        key=lambda each: (-each.priority, -each.pattern.max_width, -len(each.pattern.value), each.name),
    )
    patterns = [each for each in terminals if each.pattern.type == "re"]
    words = {each.name: _words_in(each, terminals) for each in patterns}
    passed_over = "|".join(each.pattern.to_regexp() for each in made.terminals if each.name in ignored)
    return {
        "terminals": [(each.name, each.pattern.value, each.pattern.type == "re") for each in terminals],
        "words": {name: found for name, found in words.items() if found},
        "ignored": f"(?:{passed_over})*",
    }


def _words_in(pattern: TerminalDef, terminals: Collection[TerminalDef]) -> dict[str, str]:
    """The words among the matches of a pattern, by lark's rule."""
    written = re.compile(pattern.pattern.to_regexp())
    words = {each.pattern.value: each for each in terminals if each.pattern.type == "str"}
    found = {word: written.match(word) for word, each in words.items() if each.priority == pattern.priority}
    return {word: words[word].name for word, match in found.items() if match and match.group() == word}


def _row(actions: Mapping[int, tuple[int, Any]]) -> str:
    pairs = ((token, 2 * to["@"] + 1 if kind else 2 * to) for token, (kind, to) in sorted(actions.items()))
    return " ".join(f"{token} {code}" for token, code in pairs)


def _options(rule: Mapping[str, Any]) -> tuple[Any, ...]:
    given = rule["options"]
    return tuple(tuple(given[name]) if name == "empty_indices" else given[name] for name in OPTIONS)


def _short(rule: Mapping[str, Any], options: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    expansion = " ".join(_symbol(symbol) for symbol in rule["expansion"])
    return rule["origin"]["name"], expansion, rule["order"], rule["alias"], options.index(_options(rule))


def _symbol(symbol: Mapping[str, Any]) -> str:
    if symbol["__type__"] == "NonTerminal":
        return str(symbol["name"])
    return f"{DROPPED if symbol['filter_out'] else KEPT}{symbol['name']}"


# --- using -------------------------------------------------------------------------------------------------------


def unpacked(kept: Mapping[str, Any], lexer: type[ContextualLexer]) -> Lark:
    """A parser from what `packed` gives, by way of JSON. Raises LookupError, AttributeError, TypeError, ValueError for
    what has another form; rows are read when the parser stands in them."""
    data = kept["data"]
    options = [_rule_options(*each) for each in kept["options"]]
    rules = {int(number): _rule(each, options) for number, each in kept["rules"].items()}
    memo = {int(number): each for number, each in kept["terminals"].items()} | rules
    tables = data["parser"]["parser"]
    rows = Rows(tables["states"], tables["tokens"], rules)
    table = UNTYPED.IntParseTable(rows, tables["start_states"], tables["end_states"])
    plugins = {"ContextualLexer": partial(_lexer, lexer, rows), "LALR_Parser": SimpleNamespace(deserialize=_parser)}
    loaded: Lark = UNTYPED.Lark._load_from_dict(
        {**data, "parser": {**data["parser"], "parser": table}}, memo, _plugins=plugins
    )
    return loaded


def _rule_options(*values: Any) -> RuleOptions:
    *rest, indices = values
    options: RuleOptions = UNTYPED.RuleOptions(*rest, empty_indices=tuple(indices))
    return options


def _rule(short: list[Any], options: list[RuleOptions]) -> Rule:
    origin, expansion, order, alias, which = short
    return Rule(NonTerminal(origin), [*map(_of_symbol, expansion.split())], order, alias, options[which])


def _of_symbol(written: str) -> Symbol:
    if written[0] in (KEPT, DROPPED):
        return Terminal(written[1:], written[0] == DROPPED)
    return NonTerminal(written)


class Rows(dict[int, dict[str, tuple[Any, Any]]]):
    """What a state does at each token. Two threads that meet a state at once make equal rows."""

    def __init__(self, rows: list[str], tokens: list[str], rules: Mapping[int, Rule]) -> None:
        super().__init__()
        self._rows, self._tokens, self._rules = rows, tokens, rules

    def __missing__(self, state: int) -> dict[str, tuple[Any, Any]]:
        numbers = map(int, self._rows[state].split())
        row = {
            self._tokens[token]: (Reduce, self._rules[code >> 1]) if code & 1 else (Shift, code >> 1)
            for token, code in zip(numbers, numbers, strict=True)
        }
        self[state] = row
        return row

    def all(self) -> list[dict[str, tuple[Any, Any]]]:
        """The rows of all states."""
        return [self[state] for state in range(len(self._rows))]


class Lexers(dict[int, AbstractBasicLexer]):
    """The lexer of each state: one for all that accept the same."""

    def __init__(self, rows: Rows, conf: Any, make: Any) -> None:
        super().__init__()
        self._rows, self._conf, self._make = rows, conf, make
        self._alike: dict[frozenset[str], AbstractBasicLexer] = {}

    def __missing__(self, state: int) -> AbstractBasicLexer:
        accepts = frozenset(self._rows[state])
        lexer = self._alike.get(accepts)
        if lexer is None:
            conf, named = copy(self._conf), self._conf.terminals_by_name
            conf.terminals = [named[name] for name in accepts | {*conf.ignore} if name in named]
            lexer = self._alike.setdefault(accepts, self._make(conf))
        self[state] = lexer
        return lexer


def _parser(table: Any, memo: object, callbacks: Any, *debug: Any) -> LALR_Parser:
    """Lark's parser on a table as it is."""
    parser = LALR_Parser.__new__(LALR_Parser)
    parser._parse_table = table
    parser.parser = _Parser(table, callbacks, *debug)
    return parser


def _lexer(
    kind: type[ContextualLexer], rows: Rows, conf: Any, states: object, always_accept: Collection[str] = ()
) -> ContextualLexer:
    """Lark's lexer by state. It is asked to make none, and `states` has none yet."""
    lexer = kind(conf, {}, always_accept)
    lexer.lexers = Lexers(rows, conf, kind.BasicLexer)
    return lexer
