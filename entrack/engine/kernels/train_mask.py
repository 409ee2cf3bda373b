"""TrainMask: a mask over sites for one desideratum (desiderata-based component masking; docs/semantics.md).

A batch's originals run with z = m z_original + (1 - m) z_alternate at the sites' token, m in [0, 1] per site.
z_original is what the site gives in that very pass, with the sites before it mixed; z_alternate is from a clean run,
captured once. Only the mask is trained. m rounds to 0 up to 0.5, and a site whose m does takes the alternate's output;
of two checks with the same accuracy and as many such sites the later one is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from attrs import define, field, frozen
from torch import Tensor

from entrack.engine.context import Context
from entrack.engine.gradients import gradients
from entrack.engine.inputs import Arrays, Inputs, bound
from entrack.engine.tracing import Read
from entrack.engine.writes import Write
from entrack.plan.steps import MaskBatch, TrainMask
from entrack.sites import Site


@frozen(eq=False)
class Group:
    """The sites that a mask is over: which of its elements are of a part of a layer, and which of its heads or neurons
    they are; no numbers where the one element is the whole part."""

    sites: tuple[Site, ...]
    elements: Mapping[Site, Tensor]
    numbers: Mapping[Site, Tensor]

    @classmethod
    def of(cls, context: Context, sites: tuple[Site, ...]) -> Group:
        elements: dict[Site, list[int]] = {}
        for element, site in enumerate(sites):
            elements.setdefault(Site(site.layer, site.part), []).append(element)
        numbers = {
            part: [index for element in elements[part] if (index := sites[element].index) is not None]
            for part in sorted(elements)
        }
        return cls(
            sites,
            {part: context.tensor(elements[part]) for part in numbers},
            {part: context.tensor(of_part) for part, of_part in numbers.items() if of_part},
        )

    def own(self, part: Site, value: Tensor) -> Tensor:
        """The elements of a part, out of what stands there: (prompt, head, d_head) -> (prompt, element, d_head),
        (prompt, d_mlp) -> (prompt, element), or (prompt, d_model) as it is."""
        return value[:, self.numbers[part]] if part in self.numbers else value


@frozen(eq=False)
class MaskTensors:
    """A batch made ready: what its alternates give at the sites, as `Group.own` has it, in float32."""

    batch: MaskBatch
    alternate: Mapping[Site, Tensor]

    @classmethod
    def of(cls, context: Context, group: Group, batch: MaskBatch) -> MaskTensors:
        if not group.sites:
            return cls(batch, {})
        at = context.tensor(batch.alternate_at)
        reads = [Read(part, at) for part in group.elements]
        values = context.forward(batch.alternate, reads=reads, logits=False).values
        for part in group.elements:
            context.check(values[part], part.layer)
        return cls(batch, {part: group.own(part, values[part]).float() for part in group.elements})


class MaskedPass(Protocol):
    """Logits at the last token of a batch's originals with a mask in force. -> (prompt, vocabulary)"""

    def __call__(self, pair: MaskTensors, mask: Tensor, *, gradient: bool) -> Tensor: ...


def train_mask(context: Context, step: TrainMask, inputs: Inputs) -> Arrays:
    """-> `mask` float32 (site); `steps` int64 (); `loss` float32 (step); `validation` float32 (check)"""
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
    original = pair.batch.original
    here = context.tensor(range(since, original.length)) == context.tensor(pair.batch.at)[:, None]
    return [_mixed(context, group, part, here, pair.alternate[part], mask) for part in group.elements]


def _mixed(context: Context, group: Group, part: Site, here: Tensor, alternate: Tensor, mask: Tensor) -> Write:
    """What a mask sets at a part of a layer, `here`, bool (prompt, token). `alternate` is what is its own there."""
    own, beyond = mask[group.elements[part]], alternate.dim() - 2
    if part in group.numbers:
        numbers, every = group.numbers[part], context.model.heads(part.part) if beyond else context.model.facts.d_mlp
        own = torch.ones(every, device=mask.device).index_copy(0, numbers, own)
        whole = torch.zeros(len(alternate), every, *alternate.shape[2:], device=mask.device)
        alternate = whole.index_copy(1, numbers, alternate)
        named = torch.zeros(every, dtype=torch.bool, device=mask.device).index_fill(0, numbers, value=True)
    else:
        named = torch.ones(1, dtype=torch.bool, device=mask.device)
    shape = (-1, *(1,) * beyond)
    wide = here.view(*here.shape, 1, *(1,) * beyond) & named.view(shape)
    return Write(part, wide, alternate[:, None], own=own.view(shape))


def train(context: Context, step: TrainMask, group: Group, run: MaskedPass) -> Arrays:
    """The published schedule, with `run` as the way to run a batch. Raises NotFinite."""
    batches = [MaskTensors.of(context, group, batch) for batch in step.train]
    validation = [MaskTensors.of(context, group, batch) for batch in step.validate]
    mask = torch.ones(len(group.sites), device=context.model.device, requires_grad=True)
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
        (gradient,) = gradients(loss, (mask,), context.model.dtype, again=False)
    if not gradient.isfinite().all():
        raise context.not_finite(None, 0, "the gradient of a batch")
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
