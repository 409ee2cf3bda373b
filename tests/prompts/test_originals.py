"""Originals that several populations have in common are drawn once, and are then what they are when drawn alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from prompt_boxes import HEAD, ROOT, spec

from entrack import budget
from entrack.api import loads
from entrack.check.resolved import Alternate, Population
from entrack.prompts import sample
from entrack.prompts.tokenise import Originals, PromptPair, tokenise
from entrack.prompts.tokenizer import Tokenizer, tokenizer
from entrack.source import Source

MORE = """measure m = accuracy(base) on 3 boxes
desideratum again on boxes { alternate { redraw asked }  target alternate.answer }
"""
MANY = 12


@pytest.fixture(scope="module")
def tokens() -> Tokenizer:
    return tokenizer(ROOT / "entrack" / "builtin" / "boxes-base" / "tokenizer.json")


@pytest.fixture(scope="module")
def populations() -> list[Population]:
    """Of every alternate and desideratum of boxes, for two purposes, and without one."""
    resolved = spec(MORE).resolved
    plain = resolved.measures[0].cells[0].population
    alternates: Sequence[Alternate | None] = [None, *resolved.alternates.values()]
    return [
        evolve(plain, alternate=alternate, purpose=purpose)
        for purpose in ("measure", "discover")
        for alternate in alternates
    ]


def pairs(
    population: Population, tokens: Tokenizer, originals: Originals | None = None, many: int = MANY
) -> tuple[PromptPair, ...]:
    drawn, problems = tokenise(population, many, tokens, {}, originals=originals)
    assert not problems
    return drawn.pairs


def test_they_are_the_same(populations: list[Population], tokens: Tokenizer) -> None:
    assert sum(one.alternate is not None and one.alternate.target is not None for one in populations) >= 4
    together = Originals()
    for population in populations:
        assert pairs(population, tokens, together) == pairs(population, tokens)


def test_they_are_drawn_once(populations: list[Population], tokens: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[object] = []
    original = sample.original

    def counted(*given: Any) -> sample.Drawn:
        drawn.append(given[2])
        return original(*given)

    monkeypatch.setattr(sample, "original", counted)
    together = Originals()
    for population in populations:
        pairs(population, tokens, together)
    assert len(drawn) == len(set(drawn)) == 2 * MANY


def test_alternates_that_begin_alike_draw_their_first_variables_once(
    populations: list[Population], tokens: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[tuple[str, ...]] = []
    take = sample._take

    def counted(steps: tuple[sample.Step, ...], *given: Any) -> None:
        taken.append(tuple(step.binding.name for step in steps))
        take(steps, *given)

    monkeypatch.setattr(sample, "_take", counted)
    together = Originals()
    named = {one.alternate.name: one for one in populations if one.purpose == "measure" and one.alternate}
    for population in (alike := [named["object_value"], named["position"]]):
        before = len(taken)
        with budget.within(planning=True):
            pairs(population, tokens, together)
        drawn = [names for names in taken[before:] if names == ("object", "label", "asked")]
        assert bool(drawn) is (population is alike[0])


BEGUN_ALIKE = """measure m = accuracy(base) on 3 boxes
alternate one of boxes { redraw object, asked }
alternate seldom of boxes { redraw object, asked; object[0] == answer }
alternate two of boxes { redraw object, asked; question.label = one of A..Z }
"""


def test_an_alternate_that_tries_on_leaves_the_others_where_they_begin(tokens: Tokenizer) -> None:
    resolved = spec(BEGUN_ALIKE).resolved
    plain, together = resolved.measures[0].cells[0].population, Originals(most=0)
    for alternate in resolved.alternates.values():
        one = evolve(plain, alternate=alternate)
        with budget.within(planning=True) as made:
            found = pairs(one, tokens, together)
        with budget.within(planning=True) as alone:
            assert found == pairs(one, tokens, Originals(most=0))
        assert made.spent == alone.spent


def test_alternates_of_two_folders_draw_from_their_own_columns(tmp_path: Path, tokens: Tokenizer) -> None:
    for folder, words in (("a", "apple\nball\nbell"), ("b", "boot\nbowl\nbus")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "words.csv").write_text(f"word\n{words}\n")
        drawn = f'alternate {folder} of t {{ u = one from column("words.csv", "word"); redraw v }}\n'
        (tmp_path / folder / "it.et").write_text(f"entrack 1\n{drawn}")
    task = """task t {
      u = one from column("a/words.csv", "word")
      v = one from column("b/words.csv", "word")
      prompt = "{u} {v} is"; answer = u; at last = end of prompt
    }
    """
    head = 'entrack 1\ninclude "a/it.et"\ninclude "b/it.et"\nmodel base = builtin("boxes-base")\n'
    made = loads(Source(str(tmp_path / "spec.et"), f"{head}{task}measure m = accuracy(base) on 3 t\n")).resolved
    plain, together = made.measures[0].cells[0].population, Originals()
    for alternate in made.alternates.values():
        one = evolve(plain, alternate=alternate)
        with budget.within(planning=True):
            assert pairs(one, tokens, together) == pairs(one, tokens)


@pytest.mark.parametrize("left", [0, 500, 1_500, 2_500, 3_500, 20_000])
def test_they_cost_what_they_cost_alone(populations: list[Population], tokens: Tokenizer, left: int) -> None:
    """Where all of them are counted again, also close to a limit of work."""
    together = Originals(most=0)
    with budget.within(planning=True):
        for population in populations:
            pairs(population, tokens, together)

    def cost(population: Population, originals: Originals) -> object:
        with budget.within(planning=True) as made:
            budget.spend(budget.MADE, budget.MADE.planned - left)
            try:
                tokenise(population, MANY, tokens, {}, originals=originals)
            except budget.Spent as spent:
                return spent.limit, spent.at
            return dict(made.spent)

    costs = [cost(population, together) for population in populations]
    assert costs == [cost(population, Originals(most=0)) for population in populations]
    assert any(isinstance(one, dict) for one in costs) is (left >= 2_500)


def test_few_are_kept(populations: list[Population], tokens: Tokenizer) -> None:
    few = Originals(most=MANY // 2)
    for population in populations[:3]:
        assert pairs(population, tokens, few) == pairs(population, tokens)
    assert len(few._known) == MANY // 2


def test_rows_are_dealt_by_how_many_there_are(tmp_path: Path, tokens: Tokenizer) -> None:
    """The first prompt of a second draw is made of the row after those of the first, of which there are as many."""
    lines = [f"The apple is in Box {label}. Box {label} contains the,apple" for label in "ABCDEFGH"]
    (tmp_path / "rows.csv").write_text("\n".join(["text,answer", *lines]))
    task = 'task t { row = one row of "rows.csv"; prompt = row.text; answer = row.answer; at last = end of prompt }\n'
    head = HEAD.replace('include "boxes/boxes.et"\n', "")
    made = loads(Source(str(tmp_path / "spec.et"), f"{head}{task}measure m = accuracy(base) on 2 t, 2 draws\n"))
    second = evolve(made.resolved.measures[0].cells[0].population, purpose="measure 1")
    together = Originals()
    assert [pairs(second, tokens, together, many)[0].original.rows[0].number for many in (2, 3)] == [
        pairs(second, tokens, many=many)[0].original.rows[0].number for many in (2, 3)
    ]
    assert pairs(second, tokens, many=2)[0] != pairs(second, tokens, many=3)[0]
