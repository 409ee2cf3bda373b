"""Explaining a plan: what each pass of the compiler takes away, why, and what it would have cost.

explained = explanation(plan, found, zero, Memory())
explained.total.stages[0].token_layers          as the reference executor runs it
explained.total.stages[-1].token_layers         what is left
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise

from entrack.frozen import frozen
from entrack.plan.order import by_model
from entrack.plan.passes import PASSES, stages
from entrack.plan.plan import CertificatePlan, Plan
from entrack.plan.schedule import Memory, Schedule, once
from entrack.plan.steps import Choice, Node, Race, kind_of

AS_WRITTEN = "as written"


@frozen
class Stage:
    """The cost of the work after a pass (`AS_WRITTEN`: before the first), in token-layers and floating-point
    operations."""

    name: str
    token_layers: int
    flops: int


@frozen
class Explained:
    """Steps of a plan: the cost after each pass, and the notes of their runs with the number of runs that have them."""

    what: str
    steps: int
    stages: tuple[Stage, ...]
    notes: Mapping[str, int]


@frozen
class Order:
    """How often a model, and a batch of a model, follows another one in a row of steps."""

    models: int
    batches: int


@frozen
class Explanation:
    """`asked` steps were wanted, `steps` are left when equal ones are one; of these `found` are in the store, `zero`
    cannot reach a receiver, `screened_out` have no head that a screen let through, `decided` none that a race has not
    decided, and `not_kept` none that was kept, where what was kept is confirmed. The rest is explained, altogether and
    by what it is for; in a race it is at most so much, and claims in `may_come` may want more prompts than are planned.
    """

    asked: int
    steps: int
    found: int
    zero: int
    screened_out: int
    total: Explained
    parts: tuple[Explained, ...]
    as_made: Order
    ordered: Order
    deferred: tuple[str, ...]
    may_come: tuple[CertificatePlan, ...]
    decided: int = 0
    racing: bool = False
    not_kept: int = 0


def explanation(
    plan: Plan,
    found: Collection[str],
    zero: Collection[str],
    screened_out: Collection[str],
    memory: Memory,
    decided: Collection[str] = (),
    not_kept: Collection[str] = (),
) -> Explanation:
    """What of a plan is not computed. Steps that the store has cost nothing; what is shared counts where it comes
    first."""
    idle = zero, screened_out, decided, not_kept
    left = [id for id in plan.steps if not any(id in known for known in (found, *idle))]
    total, parts = _explain(plan, left, memory)
    steps = [plan.nodes[id] for id in left]
    wanted = set(left)
    ordered = [plan.nodes[id] for id in by_model(plan.nodes, plan.needs) if id in wanted]
    many = len(plan.steps)
    counts = plan.asked - (len(plan.nodes) - many), many, len(found), len(zero), len(screened_out)
    racing = any(isinstance(node, Race) for node in plan.nodes.values())
    may_come = plan.may_come(found)
    orders = _order(steps), _order(ordered)
    return Explanation(*counts, total, parts, *orders, plan.deferred, may_come, len(decided), racing, len(not_kept))


def _explain(plan: Plan, ids: Iterable[str], memory: Memory) -> tuple[Explained, tuple[Explained, ...]]:
    """All these steps together, and by what they are for. What is shared counts where it comes first."""
    names = (AS_WRITTEN, *(one.name for one in PASSES))
    seen: list[set[str]] = [set() for _ in names]
    grouped: dict[str, list[tuple[list[Schedule], list[Stage]]]] = {}
    for id in ids:
        node = plan.nodes[id]
        if not isinstance(node, Choice):
            schedules = stages(node, memory)
            costs = [
                _stage(name, schedule, known) for name, schedule, known in zip(names, schedules, seen, strict=True)
            ]
            grouped.setdefault(plan.what[id], []).append((schedules, costs))
    parts = tuple(_explained(what, many) for what, many in grouped.items())
    return _together(names, parts), parts


def _order(nodes: Iterable[Node]) -> Order:
    where = [(node.model, kind_of(node).batch(node)) for node in nodes if not isinstance(node, Choice)]
    return Order(_changes([model for model, _ in where]), _changes(where))


def _changes(row: Sequence[object]) -> int:
    return sum(one != other for one, other in pairwise(row))


def _stage(name: str, schedule: Schedule, seen: set[str]) -> Stage:
    runs = [run for run in once(schedule.runs) if run.shared is None or run.shared not in seen]
    seen.update(run.shared for run in runs if run.shared)
    return Stage(name, sum(run.token_layers for run in runs), sum(run.flops for run in runs))


def _explained(what: str, many: list[tuple[list[Schedule], list[Stage]]]) -> Explained:
    notes = Counter(
        f"{run.role.value}: {note}" for schedules, _ in many for run in schedules[-1].runs for note in run.notes
    )
    costs = [
        _sum(name, [one for _, row in many for one in row if one.name == name])
        for name in [stage.name for stage in many[0][1]]
    ]
    return Explained(what, len(many), tuple(costs), dict(notes.most_common()))


def _together(names: tuple[str, ...], parts: tuple[Explained, ...]) -> Explained:
    return Explained(
        "altogether",
        sum(part.steps for part in parts),
        tuple(_sum(name, [one for part in parts for one in part.stages if one.name == name]) for name in names),
        {},
    )


def _sum(name: str, stages: list[Stage]) -> Stage:
    return Stage(name, sum(one.token_layers for one in stages), sum(one.flops for one in stages))
