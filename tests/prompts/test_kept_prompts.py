"""Prompts that are kept: the same as drawn, with the same diagnostics and as much of each limit spent, whatever is kept
and whatever became of it."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from drawn_tasks import written
from prompt_boxes import HEAD, ROOT, spec

from entrack import api, budget
from entrack.api import Spec
from entrack.check.resolved import Population
from entrack.diagnostics import errors
from entrack.kept import NOT_KEPT, Kept
from entrack.prompts import kept_prompts
from entrack.prompts.kept_prompts import MOST, kept_or_drawn
from entrack.prompts.tokenise import Originals, TokenisedPrompts, tokenise
from entrack.prompts.tokenizer import Tokenizer, tokenizer
from entrack.source import Source

STAND_IN = ROOT / "specs" / "paper" / "llama-7b"
SPECS = sorted(path for path in (ROOT / "specs").rglob("*.et") if "\ntask " in path.read_text())
MANY = 9


@pytest.fixture(scope="module")
def tokens() -> Tokenizer:
    return tokenizer(ROOT / "entrack" / "builtin" / "boxes-base" / "tokenizer.json")


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "kept", MOST)


def populations(spec: Spec) -> Iterator[Population]:
    """Each task of a spec, each of its alternates and desiderata, and the first of these again for other prompts."""
    resolved = spec.resolved
    for task in resolved.tasks.values():
        several = (None, *(one for one in resolved.alternates.values() if one.task.name == task.name))
        for alternate in several:
            name = task.name if alternate is None else alternate.name
            yield Population(
                task, alternate, task.parameters, resolved.seed, MANY, "measure", name, task.syntax.name_span
            )
        yield Population(
            task, several[-1], task.parameters, 7, MANY, "discover", "", task.syntax.name_span, window=(1, MANY)
        )


def made(spec: Spec, several: Sequence[Population], tokens: Tokenizer, kept: Kept, most: int = 4096) -> list[Any]:
    """What is made of each population in one command, all of it, and what was spent until then."""
    originals = Originals(most)
    told: list[Any] = []
    with budget.within(planning=True) as spent:
        for population in several:
            try:
                drawn, problems = kept_or_drawn(
                    kept, population, MANY, tokens, spec.resolved.params, spec.resolved.allotments, originals
                )
            except budget.Spent as passed:
                told.append((passed.limit.name, passed.at))
                break
            told.append((drawn.pairs, *map(shown, drawn.pairs), problems, counted(spent)))
    return told


def shown(value: object) -> str:
    """With the order of what is held by names, which equality does not see."""
    return repr(value)


def counted(spent: budget.Budget) -> Mapping[str, int]:
    return {limit.name: many for limit, many in spent.spent.items()}


def hold_the_same(spec: Spec, tokens: Tokenizer, kept: Kept) -> int:
    """Drawn, drawn and kept, all kept, and each kept but one. How many were kept."""
    several = [*populations(spec)]
    plain = made(spec, several, tokens, NOT_KEPT)
    assert made(spec, several, tokens, kept) == plain == made(spec, several, tokens, kept)
    few = made(spec, several, tokens, NOT_KEPT, most=MANY)
    assert made(spec, several, tokens, kept, most=MANY) == few
    files = sorted(kept.folder.iterdir()) if kept.folder is not None and kept.folder.is_dir() else []
    for path in files:
        path.unlink()
        assert made(spec, several, tokens, kept) == plain
    return len(files)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: str(path.relative_to(ROOT / "specs")))
def test_tasks_of_shipped_specs(path: Path, tokens: Tokenizer, kept: Kept) -> None:
    hold_the_same(api.checked(api.read(path), {}, STAND_IN), tokens, kept)


def test_tasks_drawn_by_chance(tokens: Tokenizer, kept: Kept) -> None:
    """All into one folder."""
    found = 0
    for number in range(60):
        source = Source(str(ROOT / "specs" / "drawn.et"), written(random.Random(f"kept {number}")))
        if not errors(api.check(source, {})[0]):
            found += hold_the_same(api.loads(source), tokens, kept)
    assert found >= 20


@pytest.fixture
def boxes() -> Spec:
    return spec("param k = 3\nmeasure m = accuracy(base) on 3 boxes\n")


@pytest.fixture
def drawings(monkeypatch: pytest.MonkeyPatch) -> list[Population]:
    """The populations that are really drawn."""
    calls: list[Population] = []
    real = tokenise

    def counted(population: Population, *given: Any) -> tuple[TokenisedPrompts, Any]:
        calls.append(population)
        return real(population, *given)

    monkeypatch.setattr(kept_prompts, "tokenise", counted)
    return calls


def test_what_is_kept_is_not_drawn(boxes: Spec, tokens: Tokenizer, kept: Kept, drawings: list[Population]) -> None:
    several = [*populations(boxes)]
    made(boxes, several, tokens, kept)
    many = len(drawings)
    made(boxes, several, tokens, kept)
    made(boxes, several[::-1], tokens, kept)
    assert many == len(several) == len(drawings)


def test_any_change_draws_again(
    boxes: Spec, tokens: Tokenizer, kept: Kept, drawings: list[Population], monkeypatch: pytest.MonkeyPatch
) -> None:
    (plain, *_, changed) = populations(boxes)
    task = plain.task
    binding = next(item for item in task.syntax.items if getattr(item, "name", "") == "answer")
    others = [item for item in task.syntax.items if item is not binding]
    columns = {key: tuple(reversed(values)) for key, values in task.columns.items()}
    assert columns
    again = [
        evolve(plain, seed=plain.seed + 1),
        evolve(plain, purpose="measure 1"),
        evolve(plain, window=(0, MANY - 1)),
        evolve(plain, whole=True),
        evolve(plain, alternate=changed.alternate),
        evolve(plain, parameters={**plain.parameters, "n": 1}),
        evolve(plain, task=evolve(task, columns=columns)),
        evolve(plain, task=evolve(task, syntax=evolve(task.syntax, items=(*others, evolve(binding))))),
    ]
    made(boxes, [plain], tokens, kept)
    for population in again:
        made(boxes, [population], tokens, kept)
    assert len(drawings) == 1 + len(again)
    made(boxes, [plain], tokenizer(ROOT / "specs" / "stand_ins" / "gpt2" / "tokenizer.json"), kept)
    monkeypatch.setattr(kept_prompts, "all_code", lambda: "other")
    made(boxes, [plain], tokens, kept)
    monkeypatch.setattr(kept_prompts, "surroundings", lambda *_: ("tokenizers 0",))
    made(boxes, [plain], tokens, kept)
    monkeypatch.setattr(kept_prompts, "surroundings", lambda *_: None)
    made(boxes, [plain], tokens, kept)
    assert len(drawings) == 5 + len(again)


def test_a_limit_is_passed_at_the_same_place(
    boxes: Spec, tokens: Tokenizer, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the limit is, what is said is what is said without kept prompts, by `tell` as by the error."""
    several = [*populations(boxes)]
    made(boxes, several, tokens, kept)
    for limit in ("MADE", "REALISED", "ENCODED", "RENDERED"):
        whole = made(boxes, several, tokens, NOT_KEPT)[-1][-1][getattr(budget, limit).name]
        for share in (1, 3, 7):
            lower = object.__new__(budget.Limit)
            for name in ("name", "code", "help"):
                object.__setattr__(lower, name, getattr(getattr(budget, limit), name))
            object.__setattr__(lower, "most", whole * share // 16)
            object.__setattr__(lower, "planned", whole * share // 8)
            with monkeypatch.context() as patch:
                patch.setattr(budget, limit, lower)
                patch.setitem(kept_prompts.COSTS, lower.name, lower)
                plain = made(boxes, several, tokens, NOT_KEPT)
                assert len(plain[-1]) == 2
                assert made(boxes, several, tokens, kept) == plain


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1] + b"!", lambda data: b"", lambda data: data[:64] + b"[]", lambda data: b"0" * 64]
)
def test_what_is_not_as_it_was_written_is_drawn(
    damage: Any, boxes: Spec, tokens: Tokenizer, kept: Kept, drawings: list[Population]
) -> None:
    several = [*populations(boxes)][:2]
    plain = made(boxes, several, tokens, kept)
    assert kept.folder is not None
    for path in kept.folder.iterdir():
        path.write_bytes(damage(path.read_bytes()))
    assert made(boxes, several, tokens, kept) == plain and len(drawings) == 4


def test_sealed_bytes_that_are_no_prompts_are_drawn(
    boxes: Spec, tokens: Tokenizer, kept: Kept, drawings: list[Population]
) -> None:
    several = [*populations(boxes)][:1]
    plain = made(boxes, several, tokens, kept)
    assert kept.folder is not None
    (path,) = kept.folder.iterdir()
    for content in (b"", b"x", *map(zlib.compress, (b"", b"[]", b"{}", b'{"names": 1}'))):
        kept.keep(path.name, content)
        assert made(boxes, several, tokens, kept) == plain


def test_prompts_with_a_problem_are_not_kept(tokens: Tokenizer, kept: Kept) -> None:
    text = 'task t { a = one from ["(x", "(y"]  prompt = "say"  answer = a  at last = end of prompt }\n'
    source = Source(str(ROOT / "specs" / "spec.et"), HEAD.replace('include "boxes/boxes.et"\n', "") + text)
    alike = api.checked(source, {})
    (population, *_) = populations(alike)
    (plain,) = made(alike, [population], tokens, NOT_KEPT)
    assert plain[-2] and [plain] == made(alike, [population], tokens, kept) == made(alike, [population], tokens, kept)
    assert kept.folder is not None and not [*kept.folder.iterdir()]
