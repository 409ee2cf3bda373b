"""Texts that nobody meant: shipped specs with some tokens or bits changed give diagnostics in good time, and never an
exception.

And texts that somebody could have: whole specs, drawn, go through `check`, `fmt` and `plan` without an error.
"""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache, partial
from pathlib import Path
from unittest import mock

from mutations import SPECS, mutated, survives

from entrack import api
from entrack import compile as compilation
from entrack.check.check import check
from entrack.diagnostics import Diagnostic, errors
from entrack.source import Source
from entrack.syntax import ast, equivalence
from entrack.syntax.parse import parse
from stress import drawn
from stress.tried import Tally, Tried

SECONDS = 2.0
"""Of CPU."""


def mutated_ones(count: int, seed: int, folder: Path) -> Tried:
    """`count` shipped specs with one to eight mutations each."""
    tally, texts, slowest, names = Tally(), {path: path.read_text(encoding="utf-8") for path in SPECS}, 0.0, ""
    for number in range(count):
        chance = random.Random(f"{seed} {number}")
        path = chance.choice(SPECS)
        text, start = mutated(texts[path], chance), time.process_time()
        with each_text_once(), tally.case(f"mutation {number} of seed {seed}, {path.name}"):
            survives(Source(str(path), text))
        taken = time.process_time() - start
        if taken > slowest:
            slowest, names = taken, f"{path.name}, mutation {number}"
    tally.figure(f"the slowest took {slowest:.2f} s of CPU ({names})", slowest, SECONDS)
    tally.notes.append(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB at most")
    return tally.tried


def drawn_ones(count: int, seed: int, folder: Path) -> Tried:
    """`count` specs that are valid by how they are made."""
    tally, slowest, which = Tally(), 0.0, 0
    for number in range(count):
        text, start = drawn.spec(random.Random(f"{seed} {number}")), time.process_time()
        with tally.case(f"drawn spec {number} of seed {seed}"), each_text_once() as once:
            _goes_through(Source(str(folder / "drawn.et"), text), once)
        taken = time.process_time() - start
        if taken > slowest:
            slowest, which = taken, number
    tally.figure(f"the slowest took {slowest:.2f} s of CPU for all three (spec {which})", slowest, 3 * SECONDS)
    tally.notes.append(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB at most")
    return tally.tried


_kept = lru_cache(64)(parse)


@contextmanager
def each_text_once() -> Iterator[Callable[[Source], tuple[ast.Program, tuple[Diagnostic, ...]]]]:
    """Within it a text is parsed once, however many stages ask: included files are shipped and do not change, and what
    a parse gives is a value."""
    with ExitStack() as stack:
        for module in (api, compilation, equivalence):
            stack.enter_context(mock.patch.object(module, "parse", _kept))
        stack.enter_context(mock.patch.object(api, "check_source", partial(check, parse=_kept)))
        yield _kept


def _goes_through(source: Source, parse: Callable[[Source], tuple[ast.Program, tuple[Diagnostic, ...]]]) -> None:
    """No error; formatted, the same program with as many comments, and formatted again the same text; a plan of it."""
    problems, _ = api.check(source, {})
    assert not errors(problems), errors(problems)[0].message
    formatted, _ = api.formatted(source)
    assert formatted is not None
    written, (before, _), (after, said) = (
        Source(source.name, formatted),
        parse(source),
        parse(Source(source.name, formatted)),
    )
    assert not said and after == before and len(after.comments) == len(before.comments), "another program"
    assert api.formatted(written)[0] == formatted, "formatted twice it differs"
    assert api.checked(source, {}).plan(hashed=False).plan.steps
