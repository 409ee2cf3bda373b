"""Work: the forward passes that a step makes, and how much of each is run.

`plan/expand.py` writes down the passes as the plain executor makes them; the passes of the compiler (`plan/passes/`) then take
away what cannot change. The batched executor runs what is left; `entrack plan --explain` shows what was taken away, and why.

Forward passes are `Run`s here, so that "pass" is the compiler's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import evolve, field, frozen

from entrack.facts import ModelFacts
from entrack.plan.steps import Batch, Indices

BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}


@frozen
class Every:
    """All tokens of each prompt."""

    def of(self, prompt: int, length: int) -> range:
        return range(length)


@frozen
class From:
    """A prompt's tokens from its `at` on."""

    at: Indices = field(repr=False)

    def of(self, prompt: int, length: int) -> range:
        return range(self.at[prompt], length)


@frozen
class Only:
    """These tokens of each prompt, in rising order; of equal number, so that a token may be named twice."""

    at: tuple[Indices, ...] = field(repr=False)

    def of(self, prompt: int, length: int) -> Indices:
        return self.at[prompt]


Tokens = Every | From | Only


@frozen
class Place:
    """Tokens at a layer."""

    layer: int
    tokens: Tokens


@frozen
class Run:
    """Forward passes of one shape: `variants` of each prompt, `times` over.

    What they are: something is set at the places `changed`; with `held`, all other heads are set at those tokens, in every layer, to what is
    known before, but for the heads `free`, which are computed. Read are `read`, or the logits at the last token.

    How much is run: the layers from `first` to before `end`, at `tokens`, with attention computed in the layers `attention`; prompts of one
    of the `groups` together, at most `at_once` rows (0: all). `shared` names what other steps make too, so that it is made once; `base` the run
    with all heads held that this one differs from at the places of `free` and `changed`. `notes` say what was taken away and why.
    """

    name: str
    batch: Batch
    facts: ModelFacts
    dtype: str
    variants: int = 1
    times: int = 1
    backward: bool = False
    changed: tuple[Place, ...] = ()
    held: Tokens | None = None
    free: tuple[Place, ...] = ()
    read: tuple[Place, ...] = ()
    logits: bool = True
    first: int = 0
    end: int = 0
    tokens: Tokens = Every()
    attention: tuple[int, ...] = ()
    groups: tuple[Indices, ...] = ()
    at_once: int = 0
    shared: str | None = None
    base: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def layers(self) -> range:
        return range(self.first, self.end)

    @property
    def rows(self) -> int:
        return self.variants * self.batch.prompts

    @property
    def tokens_run(self) -> int:
        """Of one variant of all prompts."""
        return sum(len(self.tokens.of(prompt, self.batch.length)) for prompt in range(self.batch.prompts))

    @property
    def forwards(self) -> int:
        """Forward passes of a batch; one that is differentiated counts for three."""
        return self.variants * self.times * (3 if self.backward else 1)

    @property
    def token_layers(self) -> int:
        """Tokens times layers that are run."""
        return self.forwards * self.tokens_run * len(self.layers)

    @property
    def flops(self) -> int:
        """Floating-point operations of the products: 2 for each weight that a token meets, and attention over the tokens before it."""
        facts, tokens = self.facts, self.tokens_run
        width = facts.heads * facts.d_head
        projections = 4 * facts.d_model * (width + facts.key_value_heads * facts.d_head)
        looking = 4 * width * sum(token + 1 for prompt in range(self.batch.prompts) for token in self.tokens.of(prompt, self.batch.length))
        attended = len([layer for layer in self.attention if layer in self.layers]) * (tokens * projections + looking)
        mlps = len(self.layers) * tokens * 6 * facts.d_model * facts.d_mlp
        said = 2 * facts.d_model * facts.vocabulary * self.batch.prompts if self.logits else 0
        return self.forwards * (attended + mlps + said)

    def noted(self, note: str, **changes: Any) -> Run:
        """The run with something taken away, and why."""
        return evolve(self, **changes, notes=(*self.notes, note))


@frozen
class Memory:
    """Bytes: of clean runs that are remembered, and of the activations of one batched pass. Numbers, not what happens to be free:
    which rows run together decides the last bits."""

    kept: int = 1 << 30
    a_pass: int = 1 << 28

    @classmethod
    def of(cls, budget: int) -> Memory:
        """A budget for everything beside the weights, shared out: half of it for clean runs, an eighth (at most 256 MiB) for a pass."""
        return cls(budget // 2, max(1, min(1 << 28, budget // 8)))


DEFAULT = Memory()


@frozen
class Work:
    """The runs of one step, and the memory that they may take."""

    runs: tuple[Run, ...]
    memory: Memory = DEFAULT

    def run(self, name: str) -> Run | None:
        """The run of this name, when there is one left."""
        return next((run for run in self.runs if run.name == name), None)


def token_layers(runs: Iterable[Run]) -> int:
    """Of all runs together; what is shared counts once."""
    return sum(run.token_layers for run in once(runs))


def flops(runs: Iterable[Run]) -> int:
    """Of all runs together; what is shared counts once."""
    return sum(run.flops for run in once(runs))


def once(runs: Iterable[Run]) -> list[Run]:
    """The runs, of those with one `shared` name the first."""
    seen: set[str] = set()
    kept = []
    for run in runs:
        if run.shared is None or run.shared not in seen:
            kept.append(run)
        if run.shared is not None:
            seen.add(run.shared)
    return kept
