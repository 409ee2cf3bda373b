"""Other batch sizes, numbers of threads, memory, and the reference: probabilities within 1e-4 and the same answers; and
patching from oneself is exactly nothing.

Which prompts run together is part of the language, so tests reach behind it. The tolerance is the one that every result
carries.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from determinism_specs import FAMILIES, ITSELF, VARIED

from entrack import api
from entrack import run as running
from entrack.plan import builder
from entrack.plan.lower import mask
from entrack.results import Group, Measure, Results
from entrack.sites import Site
from entrack.source import Source

SIZES = (1, 2, 3, 5, 8, 16)
THREADS = (1, 2)
MODELS = ("llama-grouped-tied", "qwen2", "boxes-base")
TOLERANCE = 1e-4


def run(models: Path, model: str, text: str, store: Path, **options: object) -> Results:
    written = f'builtin("{model}")' if model not in FAMILIES else f'local("{model}")'
    return api.loads(Source(str(models / "spec.et"), text.format(model=written))).run(store, **options)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def threads_put_back() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", params=MODELS)
def usual(
    request: pytest.FixtureRequest, models: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Results]:
    return request.param, run(models, request.param, VARIED, tmp_path_factory.mktemp("usual"), threads=1)


def agree(found: Results, expected: Results) -> float:
    """Probabilities within the tolerance, each answer the same, the same heads found. -> the largest difference"""
    largest = 0.0
    for name in ("prob", "block", "acc"):
        for cell, other in zip(measure(found, name).cells, measure(expected, name).cells, strict=True):
            if name == "acc":
                assert cell.outcomes == other.outcomes, f"an answer is another: {cell.labels}"
            largest = max(largest, *(abs(one - two) for one, two in zip(cell.outcomes, other.outcomes, strict=True)))
    for group, other_group in zip(found.discoveries[0].groups, expected.discoveries[0].groups, strict=True):
        for head, other_head in zip(
            group.heads, other_group.heads, strict=True
        ):  # heads that are as near may change places
            assert abs(_score(other_group, head) - _score(other_group, other_head)) < TOLERANCE
        places = [Site.of_head(layer, head) for layer, row in enumerate(group.matrix) for head in range(len(row))]
        assert len(places) == sum(map(len, other_group.matrix))
        largest = max(largest, *(abs(_score(group, place) - _score(other_group, place)) for place in places))
    assert largest < TOLERANCE
    return largest


def _score(group: Group, head: Site) -> float:
    found = group.matrix[head.layer][head.head]
    assert found is not None, "nothing is screened out"
    return found


def measure(results: Results, name: str) -> Measure:
    found = results[name]
    assert isinstance(found, Measure)
    return found


@pytest.mark.parametrize("size", SIZES)
def test_batch_sizes(
    usual: tuple[str, Results], models: Path, tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, expected = usual
    monkeypatch.setattr(builder.batches, "__defaults__", ((), size, ()))
    monkeypatch.setattr(mask, "BATCH", size)
    found = run(models, model, VARIED, tmp_path, threads=1)
    assert found.provenance.steps > expected.provenance.steps, "there are more batches"
    agree(found, expected)


@pytest.mark.parametrize("threads", THREADS)
def test_threads(usual: tuple[str, Results], models: Path, tmp_path: Path, threads: int) -> None:
    model, expected = usual
    found = run(models, model, VARIED, tmp_path, threads=threads)
    assert {entry["threads"] for entry in found.provenance.realised} == {threads}
    largest = agree(found, expected)
    assert threads > 1 or largest == 0.0, "the same once more is the same to the last bit"


@pytest.mark.parametrize("memory", [100_000, 3_000_000])
def test_rows_that_run_together(usual: tuple[str, Results], models: Path, tmp_path: Path, memory: int) -> None:
    model, expected = usual
    agree(run(models, model, VARIED, tmp_path, threads=1, memory=memory), expected)


def test_the_reference(usual: tuple[str, Results], models: Path, tmp_path: Path) -> None:
    model, expected = usual
    agree(run(models, model, VARIED, tmp_path, threads=1, reference=True), expected)


def test_results_carry_what_is_tested(usual: tuple[str, Results]) -> None:
    said = usual[1].provenance.tolerance
    assert said == running.TOLERANCE
    assert [float(number) for number in re.findall(r"\d+e-\d+", said)] == [TOLERANCE]


@pytest.mark.parametrize("reference", [False, True], ids=["optimised", "reference"])
@pytest.mark.parametrize("model", [*FAMILIES, "boxes-base"])
def test_patching_from_oneself_is_exactly_nothing(models: Path, tmp_path: Path, model: str, reference: bool) -> None:
    if model in FAMILIES:
        shutil.copytree(models / model, tmp_path / model)
    found = run(tmp_path, model, ITSELF, tmp_path / "store", threads=1, reference=reference)
    for item in found.measures:
        nothing, *patched = item.cells
        assert len(patched) >= 2
        for cell in patched:
            assert cell.outcomes == nothing.outcomes, cell.labels
    scores = [score for row in found.discoveries[0].groups[0].matrix for score in row]
    assert scores and all(score == 0.0 for score in scores)
