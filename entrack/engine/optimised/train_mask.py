"""Training a mask: a pass starts at the lowest layer and first token of the group, on what is kept of the clean run,
as far as that fits."""

from __future__ import annotations

from torch import Tensor

from entrack.engine.context import Context
from entrack.engine.inputs import Arrays, Inputs, bound
from entrack.engine.kernels.train_mask import Group, MaskTensors, full_pass, mixed, train
from entrack.engine.kernels.train_mask import train_mask as plain_train_mask
from entrack.engine.prefix_cache import PrefixCache, PrefixSpec
from entrack.plan.schedule import ForwardPass, From, Role
from entrack.plan.steps import MaskBatch, TrainMask


def train_mask(context: Context, step: TrainMask, inputs: Inputs) -> Arrays:
    """-> `mask` float32 (site); `steps` int64 (); `loss` float32 (step); `validation` float32 (check)"""
    group = Group.of(context, bound(step.sites))
    if not group.sites:
        return plain_train_mask(context, step, inputs)
    cuts = {**_cuts(context, Role.TRAINED, step.train), **_cuts(context, Role.CHECKED, step.validate)}
    remembered = _remembered(context, [cuts[batch] for batch in (*step.validate, *step.train)])

    def run(pair: MaskTensors, mask: Tensor, *, gradient: bool) -> Tensor:
        cut = cuts[pair.batch]
        if cut not in remembered and not gradient:
            return full_pass(context, group, pair, mask, gradient=False)
        kept = PrefixCache.exactly(context, cut, remember=cut in remembered)
        sets = mixed(context, group, pair, mask, cut.since)
        return kept.go_on(context, cut.layers[0], cut.since, sets=sets, gradient=gradient)

    return train(context, step, group, run)


def _cuts(context: Context, role: Role, batches: tuple[MaskBatch, ...]) -> dict[MaskBatch, PrefixSpec]:
    """Where the passes of each batch start, as its run says."""
    runs = context.schedule.of(role)
    return {batch: _cut(batch, run) for batch, run in zip(batches, runs, strict=True)}


def _cut(batch: MaskBatch, run: ForwardPass) -> PrefixSpec:
    since = min(run.tokens.at) if isinstance(run.tokens, From) else 0
    return PrefixSpec(batch.original, since, since, (run.first,))


def _remembered(context: Context, wanted: list[PrefixSpec]) -> set[PrefixSpec]:
    """Whose clean runs are kept: those of the checks first, which are read most often, as many as fit into the memo.

    The others are run anew each time, which still saves the way back through what cannot change.
    """
    cuts, room = set[PrefixSpec](), context.activations.most
    for cut in wanted:
        size = cut.bytes(context.model.facts, context.model.dtype.itemsize)
        if cut not in cuts and size <= room:
            cuts.add(cut)
            room -= size
    return cuts
