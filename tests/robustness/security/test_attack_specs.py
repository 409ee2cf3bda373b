"""Specs that are made to be long to check: a diagnostic or none, within the time and memory of every attack.

More are in tests/check/test_fuzz.py; these are wide where those are deep.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from attack_guard import Guard
from attack_runs import Study, entrack

HEAD = 'entrack 1\nmodel base = builtin("boxes-base")\n'
TASK = (
    'task t(n = 2) {\n  object = n distinct from ["car", "cup", "key"]\n  prompt = "The {object[0]} '
    'is"\n  answer = object[0]\n  at last = end of prompt\n}\n'
)
MEASURE = "measure m = accuracy(base) on 2 t\n"
DISCOVER = (
    HEAD
    + TASK
    + "alternate a of t { fresh object }\ndiscover d in base on 2 t against a {\n  group g0 at last -> logits keep 1\n"
)


def many(count: int, line: str) -> str:
    return "".join(line.format(i=place, before=place - 1) for place in range(1, count + 1))


BOMBS: Mapping[str, Callable[[], str]] = {
    "figures": lambda: HEAD + TASK + MEASURE + many(9000, 'figure "f{i}" = bars(m)\n'),
    "claims": lambda: HEAD + TASK + MEASURE + many(7000, 'claim "c{i}" m > 0\n'),
    "claims that are the same": lambda: HEAD + TASK + MEASURE + 'claim "c" m > 0\n' * 7000,
    "alternates": lambda: HEAD + TASK + many(4000, "alternate a{i} of t {{ fresh object }}\n"),
    "tasks": lambda: HEAD + "".join(TASK.replace("task t", f"task t{place}") for place in range(1200)),
    "models": lambda: HEAD + many(6000, 'model m{i} = builtin("boxes-base")\n'),
    "models of the hub": lambda: HEAD + many(6000, 'model m{i} = hub("a/b{i}")\n'),
    "positions": lambda: (
        HEAD
        + TASK.replace("  at last", many(200, "  at p{i} = end of prompt\n") + "  at last")
        + "measure m = accuracy(base) on 200 t"
    ),
    "hops": lambda: DISCOVER + many(2000, "  group g{i} at last -> g{before}.query keep 1\n") + "}",
    "receivers": lambda: DISCOVER + "  group g1 at last -> [" + ", ".join(["g0.query"] * 9000) + "] keep 1\n}",
    "includes of nothing": lambda: HEAD + many(5000, 'include "none{i}.et"\n'),
    "letters that look alike": lambda: HEAD + TASK.replace("task t", "task t\u0430"),
    "marks on a letter": lambda: HEAD + 'about { title "' + "e" + "\u0301" * 60_000 + '" }',
    "letters of four bytes": lambda: HEAD + 'about { title "' + "\U0001f600" * 60_000 + '" }',
    "an expression that does not end": lambda: HEAD + TASK.replace("car", "(a*)*$" * 5000),
    "a long revision": lambda: HEAD + 'model x = hub("a/b", revision = "' + "a/" * 30_000 + '")',
    "long names that nobody knows": lambda: (
        HEAD + TASK + many(900, f"measure m{{i}} = accuracy({'x' * 900}{{i}}) on 2 t\n")
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name: str, study: Study, guard: Guard) -> None:
    study.spec.write_text(BOMBS[name](), encoding="utf-8")
    with guard.watching(seconds=5.0):  # as promised; an idle core takes two at most
        ended = entrack("check", study.spec)
    assert ended.exception is None or isinstance(ended.exception, SystemExit), repr(ended.exception)
    assert ended.exit_code in (0, 2)
    assert ended.stdout == "" and "Traceback" not in ended.stderr
