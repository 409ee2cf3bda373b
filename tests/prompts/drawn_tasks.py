"""Tasks with alternates, drawn by chance from lines of every kind; some of their prompts cannot be drawn."""

from __future__ import annotations

import random
from collections.abc import Sequence

HEAD = 'entrack 1\nmodel base = builtin("boxes-base")\n'
COLUMNS = (
    'column("boxes/objects.csv", "object")',
    '["apple", "ball", "bell", "book", "boot", "bowl", "bus", "cake"]',
    '["apple", "ball", "apple", "bell", "book", "bell"]',
)
NUMBERS = (
    "k = asked + 1",
    "k = -(2 - asked) * 3",
    "k = 12 / (asked + 1)",
    "k = 7 * 4 - 3 + asked",
    "k = year",
)
LISTS = (
    "more = object[0..1]",
    "more = object[asked..2]",
    "more = object[where size > 3]",
    "more = object[where size != size[asked]]",
    "more = object[where label != label[asked]]",
    'more = ["one", u, "{u} and {object[0]}"]',
    "more = padded([0..year], 2)",
    "more = attached(padded([year..9], 2))",
    "more = attached(object)",
    'more = 2 distinct from ["x", u, "y", "x"]',
    "more = 2 from object except [u, object[asked]]",
)
WORDS_DRAWN = (
    'u = one from ["car", "cup", "key"]',
    "u = one of object",
    'u = one of ["car", "cup"] except "cup"',
    'u = "{label[0]}"',
    'u = capitalise("{object[asked]}")',
    'u = first_token("{label[asked]}")',
    "u = object[where label == label[0]]",
)
CONTEXTS = (
    'join("the {object} is in Box {label}", ", ")',
    'capitalise(join("Box {label} has the {object}", " and "))',
    'join("the {object} is in Box {label}", ", ", at = asked, use = "Box {label} contains the {object}")',
    'join("the {object[0..1]} is here", ", ")',
    'join("{object[where size > 3]}", " ")',
    'join("the {object} is in Box {label} of {u}", "; ")',
)
PROMPTS = ('capitalise("{context}. {question}")', '"{u}: {context}. {question}"')
ANSWERS = ("object[asked]", "object[0]", "u", "attached(object[asked])", '"{u}"', "more[0]")
PLACES = (
    "question.label",
    "question.label + 1",
    "context.label[asked]",
    "context.object[0] - 1",
    "prompt.u.first",
    "prompt.context",
    "prompt.question - 2",
    "any of context.object",
    "any of context.label",
    "span of question.label",
    "span of context",
    "end of context",
    "end of question",
    "prompt.word[3]",
    "prompt.word[k]",
    "context.word[asked]",
    "prompt.token[asked]",
    "u in prompt",
    "u.first in context",
)
CHANGES = (
    "fresh object",
    "redraw object",
    "redraw label",
    "fresh object, label",
    "shuffle label",
    "shuffle object; object[0] != original.object[0]",
    "asked != original.asked",
    "size[0] > original.size[0]",
    "label[asked] != original.label[original.asked]",
    "object[asked] == original.object[0]",
    'u = "other"',
    "u = one of original.object",
    "question.label = one of A..Z except [label, original.label]",
    "context.object = one of object",
    "context.object = 3 from object",
    'question = "Box {label[0]} has the"',
    "at place = any of context.label",
    "at place = end of prompt",
)
TARGETS = (
    "alternate.answer",
    "original.object[alternate.asked]",
    "original.object[where original.label == alternate.label[alternate.asked]]",
    '"{alternate.u}"',
)


def written(chance: random.Random) -> str:
    """A spec with one task, some alternates and a desideratum of it."""
    some = chance.choice
    many = chance.randint(2, 4)
    lines = [
        f"object = {many} {some(('distinct from', 'distinct from', 'from'))} {some(COLUMNS)}",
        f"label = {many} distinct from A..{some('FMZ')}",
        f"size = {many} {some(('distinct from', 'from'))} 0..{some((4, 9, 12))}",
        "asked = one index of object",
        f"year = one of {some(('0..5', '2..9 except 4', '[3, 5]'))}",
        some(WORDS_DRAWN),
        some(NUMBERS),
        some(LISTS),
        f"context = {some(CONTEXTS)}",
        'question = "Box {label[asked]} contains the"',
        f"prompt = {some(PROMPTS)}",
        f"answer = {some(ANSWERS)}",
        "at last = end of prompt",
        f"at place = {some(PLACES)}",
        f"at other = {some(PLACES)}",
    ]
    task = f"task t {{\n  {_lines(lines)}\n}}"
    alternates = [f"alternate a{number} of t {{\n  {_lines(_changes(chance))}\n}}" for number in range(2)]
    told = f"desideratum d on t {{\n  alternate {{ {'; '.join(_changes(chance))} }}\n  target {some(TARGETS)}\n}}"
    return "\n".join([HEAD, f"seed {chance.randrange(100)}", task, *alternates, told])


def _changes(chance: random.Random) -> Sequence[str]:
    return chance.sample(CHANGES, chance.randint(1, 3))


def _lines(lines: Sequence[str]) -> str:
    return "\n  ".join(lines)
