"""Steps: the values that a run computes and the store keeps.

A step is content only: token ids, positions as indices, heads, digests. It names the values it needs by `Ref`, and
heads that are not known before a run by `Chosen`; `plan/bind.py` puts in what they turned out to be, and only then a
step has its address. A step's `version` is raised by hand whenever its kernel would compute other numbers.

Axes are written in the order (layer, prompt, token, head, d_head). Scores are not stored, outcomes are: a spec that
asks for another score of the same runs computes nothing.
"""

from __future__ import annotations

from typing import ClassVar

from attrs import Attribute as Field
from attrs import field, frozen

from entrack.address import Digested, tagged
from entrack.models.key import ModelKey
from entrack.sites import Component, Head


@tagged("ref", "id")
@frozen
class Ref:
    """The value of another step: its node in a plan, or, in a bound step, the SHA-256 of that value's bytes."""

    id: str


@tagged("chosen", "id")
@frozen
class Chosen:
    """The heads that a `Select` node keeps; in a bound step a tuple of heads stands in its place."""

    id: str


@tagged("screened", "id most")
@frozen
class Screened:
    """The heads that a `Screen` node lets through, `most` in all layers together; in a bound step its own layer's
    stand in its place."""

    id: str
    most: int


Heads = tuple[Head, ...] | Chosen
Indices = tuple[int, ...]
"""One token index per prompt of a batch."""


def _rectangular(_: object, __: Field[tuple[tuple[int, ...], ...]], tokens: tuple[tuple[int, ...], ...]) -> None:
    lengths = sorted({len(prompt) for prompt in tokens})
    if len(lengths) != 1 or not lengths[0]:
        said = " and ".join(f"{length}" for length in lengths) or "no"
        raise ValueError(f"prompts that run together need one token length, at least 1; these have {said} tokens")


@tagged("batch", "tokens")
@frozen(slots=False)
class Batch(Digested):
    """Prompts that run together: token ids, prompts x tokens, all of one length. Raises ValueError where they are
    not."""

    tokens: tuple[tuple[int, ...], ...] = field(repr=False, validator=_rectangular)

    @property
    def prompts(self) -> int:
        return len(self.tokens)

    @property
    def length(self) -> int:
        return len(self.tokens[0])


@tagged("capture", "model batch at heads")
@frozen
class Capture:
    """Head outputs at one token per prompt. -> `z` float32 (layer, prompt, head, d_head); of some `heads` only,
    (head, prompt, d_head) in their order."""

    version: ClassVar[int] = 1
    model: ModelKey
    batch: Batch
    at: Indices
    heads: Heads | None = None


@tagged("sum-outputs", "model batch")
@frozen
class SumOutputs:
    """Head outputs summed over a batch, at each token. -> `sum` float64 (layer, token, head, d_head), `count` int64
    ()."""

    version: ClassVar[int] = 1
    model: ModelKey
    batch: Batch


@tagged("from-capture", "capture")
@frozen
class FromCapture:
    """Take head outputs from a `Capture`, of all heads or of those that are set; prompt i of the batch takes prompt
    i of the capture."""

    capture: Ref


@tagged("from-mean", "sums")
@frozen
class FromMean:
    """Take the mean of head outputs at the same token index: the `SumOutputs` added up and divided by their counts."""

    sums: tuple[Ref, ...]


@tagged("from-zero")
@frozen
class FromZero:
    """Take zero."""


@tagged("set-heads", "heads at source")
@frozen
class SetHeads:
    """Set the outputs of `heads` at the token `at` of each prompt."""

    heads: Heads
    at: Indices
    source: FromCapture | FromMean | FromZero


@tagged("kept", "heads at")
@frozen
class Kept:
    """Heads that keep their own output at the token `at` of each prompt."""

    heads: Heads
    at: Indices


@tagged("set-elsewhere", "kept source")
@frozen
class SetElsewhere:
    """Set the outputs of all heads at all tokens, but for those kept. Where two `kept` name one token, both keep."""

    kept: tuple[Kept, ...]
    source: FromMean | FromZero


@tagged("capture-inputs", "model batch component at heads")
@frozen
class CaptureInputs:
    """A component of all heads. A query at one token per prompt, keys and values at every token, before rotary
    embedding.

    -> `query` float32 (layer, prompt, head, d_head), or `key` or `value` float32 (layer, prompt, token, key/value head,
    d_head); of some `heads` only, (head, prompt, d_head) or (head, prompt, token, d_head) in their order, of a key or
    value that of the head that serves it.
    """

    version: ClassVar[int] = 1
    model: ModelKey
    batch: Batch
    component: Component
    at: Indices
    heads: Heads | None = None


@tagged("set-inputs", "heads at component inputs")
@frozen
class SetInputs:
    """Set what `heads` read at the token `at` of each prompt to that of a `CaptureInputs` on the same tokens.

    A query is set at `at`; a key or value at every token up to `at`, for the key/value heads that serve `heads`. At
    every other token the outputs of all heads so served are held at their own, so that only what happens at `at`
    changes.
    """

    heads: Heads
    at: Indices
    component: Component
    inputs: Ref


@tagged("block-attention", "first last reader read")
@frozen
class BlockAttention:
    """No head of layers `first` to `last` (both included) attends from the token `reader` of each prompt to its
    tokens `read`."""

    first: int
    last: int
    reader: Indices
    read: tuple[Indices, ...]


Edit = SetHeads | SetElsewhere | SetInputs | BlockAttention


@tagged("evaluate", "model batch edits asked")
@frozen
class Evaluate:
    """One forward pass per batch with edits in force, read at the last token.

    `asked` holds, prompt by prompt, the token ids that outcomes are wanted for (prompts x k).
    -> `top` int64 (prompt): the argmax token; `logit`, `log_probability` float32 (prompt, k).
    """

    version: ClassVar[int] = 1
    model: ModelKey
    batch: Batch
    edits: tuple[Edit, ...]
    asked: tuple[tuple[int, ...], ...]


@tagged("receivers", "component heads")
@frozen
class Receivers:
    """The `component` of these heads, at the sender's position. Key and value name the key/value head that serves a
    head."""

    component: Component
    heads: Heads


@tagged("path-patch", "model batch asked at layer alternate receivers senders")
@frozen
class PathPatch:
    """One hop of path patching for heads of one layer, on one batch (definition: docs/semantics.md).

    `batch` are the originals, `at` the senders' token in each; `alternate` is a `Capture` on the alternates, prompt by
    prompt, at their token of that position. No `receivers` means the logits at the last token. `senders` None means all
    heads of the layer. -> `top` int64 (head, prompt); `logit`, `log_probability` float32 (head, prompt, k), a row for
    each sender in order.
    """

    version: ClassVar[int] = 1
    model: ModelKey
    batch: Batch
    asked: tuple[tuple[int, ...], ...]
    at: Indices
    layer: int
    alternate: Ref
    receivers: tuple[Receivers, ...]
    senders: tuple[Head, ...] | Screened | None = None


@tagged("attribute", "model batch asked at alternate receivers steps")
@frozen
class Attribute:
    """What one hop of path patching would give for every head of every layer, estimated from gradients (definition:
    docs/semantics.md).

    The fields are those of `PathPatch`; `steps` are the points between clean and alternate at which the gradient is
    taken, 0 for the clean run itself. Attribution patching: Nanda 2023, arXiv:2310.10348; with integrated gradients,
    arXiv:2403.17806. -> `logit`, `log_probability` float32 (layer, head, prompt, k): the estimated change of each.
    """

    version: ClassVar[int] = 1
    model: ModelKey
    batch: Batch
    asked: tuple[tuple[int, ...], ...]
    at: Indices
    alternate: Ref
    receivers: tuple[Receivers, ...]
    steps: int = 0


@tagged("screen", "score through check seed hop layers heads clean estimates receivers")
@frozen
class Screen:
    """The heads of a hop that are run: the `through` with the lowest mean estimate, and `check` of the others, drawn by
    (`seed`, `hop`).

    `score` is one that `analysis.outcomes.score` knows; `clean` and `estimates` are `Evaluate`s and `Attribute`s per
    batch. Heads that cannot reach a receiver, by the heads that `receivers` chose, are not among any of them. Computed
    in an instant, never stored.
    """

    score: str
    through: int
    check: int
    seed: int
    hop: int
    layers: int
    heads: int
    clean: tuple[Ref, ...]
    estimates: tuple[Ref, ...]
    receivers: tuple[Chosen, ...] = ()


@tagged("select", "score keep layers heads clean patched taken screen")
@frozen
class Select:
    """The `keep` heads with the lowest mean score below zero. Computed from outcomes in an instant, never stored.

    `score` is one that `analysis.outcomes.score` knows; `clean` and `patched` are the outcomes per batch (and per
    layer). `layers` and `heads` give the shape of the scores; a layer whose step cannot reach the receivers has score
    exactly 0.
    """

    score: str
    keep: int
    layers: int
    heads: int
    clean: tuple[Ref, ...]
    patched: tuple[tuple[Ref, ...], ...]
    """Per layer, per batch."""
    taken: tuple[Chosen, ...] = ()
    """Earlier groups at the same position: they keep the heads that they have."""
    screen: Screened | None = None
    """What says which heads were run, where not all were."""


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


@tagged("train-mask", "model heads train validate sparsity epochs rate check_every")
@frozen
class TrainMask:
    """A mask over heads for one desideratum (desiderata-based component masking; definition: docs/semantics.md).

    m in [0, 1] per head starts at 1; z = m z_original + (1 - m) z_alternate at the heads' token; loss = - mean target
    logit + sparsity * sum(1 - m); Adam, clamped to [0, 1] before each step; every `check_every` steps the rounded mask
    is scored on `validate` and the best is kept, on a tie the one that patches more heads. -> `mask` float32 (head):
    the best mask before rounding; `steps` int64 (): the step it is of; `loss` float32 (step); `validation` float32
    (check): accuracies.
    """

    version: ClassVar[int] = 1
    model: ModelKey
    heads: Heads
    train: tuple[MaskBatch, ...]
    validate: tuple[MaskBatch, ...]
    sparsity: float
    epochs: int
    rate: float
    check_every: int = 4


Step = Capture | CaptureInputs | SumOutputs | Evaluate | PathPatch | Attribute | TrainMask
"""What is computed with a model and stored."""
Choice = Screen | Select
"""What turns outcomes into heads."""
Node = Step | Choice
