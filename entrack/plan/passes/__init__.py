"""The passes of the compiler over the work of a step, one file each, in an order that is data.

Each takes `Work` and gives `Work` that has the same outcome and is less, or better cut; no pass changes a step, and so no address. A
pass may rely on those before it, and on none after it: leaving out any of them leaves the numbers as they are, within rounding.

Three more work on whole plans: equal steps are one (`plan/build.py`), what the store has is not run (`executors/here.py`), and steps are
put in an order in which models and batches change least (`plan/order.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import frozen

from entrack.plan.expand import expand
from entrack.plan.passes.batch import batch
from entrack.plan.passes.freeze import freeze
from entrack.plan.passes.liveness import liveness
from entrack.plan.passes.reach import reach
from entrack.plan.passes.share import share
from entrack.plan.passes.slice_by_layer import slice_by_layer
from entrack.plan.passes.slice_by_token import slice_by_token
from entrack.plan.steps import Step
from entrack.plan.work import Memory, Work


@frozen
class Pass:
    """A pass, and in words what it takes away."""

    name: str
    apply: Callable[[Work], Work]
    what: str


PASSES = (
    Pass("reach", reach, "runs whose change cannot reach what is read"),
    Pass("liveness", liveness, "layers above what is read"),
    Pass("share", share, "what other steps run too"),
    Pass("slice by layer", slice_by_layer, "layers below the first change"),
    Pass("slice by token", slice_by_token, "tokens that stay what they are"),
    Pass("freeze", freeze, "attention whose outcome is known"),
    Pass("batch", batch, "nothing; it says which rows run together"),
)


def optimise(work: Work, passes: Sequence[Pass] = PASSES) -> Work:
    """What is left of the work after all passes."""
    for one in passes:
        work = one.apply(work)
    return work


def stages(step: Step, memory: Memory, passes: Sequence[Pass] = PASSES) -> list[Work]:
    """The work of a step before the first pass, and after each."""
    works = [expand(step, memory)]
    for one in passes:
        works.append(one.apply(works[-1]))
    return works
