"""The study as published, at 7B: it checks and plans here with a configuration and a tokenizer alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrack import api
from entrack.diagnostics import errors
from entrack.source import Source

PAPER = Path(__file__).parents[2] / "specs" / "paper"
STAND_IN = PAPER / "llama-7b"
HEADS = {"llama_circuit": (40, 7, 20, 5), "goat_circuit": (68, 28, 40, 39), "float_circuit": (68, 29, 40, 38)}


@pytest.mark.parametrize("name", ["boxes.et", "positional.et", "objects.csv"])
def test_the_task_is_that_of_the_built_in_study(name: str) -> None:
    """A spec reads nothing outside its folder, so the task stands in both; it must not drift apart."""
    assert (PAPER / name).read_bytes() == (PAPER.parent / "boxes" / name).read_bytes()


@pytest.mark.parametrize("path", sorted(PAPER.glob("*.et")), ids=lambda path: path.name)
def test_each_file_checks_without_its_models(path: Path) -> None:
    assert not errors(api.check(api.read(path), {})[0])


def test_the_study_checks_at_its_shape() -> None:
    problems, _ = api.check(api.read(PAPER / "study.et"), {}, STAND_IN)
    assert not errors(problems)


def test_a_head_that_llama_has_not_is_told() -> None:
    source = Source(str(PAPER / "none.et"), 'entrack 1\ninclude "models.et"\ngroup g in llama at last = 32.0\n')
    problems, _ = api.check(source, {}, STAND_IN)
    assert [problem.code for problem in errors(problems)] == ["E511"]


def test_discovery_is_planned_for_all_layers_heads_and_prompts() -> None:
    """300 prompts are 6 batches; per hop 32 layers x 6 batches of path patches, each of 32 heads."""
    spec = api.checked(api.read(PAPER / "discovery.et"), {}, STAND_IN)
    plan = spec.plan(hashed=False).plan
    patches = [id for id in plan.steps if plan.what[id] == "found.value_fetcher: path patching"]
    assert len(patches) == 32 * 6


def test_published_circuits_have_the_published_sizes() -> None:
    source = Source(
        str(PAPER / "sizes.et"),
        "\n".join(
            ["entrack 1", 'include "circuits.et"', *(f"measure m{i} = overlap({c}, {c})" for i, c in enumerate(HEADS))]
        ),
    )
    for overlap in api.checked(source, {}).resolved.overlaps:
        sizes = {group.name: len(group.heads) for group in overlap.first.groups if isinstance(group.heads, tuple)}
        assert (
            tuple(
                sizes[name]
                for name in ("value_fetcher", "position_transmitter", "position_detector", "structure_reader")
            )
            == HEADS[overlap.first.label]
        )
