"""Reach: a change that cannot come to what is read is no change, and its run is not made.

before: sent     changed at layer 7, read at layers 5 and 9        received changed at layers 5 and 9
after:  sent     changed at layer 7, read at layer 9               received changed at layer 9

before: sent     changed at layer 9, read at layer 9               received changed at layer 9
after:  nothing is run: the outcome is the clean one

before: sent     changed at token 4 of 53, all heads from it on held, logits
after:  nothing is run: no head carries the change to the last token
"""

from __future__ import annotations

from attrs import evolve

from entrack.plan.work import From, Only, Run, Work


def reach(work: Work) -> Work:
    """The work without changes that reach nothing. A `received` run depends on what was `sent`."""
    sent, received = work.run("sent"), work.run("received")
    if sent is None:
        return work
    lowest = min(place.layer for place in sent.changed)
    if received is None:
        return work if _says_something(sent) else _without(work, "no change reaches the last token")
    above = tuple(place for place in sent.read if place.layer > lowest)
    if not above:
        return _without(work, f"no receiver stands above layer {lowest}")
    if len(above) == len(sent.read):
        return work
    note = f"reach: {len(sent.read) - len(above)} of {len(sent.read)} receivers' layers are not above layer {lowest}"
    fewer = {"sent": sent.noted(note, read=above), "received": received.noted(note, changed=above)}
    return evolve(work, runs=tuple(fewer.get(run.name, run) for run in work.runs))


def _says_something(sent: Run) -> bool:
    """Whether a change stands at a prompt's last token, where the held heads let it pass to the logits."""
    if not isinstance(sent.held, From):
        return True
    return any(sent.batch.length - 1 in place.tokens.of(prompt, sent.batch.length)
               for place in sent.changed if isinstance(place.tokens, Only) for prompt in range(sent.batch.prompts))  # fmt: skip


def _without(work: Work, why: str) -> Work:
    kept = [run if run.name != "clean" else run.noted(f"reach: {why}; the outcome is the clean one") for run in work.runs]
    return evolve(work, runs=tuple(run for run in kept if run.name not in ("sent", "received")))
