"""No text is too broken: mutations of the shipped specs, and bombs, give diagnostics in good time and never an exception.

A few hundred in the ordinary run; `ENTRACK_TORTURE_COUNT=20000 pytest tests/check/test_fuzz.py` tries more.
"""

# ruff: noqa: E501  (a bomb is easier to read on one line)
from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from entrack import api
from entrack.diagnostics import Diagnostic, pages
from entrack.diagnostics.render import render_all
from entrack.source import Source

ROOT = Path(__file__).parents[2]
SPECS = sorted(path for path in (ROOT / "specs").rglob("*.et"))
COUNT = int(os.environ.get("ENTRACK_TORTURE_COUNT", "300"))
PART = 100
SECONDS = 4.0  # of CPU; on an idle core the slowest takes 1.3
TOKEN = re.compile(r'"[^"\n]*"|\w+|\s+|[^\w\s]')
STRANGE = ("\x00", "\ufeff", "\u202e", "é", "\U0001f600", "\\", '"', "{", "}", "[", "]", "(", ")", "#", ";", "..", "->", "==", "'", "\r", "9" * 30, "0", "-1", "nothing", "alternate", "original")


def deleted(tokens: list[str], chance: random.Random) -> None:
    del tokens[chance.randrange(len(tokens))]


def swapped(tokens: list[str], chance: random.Random) -> None:
    first, second = chance.randrange(len(tokens)), chance.randrange(len(tokens))
    tokens[first], tokens[second] = tokens[second], tokens[first]


def doubled(tokens: list[str], chance: random.Random) -> None:
    place = chance.randrange(len(tokens))
    tokens.insert(place, tokens[chance.randrange(len(tokens))])


def strange(tokens: list[str], chance: random.Random) -> None:
    tokens[chance.randrange(len(tokens))] = chance.choice(STRANGE)


def flipped(tokens: list[str], chance: random.Random) -> None:
    place = chance.randrange(len(tokens))
    token = tokens[place]
    at = chance.randrange(len(token))
    tokens[place] = token[:at] + chr((ord(token[at]) ^ (1 << chance.randrange(7))) or 32) + token[at + 1 :]


def cut(tokens: list[str], chance: random.Random) -> None:
    start = chance.randrange(len(tokens))
    del tokens[start : start + chance.randrange(1, 40)]


MUTATIONS = (deleted, swapped, doubled, strange, flipped, cut)


def mutated(text: str, chance: random.Random) -> str:
    tokens = TOKEN.findall(text)
    for _ in range(chance.choice((1, 1, 1, 2, 4, 8))):
        if tokens:
            chance.choice(MUTATIONS)(tokens, chance)
    return "".join(tokens)


def survives(source: Source) -> tuple[Diagnostic, ...]:
    """What is said of a text; asserts that it is said well."""
    start = time.process_time()
    problems, sources = api.check(source, {})
    taken = time.process_time() - start
    for problem in problems:
        assert problem.code in pages.codes()
        for span in (problem.span, *(label.span for label in problem.related)):
            assert 0 <= span.start <= span.end <= max(1, len(sources[span.file].text)), problem
    render_all(problems, sources)
    assert taken < SECONDS, f"{taken:.1f} s"
    return problems


@pytest.mark.parametrize("part", range(max(1, COUNT // PART)))
def test_mutations(part: int) -> None:
    for number in range(part * PART, (part + 1) * PART):
        chance = random.Random(number)
        path = chance.choice(SPECS)
        text = mutated(path.read_text(encoding="utf-8"), chance)
        try:
            survives(Source(str(path), text))
        except Exception as error:
            raise AssertionError(f"mutation {number} of {path.name}:\n{text}") from error


HEAD = 'entrack 1\nmodel base = builtin("boxes-base")\n'
TASK = 'task t(n = 2) {\n  object = n distinct from ["car", "cup", "key"]\n  prompt = "The {object[0]} is"\n  answer = object[0]\n  at last = end of prompt\n}\n'
BOMBS: dict[str, Callable[[], str]] = {
    "nested": lambda: HEAD + "claim \"x\" " + "(" * 5000 + "1" + ")" * 5000 + " > 0",
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
    "many unknown names": lambda: HEAD + TASK + "".join(f"measure m{number} = accuracy(bse{number}) on 2 t\n" for number in range(2_000)),
    "many holes": lambda: HEAD + TASK.replace("The", "{object[0]} " * 3000),
    "braces in a text": lambda: HEAD + TASK.replace("The", "{" * 20_000),
    "many texts in texts": lambda: HEAD + "task t {\n  a0 = \"xxxxxxxxxx\"\n" + "".join(f'  a{n} = "{{a{n - 1}}}{{a{n - 1}}}"\n' for n in range(1, 60)) + '  prompt = "{a59}"\n  answer = "b"\n  at last = end of prompt\n}\nmeasure m = accuracy(base) on 2 t',
    "a long chain": lambda: HEAD + "task t {\n  a0 = \"x\"\n" + "".join(f'  a{n} = "{{a{n - 1}}}"\n' for n in range(1, 3000)) + '  prompt = "{a2999}"\n  answer = "b"\n  at last = end of prompt\n}\nmeasure m = accuracy(base) on 2 t',
    "a wide sweep": lambda: HEAD + TASK + "measure m = accuracy(base) on 2 t(n = 0..1000000000)",
    "crossed sweeps": lambda: HEAD + TASK + "measure m = accuracy(base) on 2 t(n = [0..9999], seed = [0..9999])",
    "many interventions": lambda: HEAD + TASK + "group g in base at last = 3.1\nintervention i(a, b, c, d, e, f, h) = zero g\nmeasure m = accuracy(base with i("
    + ", ".join(["[" + ", ".join(["g"] * 40) + "]"] * 7) + ")) on 2 t",
    "many layers": lambda: HEAD + TASK + "measure m = accuracy(base with block attention last -> last in layers k..) on 2 t for k in [0..9999]",
    "many draws": lambda: HEAD + TASK + "measure m = accuracy(base) on 100000 t, 1000 draws",
    "many distinct": lambda: HEAD + TASK.replace("n distinct", "1000 distinct"),
    "a wide pool": lambda: HEAD + TASK.replace('["car", "cup", "key"]', "0..999999").replace("object[0]", "n") + "measure m = accuracy(base) on 200 t",
    "too wide a pool": lambda: HEAD + TASK.replace('["car", "cup", "key"]', "0..99999999999") + "measure m = accuracy(base) on 20 t",
    "a large product": lambda: HEAD + TASK.replace("  prompt", "  big = 9" + "*999999999999999999" * 2000 + "\n  prompt") + "measure m = accuracy(base) on 20 t",
    "squares": lambda: HEAD + TASK.replace("  prompt", "  a0 = 9\n" + "".join(f"  a{n} = a{n - 1} * a{n - 1}\n" for n in range(1, 100)) + "  prompt") + "measure m = accuracy(base) on 20 t",
    "many draws of many": lambda: HEAD + TASK.replace("  prompt", "".join(f"  a{n} = 1000 distinct from 0..99999\n" for n in range(200)) + "  prompt") + "measure m = accuracy(base) on 200 t",
    "a wide join": lambda: HEAD + TASK.replace("  prompt", "  a = 1000 distinct from 0..9999\n  c = join(\"{a} {a} {a}\", \", \")\n  prompt").replace("The", "{c}") + "measure m = accuracy(base) on 200 t",
    "never": lambda: HEAD + TASK + "alternate a of t { object[0] == object[1] }\nmeasure m = accuracy(base) on 100 a",
    "hardly ever": lambda: HEAD + TASK.replace('["car", "cup", "key"]', "A..Z") + "alternate a of t { object[0] == original.object[0]; object[1] == original.object[1] }\nmeasure m = accuracy(base) on 100 a",
    "many prompts": lambda: HEAD + TASK + "alternate a of t { object[0] != original.object[0] }\nmeasure m = accuracy(base) on 100000 a",
    "many measures": lambda: HEAD + TASK + "".join(f"measure m{number} = accuracy(base) on {90_000 + number} t(seed = {number})\n" for number in range(60)),
    "backslashes": lambda: HEAD + 'about { title "' + "\\" * 9_999 + '" }',
    "quotes": lambda: HEAD + '"' * 9_999,
    "comments": lambda: HEAD + "#" * 500_000,
    "line ends": lambda: HEAD + "\n" * 500_000 + "x",
    "carriage returns": lambda: (HEAD + TASK).replace("\n", "\r"),
    "nothing": lambda: "",
    "a null": lambda: "\x00",
    "a lone surrogate": lambda: HEAD + "# \ud800",
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name: str) -> None:
    survives(Source(str(ROOT / "specs" / "bomb.et"), BOMBS[name]()))
