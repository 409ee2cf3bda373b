"""Share clean runs: a full pass that many steps make in the same way is run once and cached.

The clean run of a batch is shared by all steps on that batch. Circuits with the mean (or zero) everywhere else are too:
they differ only where a head is kept or set. So the run with all heads held is made once, and each circuit runs from
it.

before: edited  changed everywhere, held everywhere, free: 14.3 and 17.5 at the last token
after:  base    changed everywhere, held everywhere                                        shared
        edited  changed at 14.3 and 17.5 at the last token, relative to the base

What is remembered has to fit into memory; where it does not, runs stay whole.
"""

from __future__ import annotations

from math import prod

from attrs import evolve

from entrack.model_config import ModelFacts
from entrack.plan.batch import Batch
from entrack.plan.schedule import BYTES, Every, ForwardPass, Role, Schedule
from entrack.plan.steps.capture import width
from entrack.sites import Part

SPARE = 1.25
"""What making a whole run takes beside what is kept of it."""


def share_clean_runs(schedule: Schedule) -> Schedule:
    """The schedule with clean runs and bases that are shared."""
    return evolve(schedule, runs=tuple(part for run in schedule.runs for part in _shared(run, schedule.memory.kept)))


def fits(facts: ModelFacts, dtype: str, batch: Batch, room: int) -> bool:
    """Whether a whole run can be remembered."""
    return whole_bytes(facts, dtype, batch) * SPARE <= room


def whole_bytes(facts: ModelFacts, dtype: str, batch: Batch) -> int:
    """What is remembered of a whole run: residual, attention and MLP output, head outputs, keys and values at each
    token of each layer; logits."""
    width = 3 * facts.d_model + facts.heads * facts.d_head + 2 * facts.key_value_heads * facts.d_head
    return BYTES[dtype] * batch.prompts * (batch.length * facts.layers * width + facts.vocabulary)


def part_bytes(facts: ModelFacts, dtype: str, batch: Batch, part: Part, layers: int) -> int:
    """What a part of so many layers takes at all tokens, which whole runs do not keep."""
    return BYTES[dtype] * batch.prompts * batch.length * layers * prod(width(facts, part))


def _shared(run: ForwardPass, room: int) -> tuple[ForwardPass, ...]:
    if run.base is None:
        return (run,)
    if not fits(run.facts, run.dtype, run.batch, room):
        size = whole_bytes(run.facts, run.dtype, run.batch)
        return (
            run.noted(f"share clean runs: its {size:,} bytes do not fit well into {room:,}, so it is not remembered"),
        )
    if run.role is Role.CLEAN:
        return (run.noted("share clean runs: one clean run for all steps on these prompts", shared=run.base),)
    places = (*run.free, *(place for place in run.changed if not isinstance(place.tokens, Every)))
    if not places:  # it is the base
        return (run,)
    base = evolve(run, role=Role.BASE, changed=(), free=(), logits=False, shared=run.base, base=None)
    return (
        base,
        run.noted(
            "share clean runs: one base with all heads held, for all circuits on these prompts",
            changed=places,
            takes=Role.BASE,
        ),
    )
