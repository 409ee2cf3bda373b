"""`mask` becomes a training step for each group and desideratum: batches of originals, alternates, positions and
targets."""

from __future__ import annotations

from entrack.check.resolved import Group, Mask, Population
from entrack.plan.builder import batch_of, batches
from entrack.plan.lower.context import Lowering
from entrack.plan.lower.measured import token_of
from entrack.plan.plan import BATCH, MaskPlan
from entrack.plan.steps import Chosen, MaskBatch, TrainMask


def lower_mask(mask: Mask, lowering: Lowering) -> tuple[MaskPlan, ...]:
    """Add the training steps of a mask. Raises Unmakeable, and Deferred where its heads are not known."""
    return tuple(
        _train(mask, group, desideratum, lowering) for group in mask.circuit.groups for desideratum in mask.desiderata
    )


def _train(mask: Mask, group: Group, desideratum: str, lowering: Lowering) -> MaskPlan:
    model, sites = lowering.keys[mask.model], lowering.heads(group, mask.model)
    step = TrainMask(
        model=model,
        sites=sites if isinstance(sites, Chosen) else tuple(map(model.facts.canonical, sites)),
        train=_batches(mask.train[desideratum], group, mask.model, mask.batch, lowering),
        validate=_batches(mask.validate[desideratum], group, mask.model, BATCH, lowering),
        sparsity=mask.sparsity,
        epochs=mask.epochs,
        rate=mask.rate,
    )
    id = lowering.nodes.add(step, f"{mask.name}: mask over {group.name} for {desideratum}")
    lowering.masks[mask.name, group.name, desideratum] = id
    return MaskPlan(mask.name, group.name, desideratum, mask.model, id, group)


def _batches(population: Population, group: Group, model: str, size: int, lowering: Lowering) -> tuple[MaskBatch, ...]:
    pairs = lowering.prompts(population, model).pairs
    originals = tuple(pair.original for pair in pairs)
    alternates = tuple(pair.alternate for pair in pairs if pair.alternate is not None)
    return tuple(
        MaskBatch(
            original=batch_of(originals, many),
            alternate=batch_of(alternates, many),
            at=token_of(group.position, originals, many),
            alternate_at=token_of(group.position, alternates, many),
            target=tuple(originals[place].ids["target"][0] for place in many),
        )
        for many in batches(originals, [alternates], size)
    )
