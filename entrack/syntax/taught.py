"""What is said of a failure that resembles an example of the lessons, and of one that resembles none."""

from __future__ import annotations

from functools import cache

from attrs import define, field
from lark.exceptions import UnexpectedInput

from entrack.syntax.failure import completes, failure_of, inner_completes, state_of, terminals, token_type
from entrack.syntax.grammar import parser
from entrack.syntax.lesson import Lesson, lessons

TERMS = {
    "NAME": "a name",
    "STRING": 'a text in "quotes"',
    "INT": "a whole number",
    "FLOAT": "a number",
    "HEAD": "a head such as 14.13",
    "SITE": "a site such as mlp.14",
    "COMPUTED": "a site such as mlp[k]",
    "EMBEDDING": "`embedding`",
    "RELATION": "a comparison such as >=",
    "PLUS": "+ or -",
    "MINUS": "+ or -",
    "TIMES": "* or /",
    "LETTERS": "letters such as A..Z",
    "$END": "the end",
    "FIGURE_OPTION": "`by`, `coloured by` or `error`",
    "SENDER": "`heads` or `mlps`",
    "RANKING": "`lowest`, `highest` or `strongest`",
}
TOO_GENERAL = (
    "= 3",
    "seed 3 = 4",
    "measure m = accuracy(b) on 5 t 3",
    "model m = x 3",
    "discover c in b on 3 t against s screen 3 3",
    "discover c in b on 3 t against s { group g at p -> logits keep 3 3",
)
"""Failures in whose state anything may have gone wrong: there, only the same kind of token means the same mistake."""


@define
class _Taught:
    """What the examples that begin with one word teach: by parser state and kind of token, by state alone, and in
    general."""

    exact: dict[tuple[object, str], Lesson] = field(factory=dict)
    near: dict[object, Lesson] = field(factory=dict)
    first: Lesson | None = None


def lesson_of(failure: UnexpectedInput, word: str) -> Lesson | None:
    """The lesson whose examples fail as an item that begins with `word` does."""
    taught, state = _taught(word), state_of(failure)
    found = taught.exact.get((state, token_type(failure))) or taught.near.get(state)
    general = not inner_completes(failure) and (not completes(failure) or word in parser().item_words)
    return found or (taught.first if general else None)


@cache
def _taught(word: str) -> _Taught:
    taught = _Taught()
    for lesson in lessons():
        for example in lesson.examples:
            failure = failure_of(example) if example.split()[0] == word else None
            if failure is not None:
                taught.exact.setdefault((state_of(failure), token_type(failure)), lesson)
                taught.near.setdefault(state_of(failure), lesson)
                taught.first = taught.first or lesson
    for state in _too_general():
        taught.near.pop(state, None)
    return taught


@cache
def _too_general() -> tuple[object, ...]:
    return tuple(state_of(failure) for failure in map(failure_of, TOO_GENERAL) if failure is not None)


def expected(failure: UnexpectedInput) -> str:
    """What could have stood there, in words."""
    known = terminals(failure)
    if {"MODEL", "TASK", "MEASURE"} <= known:
        return (
            "an item begins here, such as `model`, `task`, `alternate`, `discover`, `intervention`, "
            "`measure` or `claim`"
        )
    wanted = sorted(
        {TERMS.get(name) or f"`{parser().sign_of(name)}`" for name in known},
        key=lambda text: (not text.startswith("`"), text),
    )
    return f"expected {_listed(wanted)}"


def _listed(wanted: list[str]) -> str:
    if len(wanted) > 8:
        return ", ".join(wanted[:8]) + ", ..."
    return " or ".join([", ".join(wanted[:-1]), wanted[-1]]) if len(wanted) > 1 else "".join(wanted)
