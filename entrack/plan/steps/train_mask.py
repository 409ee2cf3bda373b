"""A mask over sites, trained for one desideratum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from entrack.address import tagged
from entrack.frozen import frozen
from entrack.models.key import ModelKey
from entrack.plan.batch import Batch, Indices
from entrack.plan.refs import Chosen, Sites
from entrack.plan.schedule import ForwardPass, Place, Role
from entrack.plan.steps.kind import Comparison, StepKind
from entrack.plan.steps.runs import at, layers_of, run_on
from entrack.plan.value_forms import Array, Form, count
from entrack.sites import Part


@tagged("mask-batch", "original alternate at alternate_at target")
@frozen
class MaskBatch:
    """Originals and alternates that run together while a mask is trained or scored, with the token expected when it
    patches."""

    original: Batch
    alternate: Batch
    at: Indices
    alternate_at: Indices
    target: Indices


@tagged("train-mask", "model sites train validate sparsity epochs rate check_every")
@frozen
class TrainMask:
    """A mask over sites for one desideratum (desiderata-based component masking; definition: docs/semantics.md).

    m in [0, 1] per site starts at 1; z = m z_original + (1 - m) z_alternate at the sites' token; loss = - mean target
    logit + sparsity * sum(1 - m); Adam, clamped to [0, 1] before each step; every `check_every` steps the rounded mask
    is scored on `validate` and the best is kept, on a tie the one that patches more sites. -> `mask` float32 (site):
    the best mask before rounding; `steps` int64 (): the step it is of; `loss` float32 (step); `validation` float32
    (check): accuracies.
    """

    model: ModelKey
    sites: Sites
    train: tuple[MaskBatch, ...]
    validate: tuple[MaskBatch, ...]
    sparsity: float
    epochs: int
    rate: float
    check_every: int = 4


def _expand(step: TrainMask) -> Iterator[ForwardPass]:
    checks = -(-_steps(step) // step.check_every)
    for batch in step.train:
        yield _mixed(step, batch, Role.TRAINED, times=step.epochs, backward=1)
        yield _alternates(step, batch)
    for batch in step.validate:
        yield _mixed(step, batch, Role.CHECKED, times=checks)
        yield _alternates(step, batch)


def _mixed(step: TrainMask, batch: MaskBatch, role: Role, **more: int) -> ForwardPass:
    """A pass over the originals, with the sites between their own outputs and those of the alternates."""
    changed = _places(step, batch.at)
    return run_on(step.model, batch.original, role, takes=Role.ALTERNATES, changed=changed, **more)


def _alternates(step: TrainMask, batch: MaskBatch) -> ForwardPass:
    read = _places(step, batch.alternate_at)
    return run_on(step.model, batch.alternate, Role.ALTERNATES, read=read, logits=False)


def _places(step: TrainMask, token: Indices) -> tuple[Place, ...]:
    """Where a mask's sites stand; heads in any layer while they are not known."""
    if isinstance(step.sites, Chosen):
        return at(layers_of(step.model, step.sites), token, step.sites.part or Part.OUTPUT)
    by_part: dict[Part, set[int]] = {}
    for site in step.sites:
        by_part.setdefault(site.part, set()).add(site.layer)
    return tuple(place for part, layers in sorted(by_part.items()) for place in at(sorted(layers), token, part))


def _steps(step: TrainMask) -> int:
    return step.epochs * len(step.train)


def _form(step: TrainMask) -> Form:
    steps = _steps(step)
    return {
        "mask": Array("float32", (count(step.sites),), 0, 1),
        "steps": Array("int64", (), min(step.check_every, steps), steps),
        "loss": Array("float32", (steps,)),
        "validation": Array("float32", (-(-steps // step.check_every),), 0, 1),
    }


def _nbytes(step: TrainMask, nodes: Mapping[str, object]) -> int:
    return 4 * _steps(step) * 2


def _no_batch(step: TrainMask) -> None:
    """It has several."""


TRAIN_MASK = StepKind(
    TrainMask,
    "a trained mask",
    1,
    _expand,
    _form,
    _nbytes,
    Comparison.PATCHED_HEADS,
    parts={
        "at": "positions",
        "sites": "heads",
        "alternate_at": "positions",
        "target": "asked",
        "sparsity": "training",
        "epochs": "training",
        "rate": "training",
        "check_every": "training",
    },
    branches={"train": "tokens", "validate": "tokens"},
    batch=_no_batch,
    half_version=1,
)
