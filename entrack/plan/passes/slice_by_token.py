"""Slice by token: a token before the first change, or one that no change can come to, is what it was.

A change spreads to all later tokens, unless all heads are held: then it stays at its token.

before: received  all 53 tokens, changed at token 50
after:  received  tokens 50-52, on the clean keys and values of those before

before: edited    all 53 tokens, all heads held, free heads at tokens 50 and 52
after:  edited    tokens 50 and 52, on the base's keys and values
"""

from __future__ import annotations

from attrs import evolve

from entrack.plan.passes.slice_by_layer import relative
from entrack.plan.schedule import Every, ForwardPass, From, Only, Schedule, Tokens


def slice_by_token(schedule: Schedule) -> Schedule:
    """The work without tokens that stay what they are."""
    return evolve(schedule, runs=tuple(_fewer(run) for run in schedule.runs))


def _fewer(run: ForwardPass) -> ForwardPass:
    if not relative(run) or any(isinstance(place.tokens, Every) for place in run.changed):
        return run
    if run.held is not None:
        tokens = _alone(run)
        many = len(tokens.at[0])
        return run.noted(
            f"slice by token: {many} of {run.batch.length} tokens, all heads at the others are held", tokens=tokens
        )
    changed, length = _changed(run), run.batch.length
    since = From(
        tuple(
            min(token for each in changed for token in each.of(prompt, length)) for prompt in range(run.batch.prompts)
        )
    )
    if not any(since.at):
        return run
    first = f"{min(since.at)}" if len(set(since.at)) == 1 else f"{min(since.at)} to {max(since.at)}, as prompts differ,"
    return run.noted(
        f"slice by token: from token {first} of {run.batch.length} on, the first that is changed", tokens=since
    )


def _alone(run: ForwardPass) -> Only:
    """The changed tokens, and the last where logits are read; where they are fewer in one prompt, its first is named
    again."""
    length, changed = run.batch.length, _changed(run)
    last = {length - 1} if run.logits else set[int]()
    named = [sorted(last.union(*(each.of(prompt, length) for each in changed))) for prompt in range(run.batch.prompts)]
    most = max(map(len, named))
    return Only(tuple(tuple([one[0]] * (most - len(one)) + one) for one in named))


def _changed(run: ForwardPass) -> list[Tokens]:
    """The tokens of the changed places, each once: many layers name the same."""
    return list({id(place.tokens): place.tokens for place in run.changed}.values())
