"""Trouble: a parser's failure becomes a diagnostic, taught by example.

`TAUGHT` holds small wrong programs and what to say about each. A failure that leaves the parser in the same state, at the same
kind of token, gets the same words; any other failure gets the list of what could have stood there.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from attrs import frozen
from lark import Token
from lark.exceptions import UnexpectedInput

from entrack.diagnostics import Diagnostic, nearest
from entrack.source import Source, Span
from entrack.syntax.grammar import parser


@frozen
class Lesson:
    """What to say about programs that fail as `examples` do."""

    code: str
    message: str
    help: str
    examples: tuple[str, ...]


TAUGHT = (
    Lesson("E110", "a model is made from where its weights are", 'write, for example, `model base = builtin("boxes-base")` or `model m = hub("owner/name")`',
           ("model base", 'model base "x"', "model base =", 'model base = "gpt2"', "model base = 3", "model = x")),
    Lesson("E111", "`discover` needs what it is found in, on which prompts, and against which alternates",
           "write `discover NAME in MODEL on 300 TASK against ALTERNATE { ... }`",
           ("discover cir", "discover cir {", "discover cir in base {", "discover cir in base on 3 boxes {", "discover cir on", "discover {",
            "discover cir in base on 300 boxes scrambled", "discover cir in base against", "discover cir in base on {")),
    Lesson("E112", "a hop names its senders' position, its receivers, and how many heads it keeps",
           "write `group NAME at POSITION -> logits keep 10`, or `-> GROUP.query` for a later hop",
           tuple(f"discover c in b on 3 t against s {{ {hop}" for hop in
                 ("group g -> logits keep 3", "group g at p keep 3", "group g at p -> logits }", "group g at p -> keep 3", "group g at p -> logits 3",
                  "group g at p = 1.2", "group g at p -> logits keep }", "group g at p -> logits keep all", "g at", "hop"))),
    Lesson("E113", "a measure is a metric of a model on prompts",
           "write `measure NAME = accuracy(MODEL) on 500 TASK`, or `accuracy(MODEL with INTERVENTION) on 500 TASK`",
           ("measure m", "measure m = base", "measure m = accuracy base", "measure m = accuracy(base)", "measure m = accuracy(base) 500 boxes", "measure m = 3",
            "measure m = accuracy(base) on 500 measure", "measure m = accuracy(base) on 500", "measure m = accuracy(base) on", "measure m = accuracy()", "measure m = accuracy(base", "measure = accuracy(base)",
            "measure m accuracy(base)", "measure m = accuracy on")),
    Lesson("E114", "a claim is a sentence and a comparison", 'write `claim "the circuit is faithful" a / b >= 0.95`, or `claim "..." a within 0.03 of b`',
           ("claim x", 'claim "x"', 'claim "x" a', 'claim "x" a = 3', "claim a > 3", 'claim "x" a claim', 'claim "x" a >= }', 'claim "x" a within 0.1 b',
            'claim "x" a >=', 'claim "x" a > 3 published', 'claim "x" a > 3 published claim', 'claim "x" a within of', 'claim "x" a is')),
    Lesson("E115", "an intervention is one or more of keep, mean, zero and patch",
           "write, for example, `intervention only(c) = keep c, mean elsewhere over ALTERNATE`, `zero H`, or `patch H from alternate`",
           ("intervention", "intervention i", "intervention i = 3", "intervention i = c", "intervention i(c) = keep c,", "intervention i(c) = keep", "intervention i() =",
            "intervention i(c) keep", "intervention i(c) = keep c mean", "intervention i(c) = ablate c", "intervention i(c) = mean c over", "intervention i(c) = mean c keep")),
    Lesson("E116", "`mean` needs the prompts that it is taken over", "write `mean H over ALTERNATE`, or `mean elsewhere over ALTERNATE`",
           ("intervention i(c) = keep c, mean elsewhere intervention", "intervention i(c) = mean c intervention", "intervention i(c) = mean c", "intervention i(c) = keep c, mean elsewhere",
            "intervention i(c) = keep c, mean elsewhere from s")),
    Lesson("E117", "`patch` needs where the patched values come from", "write `patch H from alternate`, or `patch H from OTHER_MODEL`",
           ("intervention i(c) = patch c", "intervention i(c) = patch c intervention", "intervention i(c) = patch c with", "intervention i(c) = patch c over s")),
    Lesson("E118", "heads are written layer.head, with spaces between", "write, for example, `group movers in base at last = 14.13 15.2 15.5`",
           ("group g in b at p = 3", "group g in b at p = [", "group g in b at p =", "group g in b at p", "group g at p = 1.2", "group g in b = 1.2",
            "circuit c in b { group g at p = 3", "circuit c in b { group g at p = 1.2, 3.4", "circuit c in b { group g = 1.2", "circuit c in b { g at p = 1.2", "group g in b at p = 1.2, 3.4",
            "circuit c in b { group g at p }", "circuit c {", "circuit c in b =")),
    Lesson("E119", "a task is a block of drawings, texts and positions", 'write lines such as `object = 7 distinct from ["car", "cup"]`, `prompt = "..."`, `answer = ...`, `at last = end of prompt`',
           ("task t", "task t {", "task t { 3", 'task t { "x"', "task {", "task t = {", "task t { x", "task t { x = }", "task t { x = ; y", "task t { x: 3")),
    Lesson("E120", "a drawing says how many, and from what", 'write `7 distinct from A..Z`, `one of 0..6`, `one from ["store", "park"]`, or `one index of object`',
           ("task t { x = 7 distinct A..Z", "task t { x = 7 distinct }", "task t { x = one A..Z", "task t { x = one }", "task t { x = 7 distinct of A..Z", "task t { x = 7 distinct from }",
            "task t { x = one of }", "task t { x = 7 A..Z", "task t { x = 7 \"a\"", "task t { x = n distinct of")),
    Lesson("E121", "a position says where it is", "write `at last = end of prompt`, `at query = question.label`, or `at first = context.label[asked]`",
           ("task t { at last }", "task t { at = x", "task t { at last = }", "task t { at last = end }", "task t { at last = end prompt", "task t { at last = 3", 'task t { at last = "x"',
            "task t { at last = last of prompt", "task t { at last end", "task t { at last = any context")),
    Lesson("E122", "an alternate says which task it belongs to and what changes",
           "write `alternate NAME of TASK { fresh object; asked != original.asked }`",
           ("alternate a", "alternate a {", "alternate {", "alternate a on t {", "alternate a of t { 3", "alternate a of t { fresh }", "alternate a of t { fresh ;", "alternate a of t { x }", "alternate a of t")),
    Lesson("E123", "a desideratum has an `alternate { ... }` and a `target`",
           "write `desideratum NAME on TASK { alternate { fresh object }  target alternate.answer }`",
           ("desideratum d", "desideratum d {", "desideratum d of t {", "desideratum d on t { fresh x", "desideratum d on t { target }", "desideratum d on t { x", "desideratum d on t { alternate fresh", "desideratum d on t { target = x")),
    Lesson("E124", "`about` has lines of a word and a text", 'write `about { title "..." cite "..." }`',
           ("about", "about {  title }", "about { title = ", 'about "x"', "about { 3", 'about { "x"')),
    Lesson("E125", "`param` has a name and a number", "write `param n = 300`", ("param", "param n", "param n =", "param n = x", 'param n = "x"', "param = 3")),
    Lesson("E126", "`include` takes the path of a file", 'write `include "boxes.et"`', ("include", "include boxes", "include 3")),
    Lesson("E127", "`seed` takes a whole number", "write `seed 7`", ("seed", "seed = 3", "seed x")),
    Lesson("E128", "a figure has a title, a kind and what it shows", 'write `figure "Figure 1" = diagram(cir)`, or `bars(m)`, `curves(m)`, `heatmap(cir)`',
           ("figure", "figure f", 'figure "f"', 'figure "f" bars(m)', 'figure "f" = bars', 'figure "f" = ', 'figure "f" = bars()', 'figure "f" = bars(m) by', 'figure "f" = 3')),
    Lesson("E129", "a table has a title and the measure it shows", 'write `table "Table 2" = accuracies`', ("table", "table t", 'table "t"', 'table "t" m', 'table "t" =', 'table "t" = 3')),
    Lesson("E130", "the language version is a whole number", "write `entrack 1`", ("entrack", "entrack x", "entrack 1.0", 'entrack "1"')),
)  # fmt: skip

TERMS = {
    "NAME": "a name", "STRING": 'a text in "quotes"', "INT": "a whole number", "FLOAT": "a number", "HEAD": "a head such as 14.13", "RELATION": "a comparison such as >=",
    "SIGN": "+ or -", "TIMES": "* or /", "LETTERS": "letters such as A..Z", "LBRACE": "`{`", "RBRACE": "`}`", "LPAR": "`(`", "RPAR": "`)`", "LSQB": "`[`", "RSQB": "`]`",
    "EQUAL": "`=`", "COMMA": "`,`", "DOT": "`.`", "SEMICOLON": "`;`", "__ANON_0": "`..`", "__ANON_1": "`->`", "__ANON_2": "`==`", "$END": "the end", "FIGURE_OPTION": "`by`",
}  # fmt: skip


def explain(failure: UnexpectedInput, source: Source, offset: int) -> Diagnostic:
    """One diagnostic for a failure of the parser at `offset`."""
    word = _word(failure, source, offset)
    span = Span(source.name, offset, min(len(source.text), offset + max(1, len(word))))
    if word.startswith('"') or (word == "" and source.text[offset : offset + 1] == '"'):
        end = source.text.find("\n", offset)
        if source.text[offset : None if end < 0 else end].count('"') % 2:
            return Diagnostic("E103", "this text is not closed", span, 'begins here', 'end it with `"` on the same line')
    if offset >= len(source.text.rstrip()):
        span = Span(source.name, max(0, offset - 1), max(1, offset))
        return _ended(failure, source, span)
    lesson = _lesson(failure)
    shown = f"`{word}`" if word else f"`{source.text[offset]}`"
    label = f"{shown} cannot stand here"
    place = _back(source, span)
    if lesson is not None:
        return Diagnostic(lesson.code, lesson.message, place, label if place == span else "something is missing after this", lesson.help)
    wanted = _wanted(failure)
    near = nearest(word, [w.strip("`") for w in wanted]) if word else None
    if near and near != word:
        return Diagnostic("E104", f"{shown} is no word of the language here", span, "", f"did you mean `{near}`?")
    return Diagnostic("E104", label, place, "" if place == span else "something is missing after this", f"expected {_listed(wanted)}")


def _ended(failure: UnexpectedInput, source: Source, span: Span) -> Diagnostic:
    opened = _open_bracket(source)
    if opened is not None:
        character = source.text[opened]
        closing = {"{": "}", "[": "]", "(": ")"}[character]
        return Diagnostic("E106", f"`{character}` is never closed", Span(source.name, opened, opened + 1), "opened here", f"close it with `{closing}`")
    lesson = _lesson(failure)
    if lesson is not None:
        return Diagnostic(lesson.code, lesson.message, span, "the file ends here", lesson.help)
    return Diagnostic("E104", "the file ends in the middle of something", span, "", f"expected {_listed(_wanted(failure))}")


def _open_bracket(source: Source) -> int | None:
    from entrack.syntax.limits import PIECE

    stack: list[int] = []
    for match in PIECE.finditer(source.text):
        if match.group() in "([{":
            stack.append(match.start())
        elif match.group() in ")]}" and stack:
            stack.pop()
    return stack[-1] if stack else None


def _lesson(failure: UnexpectedInput) -> Lesson | None:
    exact, near = _lessons()
    state = _state(failure)
    return exact.get((state, _token_type(failure))) or near.get(state)


@cache
def _lessons() -> tuple[dict[tuple[object, str], Lesson], dict[object, Lesson]]:
    """By parser state and kind of token, and by state alone, what the examples teach; the first example wins."""
    exact: dict[tuple[object, str], Lesson] = {}
    near: dict[object, Lesson] = {}
    for lesson in TAUGHT:
        for example in lesson.examples:
            failure = _failure(example)
            exact.setdefault((_state(failure), _token_type(failure)), lesson)
            near.setdefault(_state(failure), lesson)
    for state in _too_general():
        near.pop(state, None)
    return exact, near


def _too_general() -> tuple[object, ...]:
    """States in which anything may have gone wrong: there, only the same kind of token means the same mistake."""
    return tuple(_state(_failure(text)) for text in ("= 3", "seed 3 = 4", "measure m = accuracy(b) on 5 t 3", "model m = x 3"))


def _failure(text: str) -> UnexpectedInput:
    try:
        parser().tree(text)
    except UnexpectedInput as failure:
        return failure
    raise AssertionError(f"an example of a mistake is no mistake: {text!r}")


def _state(failure: UnexpectedInput) -> object:
    state = getattr(failure, "state", None)
    return getattr(state, "position", state)


def _token_type(failure: UnexpectedInput) -> str:
    token = getattr(failure, "token", None)
    return token.type if isinstance(token, Token) else "?"


def _word(failure: UnexpectedInput, source: Source, offset: int) -> str:
    token = getattr(failure, "token", None)
    if isinstance(token, Token) and token.type != "$END":
        return str(token)
    return "".join(_word_characters(source.text[offset : offset + 40]))


def _word_characters(text: str) -> Iterable[str]:
    for character in text:
        if not (character.isalnum() or character == "_"):
            return
        yield character


def _wanted(failure: UnexpectedInput) -> list[str]:
    terminals = getattr(failure, "accepts", None) or getattr(failure, "expected", None) or getattr(failure, "allowed", None) or ()
    return sorted({TERMS.get(name, f"`{name.lower()}`") for name in terminals if name not in ("WS", "COMMENT")})


def _listed(wanted: list[str]) -> str:
    if len(wanted) > 8:
        return ", ".join(wanted[:8]) + ", ..."
    return " or ".join([", ".join(wanted[:-1]), wanted[-1]]) if len(wanted) > 1 else "".join(wanted)


def _back(source: Source, span: Span) -> Span:
    """Where the offending word begins a line, what is missing is missing at the end of the line before: point there."""
    before = source.text[: span.start].rstrip()
    if not before or "\n" not in source.text[len(before) : span.start] or before.endswith(("{", "}")):
        return span
    return Span(span.file, len(before) - 1, len(before))
