"""Edits: what an evaluation sets, keeps or blocks, and where the values come from."""

from __future__ import annotations

from attrs import frozen

from entrack.address import tagged
from entrack.plan.batch import Indices
from entrack.plan.refs import Heads, Ref
from entrack.sites import Component


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

WORDS = {
    SetHeads: "heads",
    SetElsewhere: "all other heads",
    SetInputs: "what heads read",
    BlockAttention: "attention, blocked",
    FromCapture: "to a capture",
    FromMean: "to a mean",
    FromZero: "to zero",
}
"""What an edit sets, and to what."""
PARTS = {"at": "positions", "reader": "positions", "read": "positions", "first": "layers", "last": "layers"}
"""Which part of a key the fields of edits belong to, by their tags, where they are not called like it."""
BRANCHES = {"kept": "edits", "source": "edits"}
"""Fields whose own fields belong to several parts."""
