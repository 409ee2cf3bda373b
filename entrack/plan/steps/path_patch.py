"""Path patching: one hop, for heads or the MLP of one layer, on one batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import evolve

from entrack.address import tagged
from entrack.frozen import frozen
from entrack.models.key import ModelKey
from entrack.plan.batch import Batch, Indices
from entrack.plan.refs import Ref, Screened
from entrack.plan.schedule import ForwardPass
from entrack.plan.steps.hop import Receivers, hop, reaches_nothing
from entrack.plan.steps.kind import Comparison, StepKind
from entrack.plan.steps.runs import at
from entrack.plan.steps.statistic import Statistic, bytes_each, with_statistics
from entrack.plan.value_forms import OUTCOME_BYTES, Form
from entrack.sites import Part, Site


@tagged("path-patch", "model batch asked at layer alternate receivers senders part also")
@frozen
class PathPatch:
    """One hop of path patching for heads or the MLP of one layer, on one batch (definition: docs/semantics.md).

    `batch` are the originals, `at` the senders' token in each; `alternate` is a `Capture` of the senders' `part` on the
    alternates, prompt by prompt, at their token of that position. No `receivers` means the logits at the last token.
    `senders` None means all of the layer. -> `top` int64 (sender, prompt); `logit`, `log_probability` float32 (sender,
    prompt, k), a row for each sender in order; and the statistics that are `also` wanted, under their names.
    """

    model: ModelKey
    batch: Batch
    asked: tuple[tuple[int, ...], ...]
    at: Indices
    layer: int
    alternate: Ref
    receivers: tuple[Receivers, ...]
    senders: tuple[Site, ...] | Screened | None = None
    part: Part = Part.OUTPUT
    also: tuple[Statistic, ...] = ()

    @property
    def site(self) -> Site:
        """All that could send."""
        return Site(self.layer, self.part)


def most_senders(step: PathPatch) -> int:
    """How many senders of its part a layer has."""
    return step.model.facts.heads if step.part is Part.OUTPUT else 1


def senders_of(step: PathPatch) -> int:
    """How many senders are patched. In which layers those of a screen will be is not known: they are counted evenly."""
    if isinstance(step.senders, Screened):
        each, rest = divmod(step.senders.most, step.model.facts.layers)
        return min(most_senders(step), each + (step.layer < rest))
    return most_senders(step) if step.senders is None else len(step.senders)


def _expand(step: PathPatch) -> Iterator[ForwardPass]:
    return hop(step, at([step.layer], step.at, step.part), variants=senders_of(step))


def _form(step: PathPatch) -> Form:
    if isinstance(step.senders, Screened):
        raise ValueError("the senders that a screen lets through are not known")
    rows = senders_of(step), step.batch.prompts
    return with_statistics(rows, len(step.asked[0]), step.model.facts.vocabulary, step.also)


def _nbytes(step: PathPatch, nodes: Mapping[str, object]) -> int:
    return (OUTCOME_BYTES + bytes_each(step.also)) * step.batch.prompts * senders_of(step)


def _known_zero(step: PathPatch) -> bool:
    return reaches_nothing(step, [step.site])


def _nothing_is_left(step: PathPatch) -> bool:
    """A screen let no sender of the layer through."""
    return step.senders == ()


def _settled(step: PathPatch) -> PathPatch:
    """With the senders of its own layer, None where these are all: the address follows from what is run, not from what
    a screen let through elsewhere."""
    if not isinstance(step.senders, tuple):
        return step
    own = tuple(sorted(site for site in step.senders if (site.layer, site.part) == (step.layer, step.part)))
    return evolve(step, senders=None if len(own) == most_senders(step) else own)


PATH_PATCH = StepKind(
    PathPatch,
    "path patching, one layer",
    1,
    _expand,
    _form,
    _nbytes,
    Comparison.OUTCOMES,
    parts={"at": "positions", "layer": "layers", "part": "senders"},
    known_zero=_known_zero,
    nothing_is_left=_nothing_is_left,
    settled=_settled,
)
