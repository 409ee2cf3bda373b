"""Edits: what an evaluation sets, changes, keeps or blocks. Most are a target and a source: which sites are changed at
which tokens, and where the values are from."""

from __future__ import annotations

from attrs import field

from entrack.address import tagged
from entrack.frozen import frozen
from entrack.numbers import Numbers
from entrack.plan.batch import Indices, Position
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


@tagged("term", "factor sites captures")
@frozen
class Term:
    """What `sites`, all of one part, write to the residual stream, times `factor`: the mean over all prompts of the
    `captures` of these sites, in their order; over the tokens of each prompt first, where a capture has several."""

    factor: float
    sites: Sites
    captures: tuple[Ref, ...]


@tagged("given", "factor numbers")
@frozen
class Given:
    """A vector that is given by its numbers, as many as the residual stream is wide, times `factor`."""

    factor: float
    numbers: Numbers


@tagged("from-vector", "terms")
@frozen
class FromVector:
    """One vector of the residual stream: the sum of its terms. What is written is a head's output times its part of the
    output projection, a neuron times its row of the down projection, both without bias and with the weights of the
    model that is edited; an attention's or MLP's output, and the residual stream, are themselves."""

    terms: tuple[Term | Given, ...]


@tagged("from-noise", "sd seed numbers")
@frozen
class FromNoise:
    """Gaussian noise of standard deviation `sd`, independent in each coordinate of each site and token. Prompt i of the
    batch has the stream of (`seed`, `numbers[i]`, site), whatever runs beside it (docs/semantics.md)."""

    sd: float
    seed: int
    numbers: Indices = field(repr=False)


@tagged("at", "sites at reads")
@frozen
class At:
    """These sites, all of one part, at the token or the span `at` of each prompt, or, without one, at every token.

    With `reads` it is not the heads' outputs that are meant, but what they read: a query at `at`; a key or value at
    every token up to `at`, for the key/value heads that serve them. At every other token the outputs of all heads so
    served are then held at their own, so that only what happens at `at` changes. Only a `Set` has such a target.
    """

    sites: Sites
    at: Position
    reads: Part | None = None


@tagged("elsewhere", "kept parts")
@frozen
class Elsewhere:
    """All sites of these parts at all tokens, but for those kept. Where two `kept` name one token, both keep."""

    kept: tuple[At, ...]
    parts: tuple[Part, ...] = (Part.OUTPUT,)


Target = At | Elsewhere
Source = FromCapture | FromMean | FromZero | FromVector | FromNoise


@tagged("set", "target source")
@frozen
class Set:
    """Set a target to the values of a source."""

    target: Target
    source: Source


@tagged("add", "target source factor")
@frozen
class Add:
    """Add the values of a source, times `factor`, to what the model computed."""

    target: Target
    source: Source
    factor: float = 1.0


@tagged("project-out", "target source")
@frozen
class ProjectOut:
    """Take away the part along the direction of the source's values, of a target as wide as the residual stream."""

    target: Target
    source: Source


@tagged("scale", "target factor")
@frozen
class Scale:
    """Multiply what the model computed by `factor`."""

    target: Target
    factor: float


@tagged("block-attention", "first last reader read")
@frozen
class BlockAttention:
    """No head of layers `first` to `last` (both included) attends from the token `reader` of each prompt to its
    tokens `read`."""

    first: int
    last: int
    reader: Indices
    read: tuple[Indices, ...]


Change = Set | Add | ProjectOut | Scale
"""An edit that changes what stands at sites."""
Edit = Change | BlockAttention


def part_of(target: At) -> Part:
    """The part that a target's sites are of; heads, while they are not known."""
    if target.reads is not None:
        return target.reads
    return target.sites[0].part if isinstance(target.sites, tuple) and target.sites else Part.OUTPUT


def elsewhere_of(edits: tuple[Edit, ...]) -> list[tuple[Elsewhere, Source]]:
    """What sets all sites of some parts, and to what."""
    several = [(edit.target, edit.source) for edit in edits if isinstance(edit, Set)]
    return [(target, source) for target, source in several if isinstance(target, Elsewhere)]


WORDS = {
    Set: "",
    Add: "added to",
    ProjectOut: "projected out of",
    Scale: "scaled",
    At: "heads",
    Elsewhere: "all other heads",
    BlockAttention: "attention, blocked",
    FromCapture: "to a capture",
    FromMean: "to a mean",
    FromZero: "to zero",
    FromVector: "a vector",
    FromNoise: "noise",
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
    "parts": "component",
    "factor": "edits",
    "sd": "edits",
    "seed": "edits",
    "numbers": "edits",
}
"""Which part of a key the fields of edits belong to, by their tags, where they are not called like it."""
BRANCHES = {"kept": "edits", "source": "edits", "target": "edits", "terms": "edits"}
"""Fields whose own fields belong to several parts."""
