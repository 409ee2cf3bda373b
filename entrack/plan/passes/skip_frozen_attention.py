"""Skip an attention whose output is known (frozen): it is not computed. What is left of its layer is norms and the MLP.

before: sent    token 52, layers 4-29, all heads held but the sender, which is set: attention in all layers
after:  sent    attention in none

before: edited  tokens 50 and 52, all heads held, free heads in layers 14 and 17: attention in all layers
after:  edited  attention in layers 14 and 17
"""

from __future__ import annotations

from attrs import evolve

from entrack.plan.schedule import Every, ForwardPass, From, Only, Role, Schedule
from entrack.sites import PER_HEAD


def skip_frozen_attention(schedule: Schedule) -> Schedule:
    """The schedule without attention whose output is known."""
    return evolve(schedule, runs=tuple(_frozen(run) for run in schedule.runs))


def _frozen(run: ForwardPass) -> ForwardPass:
    if run.held is None or not _covered(run) or run.role is Role.BASE:
        return run
    free = tuple(sorted({place.layer for place in run.free if place.part in PER_HEAD} & set(run.layers)))
    return run.noted(
        f"skip frozen attention: attention is computed in {len(free)} of {len(run.layers)} layers, it is "
        "known in the others",
        attention=free,
    )


def _covered(run: ForwardPass) -> bool:
    """Whether all heads are held at every token that is run."""
    if isinstance(run.held, Every):
        return not isinstance(run.tokens, Every)
    if not isinstance(run.held, From) or not isinstance(run.tokens, Only):
        return False
    return all(token >= run.held.at[prompt] for prompt, tokens in enumerate(run.tokens.at) for token in tokens)
