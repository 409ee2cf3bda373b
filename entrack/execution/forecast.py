"""What a run would take: the cost of each kind of step, and how much of it the store has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from entrack.execution.estimate import Estimate
from entrack.execution.survey import Survey
from entrack.frozen import frozen
from entrack.plan.cost import Cost, cost
from entrack.plan.plan import Plan
from entrack.plan.steps import Race


@frozen
class MayCome:
    """How many fresh prompts of a certified claim are planned, and how many may come."""

    name: str
    prompts: int
    most: int


@frozen
class Forecast:
    """By what steps are for, and altogether, how many there are, how many need not be run and why, and what the others
    cost. `racing`: there is a race. `declined` are stored values that are not taken. `took` is the time, where that is
    asked. `passed` are the names of limits of work that planning went beyond, and `check` may not."""

    rows: tuple[tuple[str, Mapping[str, int]], ...]
    total: Mapping[str, int]
    models: Mapping[str, Mapping[str, int | str]]
    may_come: tuple[MayCome, ...]
    racing: bool
    declined: int
    took: Estimate | None = None
    passed: tuple[str, ...] = ()


def forecast(plan: Plan, survey: Survey, took: Estimate | None = None) -> Forecast:
    """What is left of a plan, as a store has been looked at."""
    known = _Known.of(survey)
    rows = tuple((what, _counted(plan, ids, known)) for what, ids in _by_what(plan).items())
    return Forecast(
        rows,
        _altogether([counted for _, counted in rows]),
        {
            name: {"layers": key.facts.layers, "heads": key.facts.heads, "source": plan.sources[key].description}
            for name, key in plan.models.items()
        },
        tuple(MayCome(one.name, one.prompts, one.most) for one in plan.may_come(known.found)),
        any(isinstance(node, Race) for node in plan.nodes.values()),
        len(survey.declined),
        took,
    )


def _by_what(plan: Plan) -> Mapping[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for id in plan.steps:
        grouped.setdefault(plan.what[id], []).append(id)
    return grouped


@frozen(slots=False)
class _Known:
    """What is known of steps, as sets: they are asked for every step of every kind."""

    found: frozenset[str]
    zero: frozenset[str]
    screened_out: frozenset[str]
    declined: frozenset[str]
    decided: frozenset[str]
    not_kept: frozenset[str]

    @classmethod
    def of(cls, survey: Survey) -> _Known:
        every = survey.found, survey.zero, survey.screened_out, survey.declined, survey.decided, survey.not_kept
        return cls(*map(frozenset, every))

    @cached_property
    def settled(self) -> frozenset[str]:
        """What is not run."""
        return self.found | self.zero | self.screened_out | self.decided | self.not_kept


COUNTED = ("steps", "stored", "known_zero", "screened_out", "decided", "not_kept", "declined")
COST = ("forwards", "token_layers", "bytes")
ONLY_SOME = ("decided", "not_kept")
"""What is left out where there is none."""


def _counted(plan: Plan, ids: Sequence[str], known: _Known) -> dict[str, int]:
    rest: Cost = cost(plan, [id for id in ids if id not in known.settled])
    among = known.found, known.zero, known.screened_out, known.decided, known.not_kept, known.declined
    counted = dict(zip(COUNTED, (len(ids), *(sum(id in some for id in ids) for some in among)), strict=True))
    return _told({**counted, **{name: getattr(rest, name) for name in COST}})


def _altogether(rows: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """What rows come to: what each step costs does not depend on the others."""
    return _told({name: sum(row.get(name, 0) for row in rows) for name in (*COUNTED, *COST)})


def _told(counted: Mapping[str, int]) -> dict[str, int]:
    return {name: many for name, many in counted.items() if many or name not in ONLY_SOME}
