"""Remove forward passes whose edit has no causal path to anything that is read.

before: sent     changed at layer 7, read at layers 5 and 9        received changed at layers 5 and 9
after:  sent     changed at layer 7, read at layer 9               received changed at layer 9

before: sent     changed at layer 9, read at layer 9               received changed at layer 9
after:  nothing is run: the outcome is the clean one

before: sent     changed at token 4 of 53, all heads from it on held, logits
after:  nothing is run: no head carries the change to the last token
"""

from __future__ import annotations

from attrs import evolve

from entrack.plan.schedule import ForwardPass, From, Only, Role, Schedule


def eliminate_unreachable(schedule: Schedule) -> Schedule:
    """The schedule without edits that reach nothing. What takes values from a run that goes, goes too."""
    sent = schedule.run(Role.SENT)
    if sent is None:
        return schedule
    takers = schedule.taking(Role.SENT)
    if not takers:
        return schedule if _says_something(sent) else _without(schedule, "no change reaches the last token")
    lowest = min(place.layer for place in sent.changed)
    senders = tuple(place.site for place in sent.changed)
    above = tuple(place for place in sent.read if any(sent.facts.reaches(one, place.site) for one in senders))
    if not above:
        return _without(schedule, f"no receiver stands above layer {lowest}")
    if len(above) == len(sent.read):
        return schedule
    note = (
        f"eliminate unreachable: {len(sent.read) - len(above)} of {len(sent.read)} receivers' layers are "
        f"not above layer {lowest}"
    )
    fewer = {id(sent): sent.noted(note, read=above), **{id(run): run.noted(note, changed=above) for run in takers}}
    return evolve(schedule, runs=tuple(fewer.get(id(run), run) for run in schedule.runs))


def _says_something(sent: ForwardPass) -> bool:
    """Whether a change stands at a prompt's last token, where the held heads let it pass to the logits."""
    if not isinstance(sent.held, From):
        return True
    return any(
        sent.batch.length - 1 in place.tokens.of(prompt, sent.batch.length)
        for place in sent.changed
        if isinstance(place.tokens, Only)
        for prompt in range(sent.batch.prompts)
    )


def _without(schedule: Schedule, why: str) -> Schedule:
    note = f"eliminate unreachable: {why}; the outcome is the clean one"
    left = schedule.without(Role.SENT).runs
    return evolve(schedule, runs=tuple(run.noted(note) if run.role is Role.CLEAN else run for run in left))
