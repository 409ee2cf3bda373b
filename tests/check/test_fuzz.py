"""No text is too broken: bombs give diagnostics in good time and never an exception. Mutations of the shipped specs:
tests/robustness/stress/specs.py."""

# ruff: noqa: E501  (a bomb is easier to read on one line)
from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from mutations import ROOT, survives

from entrack.source import Source

SECONDS = 4.0  # of CPU; on an idle core the slowest takes 1.3


HEAD = 'entrack 1\nmodel base = builtin("boxes-base")\n'
TASK = 'task t(n = 2) {\n  object = n distinct from ["car", "cup", "key"]\n  prompt = "The {object[0]} is"\n  answer = object[0]\n  at last = end of prompt\n}\n'
BOMBS: dict[str, Callable[[], str]] = {
    "nested": lambda: HEAD + 'claim "x" ' + "(" * 5000 + "1" + ")" * 5000 + " > 0",
    "nested lists": lambda: HEAD + "measure m = accuracy(" + "[" * 60 + "base" + "]" * 60 + ") on 2 t",
    "never closed": lambda: HEAD + "{[(" * 3000,
    "digits": lambda: HEAD + f"param n = {'9' * 5000}",
    "digits after the point": lambda: HEAD + f"param n = 0.{'9' * 5000}",
    "long text": lambda: HEAD + f'about {{ title "{"x" * 500_000}" }}',
    "long name": lambda: HEAD + f"param {'x' * 500_000} = 1",
    "long line": lambda: HEAD + 'claim "x" 1' + "+1" * 500_000 + " > 0",
    "long sum": lambda: HEAD + 'claim "x" 1' + "+1" * 15_000 + " > 0",
    "minus signs": lambda: HEAD + 'claim "x" ' + "-" * 15_000 + "1 > 0",
    "many heads": lambda: HEAD + TASK + "group g in base at last = " + "3.1 " * 20_000,
    "many items": lambda: HEAD + "".join(f"param p{number} = {number}\n" for number in range(10_000)),
    "many mistakes": lambda: HEAD + "".join(f"parm p{number} = {number}\n" for number in range(10_000)),
    "many unknown names": lambda: (
        HEAD + TASK + "".join(f"measure m{number} = accuracy(bse{number}) on 2 t\n" for number in range(2_000))
    ),
    "many holes": lambda: HEAD + TASK.replace("The", "{object[0]} " * 3000),
    "braces in a text": lambda: HEAD + TASK.replace("The", "{" * 20_000),
    "many texts in texts": lambda: (
        HEAD
        + 'task t {\n  a0 = "xxxxxxxxxx"\n'
        + "".join(f'  a{n} = "{{a{n - 1}}}{{a{n - 1}}}"\n' for n in range(1, 60))
        + '  prompt = "{a59}"\n  answer = "b"\n  at last = end of prompt\n}\nmeasure m = accuracy(base) on 2 t'
    ),
    "a long chain": lambda: (
        HEAD
        + 'task t {\n  a0 = "x"\n'
        + "".join(f'  a{n} = "{{a{n - 1}}}"\n' for n in range(1, 3000))
        + '  prompt = "{a2999}"\n  answer = "b"\n  at last = end of prompt\n}\nmeasure m = accuracy(base) on 2 t'
    ),
    "a wide sweep": lambda: HEAD + TASK + "measure m = accuracy(base) on 2 t(n = 0..1000000000)",
    "crossed sweeps": lambda: HEAD + TASK + "measure m = accuracy(base) on 2 t(n = [0..9999], seed = [0..9999])",
    "many interventions": lambda: (
        HEAD
        + TASK
        + "group g in base at last = 3.1\nintervention i(a, b, c, d, e, f, h) = zero g\nmeasure m = accuracy(base with i("
        + ", ".join(["[" + ", ".join(["g"] * 40) + "]"] * 7)
        + ")) on 2 t"
    ),
    "many layers": lambda: (
        HEAD
        + TASK
        + "measure m = accuracy(base with block attention last -> last in layers k..) on 2 t for k in [0..9999]"
    ),
    "many draws": lambda: HEAD + TASK + "measure m = accuracy(base) on 100000 t, 1000 draws",
    "many distinct": lambda: HEAD + TASK.replace("n distinct", "1000 distinct"),
    "a wide pool": lambda: (
        HEAD
        + TASK.replace('["car", "cup", "key"]', "0..999999").replace("object[0]", "n")
        + "measure m = accuracy(base) on 200 t"
    ),
    "too wide a pool": lambda: (
        HEAD + TASK.replace('["car", "cup", "key"]', "0..99999999999") + "measure m = accuracy(base) on 20 t"
    ),
    "a large product": lambda: (
        HEAD
        + TASK.replace("  prompt", "  big = 9" + "*999999999999999999" * 2000 + "\n  prompt")
        + "measure m = accuracy(base) on 20 t"
    ),
    "squares": lambda: (
        HEAD
        + TASK.replace(
            "  prompt", "  a0 = 9\n" + "".join(f"  a{n} = a{n - 1} * a{n - 1}\n" for n in range(1, 100)) + "  prompt"
        )
        + "measure m = accuracy(base) on 20 t"
    ),
    "many draws of many": lambda: (
        HEAD
        + TASK.replace("  prompt", "".join(f"  a{n} = 1000 distinct from 0..99999\n" for n in range(200)) + "  prompt")
        + "measure m = accuracy(base) on 200 t"
    ),
    "a wide join": lambda: (
        HEAD
        + TASK.replace(
            "  prompt", '  a = 1000 distinct from 0..9999\n  c = join("{a} {a} {a}", ", ")\n  prompt'
        ).replace("The", "{c}")
        + "measure m = accuracy(base) on 200 t"
    ),
    "never": lambda: HEAD + TASK + "alternate a of t { object[0] == object[1] }\nmeasure m = accuracy(base) on 100 a",
    "hardly ever": lambda: (
        HEAD
        + TASK.replace('["car", "cup", "key"]', "A..Z")
        + "alternate a of t { object[0] == original.object[0]; object[1] == original.object[1] }\nmeasure m = accuracy(base) on 100 a"
    ),
    "many prompts": lambda: (
        HEAD + TASK + "alternate a of t { object[0] != original.object[0] }\nmeasure m = accuracy(base) on 100000 a"
    ),
    "many measures": lambda: (
        HEAD
        + TASK
        + "".join(
            f"measure m{number} = accuracy(base) on {90_000 + number} t(seed = {number})\n" for number in range(60)
        )
    ),
    "backslashes": lambda: HEAD + 'about { title "' + "\\" * 9_999 + '" }',
    "quotes": lambda: HEAD + '"' * 9_999,
    "comments": lambda: HEAD + "#" * 500_000,
    "line ends": lambda: HEAD + "\n" * 500_000 + "x",
    "carriage returns": lambda: (HEAD + TASK).replace("\n", "\r"),
    "nothing": lambda: "",
    "a null": lambda: "\x00",
    "a lone surrogate": lambda: HEAD + "# \ud800",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name: str) -> None:
    source, start = Source(str(ROOT / "specs" / "bomb.et"), BOMBS[name]()), time.process_time()
    survives(source)
    taken = time.process_time() - start
    assert taken < SECONDS, f"{taken:.1f} s"
