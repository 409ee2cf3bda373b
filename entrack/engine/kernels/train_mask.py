"""TrainMask: a mask over heads for one desideratum (desiderata-based component masking; docs/semantics.md).

A batch's originals run with z = m z_original + (1 - m) z_alternate at the heads' token, m in [0, 1] per head.
z_original is what the head gives in that very pass, with the heads before it mixed; z_alternate is from a clean run,
captured once. Only the mask is trained. m rounds to 0 up to 0.5, and a head whose m does takes the alternate's output;
of two checks with the same accuracy and as many such heads the later one is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from attrs import define, field, frozen
from torch import Tensor

from entrack.engine.context import Context
from entrack.engine.errors import NotFinite
from entrack.engine.inputs import Arrays, Inputs, bound
from entrack.engine.tracing import Read, Write
from entrack.plan.steps import MaskBatch, TrainMask
from entrack.sites import Part, Site


@frozen(eq=False)
class Group:
    """The heads that a mask is over: which of its elements are of a layer, and which heads of that layer they are."""

    heads: tuple[Site, ...]
    elements: Mapping[int, Tensor]
    numbers: Mapping[int, Tensor]

    @classmethod
    def of(cls, context: Context, heads: tuple[Site, ...]) -> Group:
        layers = sorted({head.layer for head in heads})
        elements = {layer: [i for i, head in enumerate(heads) if head.layer == layer] for layer in layers}
        return cls(
            heads,
            {layer: context.tensor(elements[layer]) for layer in layers},
            {layer: context.tensor([heads[i].head for i in elements[layer]]) for layer in layers},
        )


@frozen(eq=False)
class MaskTensors:
    """A batch made ready: its alternates' z at the heads (prompt, element, d_head), in float32."""

    batch: MaskBatch
    alternate: Tensor

    @classmethod
    def of(cls, context: Context, group: Group, batch: MaskBatch) -> MaskTensors:
        if not group.heads:
            return cls(
                batch, torch.empty(batch.original.prompts, 0, context.model.facts.d_head, device=context.model.device)
            )
        at = context.tensor(batch.alternate_at)
        sites = [Site(layer, Part.OUTPUT) for layer in group.elements]
        z = context.forward(batch.alternate, reads=[Read(site, at) for site in sites], logits=False).values
        for site in sites:
            context.check(z[site], site.layer)
        return cls(
            batch, torch.stack([z[Site(head.layer, Part.OUTPUT)][:, head.head] for head in group.heads], 1).float()
        )


class MaskedPass(Protocol):
    """Logits at the last token of a batch's originals with a mask in force. -> (prompt, vocabulary)"""

    def __call__(self, pair: MaskTensors, mask: Tensor, *, gradient: bool) -> Tensor: ...


def train_mask(context: Context, step: TrainMask, inputs: Inputs) -> Arrays:
    """-> `mask` float32 (head); `steps` int64 (); `loss` float32 (step); `validation` float32 (check)"""
    group = Group.of(context, bound(step.sites))

    def run(pair: MaskTensors, mask: Tensor, *, gradient: bool) -> Tensor:
        return full_pass(context, group, pair, mask, gradient=gradient)

    return train(context, step, group, run)


def full_pass(context: Context, group: Group, pair: MaskTensors, mask: Tensor, *, gradient: bool) -> Tensor:
    """One full forward pass; one that is to be differentiated counts for three."""
    context.forwards += 2 * gradient
    return context.logits(pair.batch.original, mixed(context, group, pair, mask), gradient=gradient)


def mixed(context: Context, group: Group, pair: MaskTensors, mask: Tensor, since: int = 0) -> list[Write]:
    """What a mask (element) sets, in a pass on the tokens from `since` on. Can be differentiated by the mask."""
    heads, original = context.model.facts.heads, pair.batch.original
    here = context.tensor(range(since, original.length)) == context.tensor(pair.batch.at)[:, None]
    sets = []
    for layer, numbers in group.numbers.items():
        elements = group.elements[layer]
        own = torch.ones(heads, device=mask.device).index_copy(0, numbers, mask[elements])
        alternate = torch.zeros(original.prompts, heads, context.model.facts.d_head, device=mask.device)
        alternate = alternate.index_copy(1, numbers, pair.alternate[:, elements])
        named = torch.zeros(heads, dtype=torch.bool, device=mask.device).index_fill(0, numbers, value=True)
        site = Site(layer, Part.OUTPUT)
        sets.append(Write(site, here[:, :, None, None] & named[:, None], alternate[:, None], own=own[:, None]))
    return sets


def train(context: Context, step: TrainMask, group: Group, run: MaskedPass) -> Arrays:
    """The published schedule, with `run` as the way to run a batch. Raises NotFinite."""
    batches = [MaskTensors.of(context, group, batch) for batch in step.train]
    validation = [MaskTensors.of(context, group, batch) for batch in step.validate]
    mask = torch.ones(len(group.heads), device=context.model.device, requires_grad=True)
    adam, best, losses = torch.optim.Adam([mask], lr=step.rate), Best(mask.detach().clone()), []
    for pair in batches * step.epochs:
        with torch.no_grad():
            mask.clamp_(0, 1)
        loss, mask.grad = loss_and_gradient(context, pair, mask, step.sparsity, run)
        adam.step()
        losses.append(loss)
        if len(losses) % step.check_every == 0 or len(losses) == len(batches) * step.epochs:
            best.consider(mask.detach().clamp(0, 1), len(losses), accuracy(context, validation, mask.detach(), run))
    return {
        "mask": best.mask.cpu().numpy(),
        "steps": np.array(best.steps, dtype=np.int64),
        "loss": np.array(losses, dtype=np.float32),
        "validation": np.array(best.seen, dtype=np.float32),
    }


def loss_and_gradient(
    context: Context, pair: MaskTensors, mask: Tensor, sparsity: float, run: MaskedPass
) -> tuple[float, Tensor]:
    """loss = - mean target logit + sparsity * sum(1 - m), and its gradient by the mask. -> (), (element)"""
    with torch.enable_grad():
        logits = run(pair, mask, gradient=True).float()
        context.check_logits(pair.batch.original, logits)
        loss = sparsity * (1 - mask).sum() - logits.gather(1, _targets(context, pair)).mean()
        (gradient,) = torch.autograd.grad(loss, mask)
    if not gradient.isfinite().all():
        raise NotFinite(type(context.step).__name__, None, 0, "the gradient of a batch")
    return float(loss.detach()), gradient


def accuracy(context: Context, pairs: Sequence[MaskTensors], mask: Tensor, run: MaskedPass) -> float:
    """How often the argmax is the target with the mask rounded, over the prompts of all batches."""
    right = prompts = 0
    for pair in pairs:
        logits = run(pair, mask.clamp(0, 1).round(), gradient=False)
        context.check_logits(pair.batch.original, logits)
        right += int((logits.argmax(-1) == _targets(context, pair)[:, 0]).sum())
        prompts += len(logits)
    return right / prompts


def _targets(context: Context, pair: MaskTensors) -> Tensor:
    return context.tensor(pair.batch.target)[:, None]


@define(eq=False)
class Best:
    """The best mask of the checks so far, the step it is of, and all accuracies."""

    mask: Tensor
    steps: int = 0
    seen: list[float] = field(factory=list)
    _rank: tuple[float, int] = (-1.0, -1)

    def consider(self, mask: Tensor, steps: int, accuracy: float) -> None:
        rank = accuracy, int((mask.round() == 0).sum())
        self.seen.append(accuracy)
        if rank >= self._rank:
            self.mask, self.steps, self._rank = mask, steps, rank
