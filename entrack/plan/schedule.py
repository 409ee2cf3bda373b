"""Schedules: the forward passes that a step makes, and how much of each is run.

Each kind of step (`plan/steps/`) writes down the passes as the reference executor makes them; the passes of the
compiler (`plan/passes/`) then take away what cannot change. The optimised executor runs what is left; `entrack plan
--explain` shows what was taken away, and why.

A forward pass of the model is a `ForwardPass`; a "pass" alone is one of the compiler's (`passes/`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any, assert_never

from attrs import evolve, field

from entrack.frozen import frozen
from entrack.model_config import ModelFacts
from entrack.plan.batch import Batch, Indices
from entrack.sites import PER_HEAD, Part, Site

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
    """Tokens at a part of a layer."""

    layer: int
    tokens: Tokens
    part: Part = Part.OUTPUT

    @property
    def site(self) -> Site:
        return Site(self.layer, self.part)


class Role(Enum):
    """What a forward pass is for, among those of its step."""

    CLEAN = "clean"
    """The prompts as they are."""
    BASE = "base"
    """All heads held, for all circuits on the same prompts."""
    EDITED = "edited"
    """Edits in force."""
    SENT = "sent"
    """The first pass of a hop: a sender set, all other heads held."""
    RECEIVED = "received"
    """The second pass of a hop: receivers set to what was sent."""
    TRAINED = "trained"
    """A mask in force, and the way back."""
    CHECKED = "checked"
    """A rounded mask in force."""
    ALTERNATES = "alternates"
    """The alternates of a mask's prompts."""


@frozen
class ForwardPass:
    """Forward passes of one shape: `variants` of each prompt, `times` over, each with `backward` passes back.

    What they are: their `role`, and the role of the passes of the same step that they take values from, if any do
    (`takes`). Something is set at the places `changed`; with `held`, all other heads are set at those tokens, in
    every layer, to what is known before, but for the heads `free`, which are computed. Read are `read`, or the logits
    at the last token.

    How much is run: the layers from `first` to before `end`, at `tokens`, with attention computed in the layers
    `attention`; prompts of one of the `groups` together, at most `at_once` rows (0: all). `base` names the whole run
    that this one is, or that it differs from at the places of `free` and `changed`; a run that is `shared` under a name
    is made once for all steps. `notes` say what was taken away and why.
    """

    role: Role
    batch: Batch
    facts: ModelFacts
    dtype: str
    variants: int = 1
    times: int = 1
    backward: int = 0
    takes: Role | None = None
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
        every = isinstance(self.tokens, Every)
        return self.batch.prompts * self.batch.length if every else sum(map(len, self._ran))

    @property
    def forwards(self) -> int:
        """Forward passes of a batch; a backward pass counts for two."""
        return self.variants * self.times * (1 + 2 * self.backward)

    @property
    def token_layers(self) -> int:
        """Tokens times layers that are run."""
        return self.forwards * self.tokens_run * len(self.layers)

    @property
    def flops(self) -> int:
        """Floating-point operations of the products: 2 for each weight that a token meets, and attention over the
        tokens before it."""
        facts, tokens = self.facts, self.tokens_run
        looking = 4 * facts.heads * facts.d_head * sum(sum(here) + len(here) for here in self._ran)
        attended = len([layer for layer in self.attention if layer in self.layers])
        attended *= tokens * attention_flops(facts) + looking
        mlps = len(self.layers) * tokens * mlp_flops(facts)
        said = 2 * facts.d_model * facts.vocabulary * self.batch.prompts if self.logits else 0
        return self.forwards * (attended + mlps + said)

    def show(self) -> str:
        """The run in a line: how often, which layers and tokens, where attention is computed, what is changed and
        read."""
        parts = [
            f"{self.role.value} {self.times} x {self.variants} x {self.batch.prompts}",
            f"layers {self.first}-{self.end - 1}",
            f"tokens {_shown(self.tokens)}",
        ]
        parts.append(f"attention {' '.join(map(str, self.attention)) or 'none'}")
        for name, places in (("changed", self.changed), ("free", self.free), ("read", self.read)):
            for part, tokens in dict.fromkeys((_shown_part(place.part), place.tokens) for place in places):
                layers = [place.layer for place in places if (_shown_part(place.part), place.tokens) == (part, tokens)]
                parts.append(f"{name} {part}{' '.join(map(str, layers))} at {_shown(tokens)}")
        parts.extend([f"held {_shown(self.held)}"] if self.held else [])
        parts.extend(["logits"] if self.logits else [])
        parts.extend(
            [f"prompts {' | '.join(' '.join(map(str, group)) for group in self.groups)}"] if self.groups else []
        )
        parts.extend(["shared"] if self.shared else [])
        return "; ".join(parts)

    @property
    def _ran(self) -> list[Sequence[int]]:
        """The tokens that are run, prompt by prompt."""
        return [self.tokens.of(prompt, self.batch.length) for prompt in range(self.batch.prompts)]

    def noted(self, note: str, **changes: Any) -> ForwardPass:
        """The run with something taken away, and why."""
        return evolve(self, **changes, notes=(*self.notes, note))


def attention_flops(facts: ModelFacts) -> int:
    """Floating-point operations of the products with the weights of one layer's attention, a token."""
    return 4 * facts.d_model * (facts.heads * facts.d_head + facts.key_value_heads * facts.d_head)


def mlp_flops(facts: ModelFacts) -> int:
    """The same of its MLP."""
    return 2 * facts.layout.mlp_matrices * facts.d_model * facts.d_mlp * facts.experts_per_token


def layer_flops(facts: ModelFacts) -> int:
    """What a token costs in a layer, but for looking at the tokens before it."""
    return attention_flops(facts) + mlp_flops(facts)


A_PASS = 1 << 28
"""Bytes of one batched pass at most: a larger one is no faster on a CPU."""
ON_A_GPU = 1 << 31
"""And on a GPU."""


@frozen
class Memory:
    """Bytes: of clean runs that are remembered, and of the activations of one batched pass. Numbers, not what
    happens to be free: which rows run together decides the last bits."""

    kept: int = 1 << 30
    a_pass: int = A_PASS

    @property
    def budget(self) -> int:
        """All of it: clean runs take half."""
        return 2 * self.kept

    @classmethod
    def of(cls, budget: int, most_a_pass: int = A_PASS) -> Memory:
        """A budget for everything beside the weights, shared out: half of it for clean runs, an eighth for a pass, up
        to a bound.

        The rest is for values on their way to and from the store (an eighth), and for what allocators and libraries
        take.
        """
        return cls(budget // 2, max(1, min(most_a_pass, budget // 8)))


DEFAULT = Memory()


@frozen
class Schedule:
    """The runs of one step, and the memory that they may take."""

    runs: tuple[ForwardPass, ...]
    memory: Memory = DEFAULT

    @property
    def token_layers_each(self) -> float:
        """Token-layers of a forward pass, on average; 0 where there is none."""
        return sum(run.token_layers for run in self.runs) / max(1, sum(run.forwards for run in self.runs))

    def run(self, role: Role) -> ForwardPass | None:
        """The first run of this role, when there is one left."""
        return next((run for run in self.runs if run.role is role), None)

    def of(self, role: Role) -> tuple[ForwardPass, ...]:
        """All runs of this role."""
        return tuple(run for run in self.runs if run.role is role)

    def taking(self, role: Role) -> tuple[ForwardPass, ...]:
        """The runs that take values from those of this role."""
        return tuple(run for run in self.runs if run.takes is role)

    def without(self, role: Role) -> Schedule:
        """The schedule without the runs of this role, and without those that take values from them, and so on."""
        left = evolve(self, runs=tuple(run for run in self.runs if run.role is not role))
        for taker in {run.role for run in self.taking(role)}:
            left = left.without(taker)
        return left


def _shown_part(part: Part) -> str:
    """Of heads nothing: most places are theirs."""
    return "" if part in PER_HEAD else f"{part.value} "


def _shown(tokens: Tokens) -> str:
    match tokens:
        case Every():
            return "all"
        case From(at):
            return f"from {' '.join(map(str, at))}"
        case Only(at):
            return " ".join(",".join(map(str, one)) for one in at)
        case _:
            assert_never(tokens)


def once(runs: Iterable[ForwardPass]) -> list[ForwardPass]:
    """The runs, of those with one `shared` name the first."""
    seen: set[str] = set()
    kept = []
    for run in runs:
        if run.shared is None or run.shared not in seen:
            kept.append(run)
        if run.shared is not None:
            seen.add(run.shared)
    return kept
