"""The passes of the compiler over the work of a step, one file each, in an order that is data.

Each takes a `Schedule` and gives a `Schedule` that has the same outcome and is less, or better cut; no pass changes a
step, and so no address. A pass may rely on those before it, and on none after it: leaving out any of them leaves the
numbers as they are, within rounding.

Three more work on whole plans: equal steps are one (`plan/builder.py`), what the store has is not run
(`execution/coordinator.py`), and steps are put in an order in which models and batches change least (`plan/order.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from entrack.frozen import frozen
from entrack.plan.expand import expand
from entrack.plan.passes.batch import batch
from entrack.plan.passes.eliminate_unreachable import eliminate_unreachable
from entrack.plan.passes.liveness import liveness
from entrack.plan.passes.share_clean_runs import share_clean_runs
from entrack.plan.passes.skip_frozen_attention import skip_frozen_attention
from entrack.plan.passes.slice_by_layer import slice_by_layer
from entrack.plan.passes.slice_by_token import slice_by_token
from entrack.plan.schedule import Memory, Schedule
from entrack.plan.steps import Step


@frozen
class Pass:
    """A pass, and in words what it takes away."""

    name: str
    apply: Callable[[Schedule], Schedule]
    what: str


PASSES = (
    Pass("eliminate unreachable", eliminate_unreachable, "runs whose change cannot reach what is read"),
    Pass("liveness", liveness, "layers above what is read"),
    Pass("share clean runs", share_clean_runs, "what other steps run too"),
    Pass("slice by layer", slice_by_layer, "layers below the first change"),
    Pass("slice by token", slice_by_token, "tokens that stay what they are"),
    Pass("skip frozen attention", skip_frozen_attention, "attention whose outcome is known"),
    Pass("batch", batch, "nothing; it says which rows run together"),
)


def optimise(schedule: Schedule, passes: Sequence[Pass] = PASSES) -> Schedule:
    """What is left of the work after all passes."""
    for one in passes:
        schedule = one.apply(schedule)
    return schedule


def stages(step: Step, memory: Memory, passes: Sequence[Pass] = PASSES) -> list[Schedule]:
    """The work of a step before the first pass, and after each."""
    schedules = [expand(step, memory)]
    for one in passes:
        schedules.append(one.apply(schedules[-1]))
    return schedules
