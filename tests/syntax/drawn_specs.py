"""Specs drawn from the grammar itself: rules are walked by chance, names are words of the language as often as not,
and white space, `;` and comments stand wherever they can. What is drawn may be no spec (a word may be read as a word
of the language); most are."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from functools import cache

from lark.grammar import NonTerminal, Rule, Symbol, Terminal

from entrack import vocabulary
from entrack.diagnostics import errors
from entrack.source import Source
from entrack.syntax import ast, grammar
from entrack.syntax.format import format_program
from entrack.syntax.parse import parse

PLAIN_NAMES = (
    "a",
    "b2",
    "boxes",
    "cir",
    "_",
    "A",
    "B",
    "Z",
    "Ab",
    "Zed",
    "value_fetcher",
    "prompt",
    "answer",
    "ofs",
    "onex",
    "e5",
)
STRINGS = (
    '""',
    '"a"',
    '"{x[0]} is {{ in"',
    r'"a \"b\" \\ \n \t"',
    '"# no comment"',
    '"/* \' {a.b}"',
    '"é 漢字 \U0001f600 \u00a0"',
    r'"\a\{"',
    r'"\u{FE0F}\u{41}"',
    '"  "',
)
WRITTEN: Mapping[str, Sequence[str]] = {
    "INT": ("0", "1", "7", "007", "12", "300"),
    "FLOAT": ("0.5", "1.50", "10.0", "00.1"),
    "HEAD": ("3.14", "0.0", "14.03", "1.2", "1.2.query", "0.3._"),
    "SITE": ("mlp.3", "attention.0", "residual.07", "residual.2.mid", "residual.2.post", "neuron.1.102", "mlp.3.4.x"),
    "COMPUTED": ("heads", "mlp", "attention", "residual", "neurons"),
    "EMBEDDING": ("embedding",),
    "STRING": STRINGS,
    "LETTERS": ("A..Z", "M..N", "Z..A"),
    "RELATION": ("!=", "<=", ">=", "<", ">"),
    "TIMES": ("*", "/"),
    "FIGURE_OPTION": ("by", "coloured by", "error"),
    "SENDER": ("heads", "mlps"),
    "ATTRIBUTED": ("heads", "layers", "parts"),
    "RANKING": ("lowest", "highest", "strongest"),
    "EXAMINATION": ("completeness", "minimality"),
}
GAPS = (
    (" ",) * 14
    + ("",) * 6
    + ("\n", "\n\n", "\n\n\n", "\t", " \n  ", "\r\n", " #c", "#c", "\n#c", "\n\n  #c", "#c\n#c", "\n#c\n\n#c")
)
COMMENTS = ("", " plain", '"', " } {", "# more", " ; x = 3", "  ends in blanks  ", " é\U0001f600", " a .. b")
DEEPEST = 14


@cache
def _rules() -> dict[str, list[Rule]]:
    rules: dict[str, list[Rule]] = {}
    for rule in grammar.load_parser().rules:
        rules.setdefault(rule.origin.name, []).append(rule)
    return rules


@cache
def _signs() -> dict[str, str]:
    return {
        terminal.name: terminal.pattern.value
        for terminal in grammar.load_parser().terminals
        if terminal.pattern.type == "str"
    }


@cache
def soft_words() -> tuple[str, ...]:
    """Every word of the language."""
    quoted = re.findall(r'"([a-z ]+)"', vocabulary.grammar_text())
    return tuple(sorted({word for text in quoted for word in text.split()}))


@cache
def _heights() -> dict[str, int]:
    """How deep the shallowest tree of each rule is."""
    heights: dict[str, int] = {}
    while len(heights) < len(_rules()):
        for name, rules in _rules().items():
            known = [
                _height(rule, heights)
                for rule in rules
                if all(part.is_term or part.name in heights for part in rule.expansion)
            ]
            if known and name not in heights:
                heights[name] = min(known)
    return heights


def _height(rule: Rule, heights: Mapping[str, int]) -> int:
    return 1 + max((heights[part.name] for part in rule.expansion if isinstance(part, NonTerminal)), default=0)


def _tokens(symbol: Symbol, chance: random.Random, depth: int) -> list[str]:
    if isinstance(symbol, Terminal):
        return [_written(symbol.name, chance)]
    rules = _rules()[symbol.name]
    room = DEEPEST - depth
    fitting = [rule for rule in rules if _height(rule, _heights()) <= room]
    rule = chance.choice(fitting or [min(rules, key=lambda rule: _height(rule, _heights()))])
    return [token for part in rule.expansion for token in _tokens(part, chance, depth + 1)]


def _written(terminal: str, chance: random.Random) -> str:
    if terminal == "NAME":
        return chance.choice(soft_words() if chance.random() < 0.45 else PLAIN_NAMES)
    return chance.choice(WRITTEN[terminal]) if terminal in WRITTEN else _signs()[terminal]


def _gap(before: str, after: str, chance: random.Random) -> str:
    gap = chance.choice(GAPS)
    if "#" in gap:
        return re.sub("#c", lambda _: "#" + chance.choice(COMMENTS) + "\n", gap)
    glued = before[-1:].isalnum() or before[-1:] == "_"
    return gap or (" " if glued and (after[:1].isalnum() or after[:1] in "_") else "")


def drawn(chance: random.Random) -> str:
    """The text of one drawn spec, of one to three items."""
    tokens = ["entrack", "1"]
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        tokens += _tokens(NonTerminal("item"), chance, chance.randrange(5))
    return "".join(token + _gap(token, after, chance) for token, after in zip(tokens, [*tokens[1:], ""], strict=True))


def unlike(text: str) -> str | None:
    """What is wrong with the formatter at this text; "" where nothing is, None where the text is no spec."""
    source = Source("drawn.et", text)
    program, problems = parse(source)
    if errors(problems):
        return None
    once = Source("drawn.et", format_program(source, program))
    again, problems = parse(once)
    if errors(problems) or again != program:
        return f"another program: {problems[:1]}"
    if said(program) != said(again):
        return "other comments"
    return "" if format_program(once, again) == once.text else "not the same when it is formatted again"


def said(program: ast.Program) -> list[str]:
    """What the comments say, in order: several may end up on one line."""
    return " ".join(comment.text for comment in program.comments).split()
