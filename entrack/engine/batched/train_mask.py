"""Training a mask: a pass starts at the lowest layer and first token of the group, on what is kept of the clean run, as far as that fits."""

from __future__ import annotations

from torch import Tensor

from entrack.engine.continued import Cut, Kept
from entrack.engine.inputs import Arrays, Inputs, bound
from entrack.engine.kernels.train_mask import Group, Pair, full_pass, mixed, train
from entrack.engine.kernels.train_mask import train_mask as plain_train_mask
from entrack.engine.session import Session
from entrack.plan.steps import MaskBatch, TrainMask
from entrack.plan.work import From, Run


def train_mask(session: Session, step: TrainMask, inputs: Inputs) -> Arrays:
    """-> `mask` float32 (head); `steps` int64 (); `loss` float32 (step); `validation` float32 (check)"""
    group = Group.of(session, bound(step.heads))
    if not group.heads:
        return plain_train_mask(session, step, inputs)
    cuts = {**_cuts(session, "trained", step.train), **_cuts(session, "checked", step.validate)}
    remembered = _remembered(session, [cuts[batch] for batch in (*step.validate, *step.train)])

    def run(pair: Pair, mask: Tensor, *, gradient: bool) -> Tensor:
        cut = cuts[pair.batch]
        if cut not in remembered and not gradient:
            return full_pass(session, group, pair, mask, gradient=False)
        kept = Kept.exactly(session, cut, remember=cut in remembered)
        sets = mixed(session, group, pair, mask, cut.since)
        return kept.go_on(session, cut.layers[0], cut.since, sets=sets, gradient=gradient)

    return train(session, step, group, run)


def _cuts(session: Session, name: str, batches: tuple[MaskBatch, ...]) -> dict[MaskBatch, Cut]:
    """Where the passes of each batch start, as its run says."""
    runs = [run for run in session.work.runs if run.name == name]
    return {batch: _cut(batch, run) for batch, run in zip(batches, runs, strict=True)}


def _cut(batch: MaskBatch, run: Run) -> Cut:
    since = min(run.tokens.at) if isinstance(run.tokens, From) else 0
    return Cut(batch.original, since, since, (run.first,))


def _remembered(session: Session, wanted: list[Cut]) -> set[Cut]:
    """Whose clean runs are kept: those of the checks first, which are read most often, as many as fit into the memo.

    The others are run anew each time, which still saves the way back through what cannot change.
    """
    cuts, room = set[Cut](), session.memo.most
    for cut in wanted:
        size = cut.bytes(session.model.facts, session.model.dtype.itemsize)
        if cut not in cuts and size <= room:
            cuts.add(cut)
            room -= size
    return cuts
