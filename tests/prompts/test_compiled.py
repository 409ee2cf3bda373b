"""A compiled task draws what the plain walk through its tree draws (`plain_prompts`): the same values, texts, holes and
positions, what is wrong said in the same words at the same place, and as much of each limit spent."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from drawn_tasks import written
from plain_prompts import evaluate as plain_evaluate
from plain_prompts import places as plain_places
from plain_prompts import rng as plain_rng
from plain_prompts import sample as plain_sample

from entrack import api, budget
from entrack.api import Spec
from entrack.check.resolved import Population
from entrack.diagnostics import errors
from entrack.prompts import rng, sample
from entrack.prompts.evaluate import compiled
from entrack.prompts.places import compiled_token, compiled_tokens
from entrack.prompts.rows import Dealt
from entrack.prompts.tokenizer import Tokenizer, tokenizer
from entrack.prompts.values import CannotDraw, Names
from entrack.source import Source
from entrack.syntax import ast

ROOT = Path(__file__).parents[2]
STAND_IN = ROOT / "specs" / "paper" / "llama-7b"
SPECS = sorted(path for path in (ROOT / "specs").rglob("*.et") if "\ntask " in path.read_text())
Outcome = tuple[tuple[Any, ...], Mapping[str, int]]
"""What was made, or what is wrong; and what was spent."""


@pytest.fixture(scope="module")
def tokens() -> Tokenizer:
    return tokenizer(ROOT / "entrack" / "builtin" / "boxes-base" / "tokenizer.json")


class Plain:
    """Prompts of a population by walking through the tree of its task for each."""

    def __init__(self, population: Population) -> None:
        self._task = population.task
        alternate = population.alternate
        self._changed = None if alternate is None else plain_sample.Changed.of(alternate)

    def original(self, *given: Any) -> Any:
        return plain_sample.original(self._task, *given)

    def alternate(self, *given: Any) -> Any:
        assert self._changed is not None
        return plain_sample.alternate(self._changed, *given)

    def target(self, target: ast.Expression, names: Names) -> Any:
        return plain_evaluate.evaluate(target, names)

    def place(self, item: ast.Position, drawn: Any, encoded: Any, name: Any) -> Any:
        if isinstance(item.place, ast.SpanOf):
            return plain_places.tokens_of(item.place, drawn, encoded, item)
        return plain_places.token_of(item.place, drawn, encoded, name, item)


class Compiled:
    """The same by what the task was compiled to, once."""

    def __init__(self, population: Population) -> None:
        self._recipe = sample.Recipe(population.task)
        alternate = population.alternate
        self._changed = None if alternate is None else sample.Changed.of(alternate)

    def original(self, *given: Any) -> Any:
        return sample.original(self._recipe, *given)

    def alternate(self, *given: Any) -> Any:
        assert self._changed is not None
        return sample.alternate(self._changed, *given)

    def target(self, target: ast.Expression, names: Names) -> Any:
        return compiled(target)(names)

    def place(self, item: ast.Position, drawn: Any, encoded: Any, name: Any) -> Any:
        if isinstance(item.place, ast.SpanOf):
            return compiled_tokens(item.place, item)(drawn, encoded)
        return compiled_token(item)(drawn, encoded, name)


def outcome(make: Callable[[], Any]) -> Outcome:
    with budget.within(planning=True) as spent:
        try:
            made: tuple[Any, ...] = ("made", make())
        except CannotDraw as wrong:
            made = ("wrong", wrong.code, wrong.message, wrong.span, wrong.label, wrong.help)
        return made, {limit.name: many for limit, many in spent.spent.items()}


def seen(value: object) -> Any:
    """A value with its kind: an attached list equals one that is not, and `True` is 1."""
    return type(value).__name__, value


def told(way: Plain | Compiled, dealt: Dealt, place: int, params: Mapping[str, float], tokens: Tokenizer) -> list[Any]:
    """All that one way makes of a prompt, step by step, up to the first that is wrong."""
    population = dealt.population
    name = (population.seed, population.purpose, place)
    constants = plain_sample.Constants.of(population.parameters, params)
    drawn: list[Any] = []
    steps: list[Outcome] = []

    def step(make: Callable[[], Any]) -> Any:
        result = outcome(make)
        steps.append(result)
        return result[0][1] if result[0][0] == "made" else None

    def prompt(make: Callable[[], Any], name: tuple[str | int, ...]) -> bool:
        def values() -> Any:
            drawn.append(make())
            return {key: seen(value) for key, value in drawn[-1].values.items()}

        if step(values) is None:
            return False
        encoded = tokens.encode(drawn[-1].prompt.text)
        for item in drawn[-1].items:
            if isinstance(item, ast.Position):
                step(partial(way.place, item, drawn[-1], encoded, name))
        return True

    alternate = population.alternate
    if prompt(lambda: way.original(constants, name, dealt), name) and alternate is not None:
        first = drawn[0]
        made = prompt(lambda: way.alternate(first, constants, name, dealt), (*name, "alternate"))
        if made and alternate.target is not None:
            target, names = alternate.target, Names({}, {"original": first.values, "alternate": drawn[1].values})
            step(lambda: seen(way.target(target, names)))
    return steps


def populations(spec: Spec, count: int) -> Iterator[Population]:
    """Each task of a spec, and each of its alternates and desiderata."""
    resolved = spec.resolved
    for task in resolved.tasks.values():
        for alternate in (None, *(one for one in resolved.alternates.values() if one.task.name == task.name)):
            name = task.name if alternate is None else alternate.name
            span = task.syntax.name_span
            yield Population(task, alternate, task.parameters, resolved.seed, count, "measure", name, span)


def compare(spec: Spec, count: int, tokens: Tokenizer) -> tuple[int, int]:
    """How many steps were the same, and how many of them said what is wrong."""
    same = wrong = 0
    for population in populations(spec, count):
        dealt = Dealt(population, count, spec.resolved.allotments)
        ours = Compiled(population)
        for place in range(count):
            expected = told(Plain(population), dealt, place, spec.resolved.params, tokens)
            assert told(ours, dealt, place, spec.resolved.params, tokens) == expected
            same += len(expected)
            wrong += sum(made[0] == "wrong" for made, _ in expected)
    return same, wrong


@pytest.mark.parametrize("path", SPECS, ids=lambda path: str(path.relative_to(ROOT / "specs")))
def test_tasks_of_shipped_specs(path: Path, tokens: Tokenizer) -> None:
    same, _ = compare(api.checked(api.read(path), {}, STAND_IN), 3, tokens)
    assert same


@pytest.mark.parametrize("part", range(8))
def test_tasks_drawn_by_chance(part: int, tokens: Tokenizer) -> None:
    seen = wrong = same = 0
    for number in range(40):
        source = Source(str(ROOT / "specs" / "drawn.et"), written(random.Random(f"{part} {number}")))
        if errors(api.check(source, {})[0]):
            continue
        some, refused = compare(api.loads(source), 4, tokens)
        seen, same, wrong = seen + 1, same + some, wrong + refused
    assert seen >= 10
    assert 0 < wrong < same / 2


def test_numbers_are_those_of_the_plain_stream() -> None:
    for number in range(50):
        ours, plain = rng.Streams(number, "x").of("é"), plain_rng.Stream(number, "x", "é")
        for bound in (1, 2, 7, 1000, (1 << 63) + 1, 3 << 62, 1 << 64):
            assert ours.below(bound) == plain.below(bound)
        assert ours.distinct("abcdefg", 5) == plain.distinct("abcdefg", 5)
