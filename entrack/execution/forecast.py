"""What a run would take: the cost of each kind of step, and how much of it the store has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
    return Forecast(
        tuple((what, _counted(plan, ids, known)) for what, ids in _by_what(plan).items()),
        _counted(plan, plan.steps, known),
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


@frozen
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

    @property
    def settled(self) -> frozenset[str]:
        """What is not run."""
        return self.found | self.zero | self.screened_out | self.decided | self.not_kept


def _counted(plan: Plan, ids: Sequence[str], known: _Known) -> dict[str, int]:
    rest: Cost = cost(plan, [id for id in ids if id not in known.settled])
    decided, not_kept = (sum(id in some for id in ids) for some in (known.decided, known.not_kept))
    return {
        "steps": len(ids),
        "stored": sum(id in known.found for id in ids),
        "known_zero": sum(id in known.zero for id in ids),
        "screened_out": sum(id in known.screened_out for id in ids),
        **({"decided": decided} if decided else {}),
        **({"not_kept": not_kept} if not_kept else {}),
        "declined": sum(id in known.declined for id in ids),
        "forwards": rest.forwards,
        "token_layers": rest.token_layers,
        "bytes": rest.bytes,
    }
