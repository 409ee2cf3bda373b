"""Edits: what an evaluation sets, keeps or blocks. What sets is a target and a source: which sites are set at which
tokens, and where their values are from."""

from __future__ import annotations

from attrs import frozen

from entrack.address import tagged
from entrack.plan.batch import Indices
from entrack.plan.refs import Ref, Sites
from entrack.sites import Part


@tagged("from-capture", "capture")
@frozen
class FromCapture:
    """The values of a `Capture`, of all its sites or of those that are set; prompt i of the batch takes prompt i of the
    capture. For a target of every token the capture is of every token."""

    capture: Ref


@tagged("from-mean", "sums")
@frozen
class FromMean:
    """The mean at the same token index: the `SumOutputs` added up and divided by their counts."""

    sums: tuple[Ref, ...]


@tagged("from-zero")
@frozen
class FromZero:
    """Zero."""


@tagged("at", "sites at reads")
@frozen
class At:
    """These sites, all of one part, at the token `at` of each prompt, or, without one, at every token.

    With `reads` it is not the heads' outputs that are meant, but what they read: a query at `at`; a key or value at
    every token up to `at`, for the key/value heads that serve them. At every other token the outputs of all heads so
    served are then held at their own, so that only what happens at `at` changes.
    """

    sites: Sites
    at: Indices | None
    reads: Part | None = None


@tagged("elsewhere", "kept")
@frozen
class Elsewhere:
    """The outputs of all heads at all tokens, but for those kept. Where two `kept` name one token, both keep."""

    kept: tuple[At, ...]


Source = FromCapture | FromMean | FromZero


@tagged("set", "target source")
@frozen
class Set:
    """Set a target to the values of a source."""

    target: At | Elsewhere
    source: Source


@tagged("block-attention", "first last reader read")
@frozen
class BlockAttention:
    """No head of layers `first` to `last` (both included) attends from the token `reader` of each prompt to its
    tokens `read`."""

    first: int
    last: int
    reader: Indices
    read: tuple[Indices, ...]


Edit = Set | BlockAttention


def part_of(target: At) -> Part:
    """The part that a target's sites are of; heads, while they are not known."""
    if target.reads is not None:
        return target.reads
    return target.sites[0].part if isinstance(target.sites, tuple) and target.sites else Part.OUTPUT


def elsewhere_of(edits: tuple[Edit, ...]) -> list[Set]:
    """The edits that set all heads."""
    return [edit for edit in edits if isinstance(edit, Set) and isinstance(edit.target, Elsewhere)]


WORDS = {
    Set: "",
    At: "heads",
    Elsewhere: "all other heads",
    BlockAttention: "attention, blocked",
    FromCapture: "to a capture",
    FromMean: "to a mean",
    FromZero: "to zero",
}
"""What an edit sets, and to what."""
PARTS = {
    "at": "positions",
    "sites": "heads",
    "reads": "component",
    "reader": "positions",
    "read": "positions",
    "first": "layers",
    "last": "layers",
}
"""Which part of a key the fields of edits belong to, by their tags, where they are not called like it."""
BRANCHES = {"kept": "edits", "source": "edits", "target": "edits"}
"""Fields whose own fields belong to several parts."""
