"""Originals that several populations have in common are drawn once, and are then what they are when drawn alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from prompt_boxes import HEAD, ROOT, spec

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
