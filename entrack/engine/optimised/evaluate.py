"""Evaluating with edits, in one of two ways, as the work says.

From the first change on: nothing changes below the lowest edited layer or before the first edited token, so the pass
starts there, on what is kept of the clean run. Prompts in which nothing is changed at all - what is set is what was
there - have the clean outcome, bit for bit.

At single tokens: with the mean (or zero) everywhere else, tokens at which nothing is kept or changed are the same in
all circuits. A base run with all heads held (and MLPs or neurons, where these are set elsewhere too) has them, with
their keys and values; only the other tokens are run, and attention only where a head is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import torch
from torch import Tensor

from entrack.address import address
from entrack.engine import tracing
from entrack.engine.cache_layers import Around
from entrack.engine.context import Context, FixedHeads, FullRun
from entrack.engine.errors import NothingToAttend
from entrack.engine.inputs import Arrays, Inputs, bound
from entrack.engine.kernels.evaluate import Changes, evaluated, full
from entrack.engine.kernels.knockout import MASKED
from entrack.engine.kernels.outputs import output_writes
from entrack.engine.microbatch import in_chunks
from entrack.engine.prefix_cache import PrefixCache, PrefixSpec
from entrack.engine.tracing import ResumeAt
from entrack.engine.writes import Write
from entrack.plan.schedule import ForwardPass, From, Only, Role
from entrack.plan.steps import At, Batch, BlockAttention, Elsewhere, Evaluate, Set
from entrack.plan.steps.edits import elsewhere_of
from entrack.sites import Part, Site


def evaluate(context: Context, step: Evaluate, inputs: Inputs) -> Arrays:
    """-> `top` int64 (prompt); `logit`, `log_probability` float32 (prompt, k); and statistics"""

    def logits(context: Context, step: Evaluate, changes: Changes) -> Tensor:
        run = context.schedule.run(Role.EDITED)
        if run is None:
            whole = context.whole(step.batch)
            return full(context, step, changes) if whole is None else whole.logits
        if run.held is None:
            return _since(context, step, run, changes)
        if isinstance(run.tokens, Only) and _can_be_beside(context, step):
            return _beside(context, step, run, changes.sets, inputs)
        return full(context, step, changes)

    return evaluated(context, step, inputs, logits)


def _since(context: Context, step: Evaluate, run: ForwardPass, changes: Changes) -> Tensor:
    """From the first change on, group by group. -> (prompt, vocabulary)"""
    later = isinstance(run.tokens, From) or run.first > 0
    whole = context.whole(step.batch) if later else None
    if whole is None:
        return full(context, step, changes)
    logits, moved = whole.logits.clone(), _moved(context, step.batch, whole, changes)
    starts = run.tokens.at if isinstance(run.tokens, From) else (0,) * step.batch.prompts
    kept = PrefixCache.of(context, PrefixSpec(step.batch, min(starts), max(starts), tuple(run.layers)))

    def work(prompts: Tensor) -> None:
        since = starts[int(prompts[0])]
        sets = [one.since(prompts, since) for one in changes.sets]
        blocked = {layer: pairs[prompts, since:] for layer, pairs in changes.blocked.items()}
        logits[prompts] = kept.go_on(context, run.first, since, prompts=prompts, sets=sets, blocked=blocked)

    try:
        for group in run.groups or (tuple(range(step.batch.prompts)),):
            prompts = context.tensor(group)
            in_chunks(prompts[moved[prompts]], run.at_once or len(prompts), work)
    except NothingToAttend:
        return full(context, step, changes)  # which says it of the prompt in the batch, not of a row of ours
    return logits


def _moved(context: Context, batch: Batch, whole: FullRun, changes: Changes) -> Tensor:
    """The prompts in which what stands at a site is not what was there, or something blocked. -> bool (prompt)"""
    moved = torch.zeros(len(whole.logits), dtype=torch.bool, device=whole.logits.device)
    at: dict[Site, list[Write]] = {}
    for one in changes.sets:
        at.setdefault(one.site, []).append(one)
    for site, writes in at.items():
        clean = context.clean(batch, site.part, (site.layer,))[site.layer]
        after = reduce(lambda value, one: one.applied(value), writes, clean)
        moved |= (after != clean).flatten(1).any(1)
    for pairs in changes.blocked.values():
        moved |= pairs.flatten(1).any(1)
    return moved


def _can_be_beside(context: Context, step: Evaluate) -> bool:
    """Whether tokens can be run without those around them: attention must take a mask, have none of its own, and look
    at all tokens before."""
    window = getattr(context.model.module.config, "sliding_window", None)
    masked = context.model.key.attention in MASKED and context.model.layout.own_mask is None
    return masked and (window is None or window >= step.batch.length)


def _beside(context: Context, step: Evaluate, run: ForwardPass, sets: Iterable[Write], inputs: Inputs) -> Tensor:
    """At the tokens of the run only. -> (prompt, vocabulary)"""
    assert isinstance(run.tokens, Only)
    base = context.whole(step.batch, _held(context, step, inputs))
    assert base is not None  # the work says that it fits
    tokens = context.tensor(run.tokens.at)
    prompts = torch.arange(len(tokens), device=tokens.device)[:, None]
    here = [one.only(tokens) for one in sets if one.site.layer in run.layers]
    held = {
        layer: _attention(context, step, base, here, layer, (prompts, tokens))
        for layer in run.layers
        if layer not in run.attention
    }
    context.forwards += tokens.shape[1] / step.batch.length * len(run.layers) / context.model.facts.layers
    return tracing.forward(
        context.model,
        context.tokens(step.batch).gather(1, tokens),
        sets=[one for one in here if one.site.layer in run.attention or one.site.part is not Part.OUTPUT],
        start=ResumeAt(run.first, base.residual[run.first][prompts, tokens]),
        held=held,
        around=Around(tokens, base.keys, base.values),
    ).logits


def _attention(
    context: Context, step: Evaluate, base: FullRun, sets: Iterable[Write], layer: int, at: tuple[Tensor, Tensor]
) -> Tensor:
    """The output of an attention all of whose heads are set: the base's, where none is set to something else. ->
    (prompt, k, d_model)"""
    changes = [edit for edit in step.edits if not isinstance(edit, BlockAttention)]
    targets = [edit.target for edit in changes if isinstance(edit.target, At)]
    outputs = Site(layer, Part.OUTPUT)
    if not any(outputs == Site(site.layer, site.part) for target in targets for site in bound(target.sites)):
        return base.attention[layer][at]
    writes = [one for one in sets if one.site == outputs]
    return context.model.attended(layer, reduce(lambda z, one: one.applied(z), writes, base.z[layer][at]))


def _held(context: Context, step: Evaluate, inputs: Inputs) -> FixedHeads:
    """What the base is held at, by the address of where it is from."""
    everywhere = [Set(Elsewhere((), target.parts), source) for target, source in elsewhere_of(step.edits)]
    return FixedHeads(address(everywhere), tuple(output_writes(context, step.batch, everywhere, inputs)))
