"""Direct logit attribution: what each head, attention and MLP adds to logits, with edits in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from entrack.address import tagged
from entrack.frozen import frozen
from entrack.models.key import ModelKey
from entrack.plan.batch import Batch, Indices
from entrack.plan.schedule import ForwardPass, Role
from entrack.plan.steps import edits
from entrack.plan.steps.edits import Edit
from entrack.plan.steps.kind import StepKind
from entrack.plan.steps.runs import run
from entrack.plan.value_forms import Array, Form


@tagged("direct-attribution", "model batch at asked edits")
@frozen
class DirectAttribution:
    """Shares of the logits of the tokens `asked`, at the token `at` of each prompt, with the scale of the final norm
    held: of each head without the output projection's bias, of what each attention and each MLP gives, of the
    embedding, and of the biases of the final norm and the unembedding. Those of attentions, MLPs, embedding and biases
    add up to the logits.

    -> `output` float32 (layer, head, prompt, k); `attention`, `mlp` float32 (layer, prompt, k); `embedding`, `bias`
    float32 (prompt, k)
    """

    model: ModelKey
    batch: Batch
    at: Indices
    asked: tuple[tuple[int, ...], ...]
    edits: tuple[Edit, ...] = ()


def _expand(step: DirectAttribution) -> Iterator[ForwardPass]:
    yield run(step, Role.EDITED, logits=False)


def _form(step: DirectAttribution) -> Form:
    facts, each = step.model.facts, (step.batch.prompts, len(step.asked[0]))
    return {
        "output": Array("float32", (facts.layers, facts.heads, *each)),
        "attention": Array("float32", (facts.layers, *each)),
        "mlp": Array("float32", (facts.layers, *each)),
        "embedding": Array("float32", each),
        "bias": Array("float32", each),
    }


def _nbytes(step: DirectAttribution, nodes: Mapping[str, object]) -> int:
    rows = step.model.facts.layers * (step.model.facts.heads + 2) + 2
    return 4 * rows * step.batch.prompts * len(step.asked[0])


DIRECT_ATTRIBUTION = StepKind(
    DirectAttribution,
    "a direct logit attribution",
    1,
    _expand,
    _form,
    _nbytes,
    parts=edits.PARTS,
    branches={"edits": "edits", **edits.BRANCHES},
)
