"""Attribution patching: path patching of all heads or MLPs, estimated from gradients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from entrack.address import tagged
from entrack.frozen import frozen
from entrack.models.key import ModelKey
from entrack.plan.batch import Batch, Indices
from entrack.plan.refs import Ref
from entrack.plan.schedule import ForwardPass
from entrack.plan.steps.hop import Receivers, hop, reaches_nothing
from entrack.plan.steps.kind import StepKind
from entrack.plan.steps.runs import at
from entrack.plan.value_forms import Array, Form
from entrack.sites import Part, Site

PREFIX = {Part.OUTPUT: "", Part.MLP: "mlp_"}
"""What the names of a part's arrays begin with."""


@tagged("attribute", "model batch asked at alternate receivers steps mlps")
@frozen
class Attribute:
    """What one hop of path patching would give for every head or MLP of every layer, estimated from gradients
    (definition: docs/semantics.md).

    The fields are those of `PathPatch`; `alternate` are captured heads and `mlps` captured MLPs, None where these do
    not send. `steps` are the points between clean and alternate at which the gradient is taken, 0 for the clean run
    itself. Attribution patching: Nanda 2023, arXiv:2310.10348; with integrated gradients, arXiv:2403.17806. -> the
    estimated change of each, float32: of heads `logit`, `log_probability` (layer, head, prompt, k); of MLPs
    `mlp_logit`, `mlp_log_probability` (layer, prompt, k).
    """

    model: ModelKey
    batch: Batch
    asked: tuple[tuple[int, ...], ...]
    at: Indices
    alternate: Ref | None
    receivers: tuple[Receivers, ...]
    steps: int = 0
    mlps: Ref | None = None

    @property
    def senders(self) -> tuple[Part, ...]:
        """The parts that send."""
        known = {Part.OUTPUT: self.alternate, Part.MLP: self.mlps}
        return tuple(part for part, alternate in known.items() if alternate is not None)

    @property
    def lowest(self) -> tuple[Site, ...]:
        """The senders that reach the most."""
        return tuple(Site(0, part) for part in self.senders)


def _expand(step: Attribute) -> Iterator[ForwardPass]:
    layers = range(step.model.facts.layers)
    senders = tuple(place for part in step.senders for place in at(layers, step.at, part))
    return hop(step, senders, times=max(1, step.steps), backward=len(step.asked[0]) + 1)


def _form(step: Attribute) -> Form:
    facts, rest = step.model.facts, (step.batch.prompts, len(step.asked[0]))
    axes = {Part.OUTPUT: (facts.layers, facts.heads), Part.MLP: (facts.layers,)}
    return {
        f"{PREFIX[part]}{name}": Array("float32", (*axes[part], *rest))
        for part in step.senders
        for name in ("logit", "log_probability")
    }


def _nbytes(step: Attribute, nodes: Mapping[str, object]) -> int:
    facts = step.model.facts
    senders = facts.layers * sum(facts.heads if part is Part.OUTPUT else 1 for part in step.senders)
    return 8 * senders * step.batch.prompts * len(step.asked[0])


def _known_zero(step: Attribute) -> bool:
    return reaches_nothing(step, step.lowest)


ATTRIBUTE = StepKind(
    Attribute,
    "an estimate of path patching",
    1,
    _expand,
    _form,
    _nbytes,
    parts={"at": "positions", "steps": "gradient", "mlps": "upstream"},
    known_zero=_known_zero,
    half_version=1,
)
