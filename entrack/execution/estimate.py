"""How long what is left of a plan takes, on one device and on several, by rates that were measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from attrs import field

from entrack.execution.rates import Rates
from entrack.execution.survey import Survey
from entrack.frozen import frozen
from entrack.plan.cache_key import kind
from entrack.plan.cost import left_in
from entrack.plan.longest_path import longest_path
from entrack.plan.plan import Plan
from entrack.plan.schedule import layer_flops
from entrack.plan.steps import Choice, Chosen, PathPatch, Race, Step


@frozen
class Estimate:
    """Seconds of computing: `seconds` on one device, `longest` where nothing waits but for what it needs. Reading
    models, drawing prompts and storing come beside it.

    device: whose rates they are; None where nothing was measured
    asked: the device that was asked for; None where it is this machine's
    measured: how many steps the rates are from
    steps: how many are left; `without` says how many of these have no rate, by kind, and are not in it
    more, less: why it may be more than that, or less
    """

    device: str | None
    measured: int
    steps: int
    seconds: float
    longest: float
    without: Mapping[str, int] = field(factory=dict)
    more: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    asked: str | None = None

    def on(self, workers: int) -> float:
        """Seconds on so many devices of this kind."""
        return max(self.longest, self.seconds / workers)


def estimate(plan: Plan, survey: Survey, rates: Rates) -> Estimate:
    """How long the steps take that a survey does not find."""
    left = [*survey.missing, *survey.unknown]
    known = {id: rate for id in left if (rate := rates.of(_step(plan, id))) is not None}
    without = Counter(kind(_step(plan, id)) for id in left if id not in known)
    seconds = {
        id: known[id].seconds(work * layer_flops(_step(plan, id).model.facts))
        for id, work in left_in(plan, known).items()
    }
    whole, longest = sum(seconds.values()), longest_path(plan.needs, seconds)
    more, less = _more(plan, survey), _less(plan, left)
    return Estimate(
        rates.device, len(rates.measured), len(left), whole, longest, dict(without), more, less, rates.asked
    )


def _step(plan: Plan, id: str) -> Step:
    step = plan.nodes[id]
    assert not isinstance(step, Choice)
    return step


def _more(plan: Plan, survey: Survey) -> tuple[str, ...]:
    """What may want more steps than are planned."""
    later = [f"the steps of {what} are known when others have run" for what in plan.deferred]
    may_come = [f"{one.most:,} prompts may come of {one.name}" for one in plan.may_come({*survey.found})]
    return (*later, *may_come)


def _less(plan: Plan, left: Collection[str]) -> tuple[str, ...]:
    """What may turn out not to be run."""
    nodes = [plan.nodes[id] for id in left]
    unknown = any(isinstance(node, PathPatch) and _waits(node) for node in nodes)
    raced = any(isinstance(node, Race) for node in plan.nodes.values())
    return (
        *(["path patches whose receivers are not known yet count for every layer"] if unknown else []),
        *(["races count for all prompts of all senders"] if raced else []),
    )


def _waits(step: PathPatch) -> bool:
    return any(isinstance(each.sites, Chosen) for each in step.receivers)
