"""A sample of a spec: the same spec on fewer prompts and cells, so that checking takes a moment.

What is sampled is what a run draws first (prompt i follows from the seed and i alone), so whatever is found here is found there; a
run draws all prompts and says what only a later one shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, TypeVar

from attrs import evolve

from entrack.check.resolved import CellSpec, Discovery, Examination, Intervention, Mask, MeanAct, Measure, Population, Resolved
from entrack.frozen import parts, rebuilt
from entrack.syntax import ast

MOST_PROMPTS = 200
"""Of one population."""
FEWEST_PROMPTS = 4
ALL_PROMPTS = 1000
"""Of all populations together, as long as each has the fewest."""
MOST_CELLS = 200
"""Of all measures together."""
HOLDERS = (CellSpec, Discovery, Examination, Intervention, Mask, Measure, MeanAct)
"""What has prompts inside."""

T = TypeVar("T")


def sample(resolved: Resolved) -> Resolved:
    """The spec with at most so many prompts of each population, so many cells of each measure, and one draw."""
    measures = _spread(resolved.measures, MOST_CELLS)
    cells = MOST_CELLS // max(1, len(measures))
    fewer = evolve(
        resolved,
        measures=tuple(evolve(measure, cells=tuple(evolve(cell, draws=1) for cell in _spread(measure.cells, cells))) for measure in measures),
        discoveries=_spread(resolved.discoveries, MOST_CELLS),
        examinations=_spread(resolved.examinations, MOST_CELLS),
    )
    populations = {_key(population): population for population in _populations((fewer.measures, fewer.discoveries, fewer.examinations, fewer.masks))}
    weight = sum(_weight(population) for population in populations.values())
    most = min(MOST_PROMPTS, max(FEWEST_PROMPTS, ALL_PROMPTS // max(1, weight)))
    return evolve(
        fewer,
        measures=_fewer(fewer.measures, most),
        discoveries=_fewer(fewer.discoveries, most),
        examinations=_fewer(fewer.examinations, most),
        masks=_fewer(fewer.masks, most),
    )


def _spread(items: tuple[T, ...], most: int) -> tuple[T, ...]:
    """At most so many of the items, evenly from first to last."""
    step = -(-len(items) // max(1, most))
    return tuple(islice(items, None, None, step)) if step > 1 else items


def _fewer(value: Any, most: int) -> Any:
    if isinstance(value, Population):
        return value if value.count is None or value.count <= most else evolve(value, count=most)
    if isinstance(value, Mapping):
        return {key: _fewer(part, most) for key, part in value.items()}
    if isinstance(value, (tuple, *HOLDERS)):
        return rebuilt(value, lambda part: _fewer(part, most))
    return value


def _populations(value: Any) -> list[Population]:
    found: list[Population] = []
    pending = [value]
    while pending:
        part = pending.pop()
        if isinstance(part, Population):
            found.append(part)
        elif isinstance(part, Mapping):
            pending.extend(part.values())
        elif isinstance(part, tuple):
            pending.extend(part)
        elif isinstance(part, HOLDERS):
            pending.extend(parts(part))
    return found


def _weight(population: Population) -> int:
    """How much more work a prompt is than an ordinary one: some draw thousands of values."""
    drawn = sum(binding.drawing.count.value for binding in population.task.bindings
                if isinstance(binding.drawing, ast.Distinct | ast.Several) and isinstance(binding.drawing.count, ast.Integer))  # fmt: skip
    return 1 + drawn // 50


def _key(population: Population) -> tuple[object, ...]:
    name = population.alternate.name if population.alternate else None
    return population.task.name, name, tuple(sorted(population.parameters.items())), population.seed, population.purpose
