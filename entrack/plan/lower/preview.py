"""A sample of a spec: the same spec on fewer prompts and cells, so that checking takes a moment.

What is sampled is what a run draws first (prompt i follows from the seed and i alone), so whatever is found here is
found there; a run draws all prompts and says what only a later one shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, TypeVar

from attrs import evolve

from entrack import budget
from entrack.check.resolved import (
    AddAct,
    CellSpec,
    Circuit,
    Discovery,
    Examination,
    Intervention,
    Mask,
    MeanOf,
    Measure,
    Population,
    ProjectAct,
    Resolved,
    SetAct,
)
from entrack.check.sources import Source
from entrack.tree import parts, rebuilt

MOST_PROMPTS = 200
"""Of one population."""
FEWEST_PROMPTS = 4
"""Of one population, unless there are very many."""
ALL_PROMPTS, MOST_OF_ALL = 1000, 2000
"""Of all populations together: as long as each has the fewest, and even then, as long as each has one."""
MOST_CELLS = 200
"""Of all measures together; also of all discoveries, examinations, and desiderata of masks."""
HOLDERS = (
    CellSpec,
    Discovery,
    Examination,
    Intervention,
    Mask,
    Measure,
    SetAct,
    AddAct,
    ProjectAct,
    MeanOf,
    Source,
)
"""What has prompts inside."""

T = TypeVar("T")


def sample(resolved: Resolved, most: int = MOST_PROMPTS) -> Resolved:
    """The spec with at most `most` prompts of each population, so many cells of each measure, and one draw. Of what
    is done group by group on the same prompts only the first group is left: groups have been checked; and claims are
    certified on prompts like those of their measures."""
    measures = _spread(resolved.measures, MOST_CELLS)
    masks = _spread(resolved.masks, MOST_CELLS)
    cells = MOST_CELLS // max(1, len(measures))
    fewer = evolve(
        resolved,
        measures=tuple(
            evolve(measure, cells=tuple(evolve(cell, draws=1) for cell in _spread(measure.cells, cells)))
            for measure in measures
        ),
        discoveries=_spread(resolved.discoveries, MOST_CELLS),
        examinations=tuple(
            evolve(given, kind="completeness", amount=0.0, circuit=_first(given.circuit))
            for given in _spread(resolved.examinations, MOST_CELLS)
        ),
        masks=tuple(_fewer_desiderata(mask, MOST_CELLS // len(masks)) for mask in masks),
        claims=(),
    )
    populations = {
        _key(population): population
        for population in _populations((fewer.measures, fewer.discoveries, fewer.examinations, fewer.masks))
    }
    each = ALL_PROMPTS // max(1, len(populations))
    most = min(most, MOST_PROMPTS, max(each, FEWEST_PROMPTS if len(populations) * FEWEST_PROMPTS <= MOST_OF_ALL else 1))
    made: dict[int, Any] = {}
    return evolve(
        fewer,
        **{
            name: _fewer(getattr(fewer, name), most, made)
            for name in ("measures", "discoveries", "examinations", "masks")
        },
    )


def _first(circuit: Circuit) -> Circuit:
    return evolve(circuit, groups=circuit.groups[:1])


def _fewer_desiderata(mask: Mask, most: int) -> Mask:
    kept = _spread(mask.desiderata, most)
    train, validate = ({name: some[name] for name in kept} for some in (mask.train, mask.validate))
    return evolve(mask, circuit=_first(mask.circuit), train=train, validate=validate)


def _spread(items: tuple[T, ...], most: int) -> tuple[T, ...]:
    """At most so many of the items, evenly from first to last."""
    step = -(-len(items) // max(1, most))
    return tuple(islice(items, None, None, step)) if step > 1 else items


def _fewer(value: Any, most: int, made: dict[int, Any]) -> Any:
    """A value with at most so many prompts in each population in it. `made` holds interventions: many cells share
    one."""
    if isinstance(value, Population):
        return value if value.count is None or value.count <= most else evolve(value, count=most)
    if isinstance(value, Mapping):
        return {key: _fewer(part, most, made) for key, part in value.items()}
    if isinstance(value, Intervention):
        if id(value) not in made:
            budget.spend(budget.STEP_PARTS, len(value.acts))
            made[id(value)] = evolve(value, acts=_fewer(value.acts, most, made))
        return made[id(value)]
    if isinstance(value, (tuple, *HOLDERS)):
        return rebuilt(value, lambda part: _fewer(part, most, made))
    return value


def _populations(value: Any) -> list[Population]:
    found: list[Population] = []
    seen: set[int] = set()
    pending = [value]
    while pending:
        part = pending.pop()
        if isinstance(part, Population):
            found.append(part)
        elif isinstance(part, Mapping):
            pending.extend(part.values())
        elif isinstance(part, tuple):
            pending.extend(part)
        elif isinstance(part, HOLDERS) and id(part) not in seen:
            seen.add(id(part))
            pending.extend(parts(part))
    return found


def _key(population: Population) -> tuple[object, ...]:
    name = population.alternate.name if population.alternate else None
    return population.task.name, name, tuple(sorted(population.parameters.items())), population.seed, population.purpose
