"""Steps: the values that a run computes and the store keeps, one file a kind.

A step is content only: token ids, positions as indices, heads, digests. It names the values it needs by `Ref`, and
heads that are not known before a run by `Chosen`; `plan/bind.py` puts in what they turned out to be, and only then a
step has its address.

What the compiler, the store and the reports know of a kind is one record, `StepKind`, at the end of its file; `STEPS`
has them all. Another kind is another file and its record here, and a kernel in `engine/kernels/`.

Axes are written in the order (layer, prompt, token, head, d_head). Scores are not stored, outcomes are: a spec that
asks for another score of the same runs computes nothing.
"""

from __future__ import annotations

from typing import Any

from entrack.plan.batch import Batch, Indices, Position, Spans
from entrack.plan.refs import Chosen, Ref, Screened, Sites
from entrack.plan.steps.attention import ATTENTION, Attention
from entrack.plan.steps.attribute import ATTRIBUTE, Attribute
from entrack.plan.steps.capture import CAPTURE, Capture
from entrack.plan.steps.direct_attribution import DIRECT_ATTRIBUTION, DirectAttribution
from entrack.plan.steps.edits import (
    Add,
    At,
    BlockAttention,
    Change,
    Edit,
    Elsewhere,
    FromCapture,
    FromMean,
    FromNoise,
    FromVector,
    FromZero,
    Given,
    ProjectOut,
    Scale,
    Set,
    Source,
    Target,
    Term,
)
from entrack.plan.steps.evaluate import EVALUATE, Evaluate
from entrack.plan.steps.hop import Receivers
from entrack.plan.steps.kind import Comparison, StepKind
from entrack.plan.steps.lens import LENS, Lens
from entrack.plan.steps.loss import LOSS, Loss
from entrack.plan.steps.path_patch import PATH_PATCH, PathPatch
from entrack.plan.steps.race import Race
from entrack.plan.steps.screen import Screen
from entrack.plan.steps.select import Select
from entrack.plan.steps.statistic import Statistic
from entrack.plan.steps.sum_outputs import SUM_OUTPUTS, SumOutputs
from entrack.plan.steps.train_mask import TRAIN_MASK, MaskBatch, TrainMask

Step = Capture | SumOutputs | Evaluate | Loss | Attention | Lens | DirectAttribution | PathPatch | Attribute | TrainMask
"""What is computed with a model and stored."""
Choice = Screen | Race | Select
"""What turns outcomes into heads: computed from outcomes in an instant, never stored."""
Node = Step | Choice

STEPS: tuple[StepKind[Any], ...] = (
    CAPTURE,
    SUM_OUTPUTS,
    EVALUATE,
    LOSS,
    ATTENTION,
    LENS,
    DIRECT_ATTRIBUTION,
    PATH_PATCH,
    ATTRIBUTE,
    TRAIN_MASK,
)
"""Every kind of step."""
_BY_CLASS = {kind.step: kind for kind in STEPS}


def kind_of(step: Step) -> StepKind[Any]:
    """What is known of the kind of a step."""
    return _BY_CLASS[type(step)]


__all__ = [
    "STEPS",
    "Add",
    "At",
    "Attention",
    "Attribute",
    "Batch",
    "BlockAttention",
    "Capture",
    "Change",
    "Choice",
    "Chosen",
    "Comparison",
    "DirectAttribution",
    "Edit",
    "Elsewhere",
    "Evaluate",
    "FromCapture",
    "FromMean",
    "FromNoise",
    "FromVector",
    "FromZero",
    "Given",
    "Indices",
    "Lens",
    "Loss",
    "MaskBatch",
    "Node",
    "PathPatch",
    "Position",
    "ProjectOut",
    "Race",
    "Receivers",
    "Ref",
    "Scale",
    "Screen",
    "Screened",
    "Select",
    "Set",
    "Sites",
    "Source",
    "Spans",
    "Statistic",
    "Step",
    "StepKind",
    "SumOutputs",
    "Target",
    "Term",
    "TrainMask",
    "kind_of",
]
