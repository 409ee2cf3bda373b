"""The model in hand: the loaded model of a spec, for what the language cannot say.

with spec.model("base") as base:
    boxes = base.prompts("boxes", 50)
    with base.trace(boxes):
        z = base.read("3.1", at="last").save()
        logits = base.logits.save()
base.measured("kept", logits, boxes).mean()
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from entrack import arguments
from entrack.budget import PROMPTS
from entrack.by_hand.heads import sites_of
from entrack.by_hand.measured import PerPrompt, measured_of
from entrack.by_hand.prompts import PromptsInHand
from entrack.by_hand.words import SiteWords, site_from
from entrack.compile import PURPOSES, CheckedSpec, lowerer_of, prompts_of
from entrack.errors import ArgumentError, ArgumentTypeError, unknown
from entrack.events import Watcher
from entrack.execution.environment import Environment
from entrack.model_config import ModelFacts
from entrack.plan.lower.context import Lowering, Nothing
from entrack.results import Results
from entrack.run import fetched
from entrack.sites import Part, Site
from entrack.workers.worker import Computing, Settings

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from entrack.engine.traced_model import TracedModel


class ModelInHand:
    """A model of a spec in memory, as nnsight sees it, with the spec's prompts, positions, heads and measures.

    Its weights were checked as those of a run are. They stay in memory until `close`, or the end of a `with` block, and
    are shared with no run: `nbytes` says how much that is. Not for use by several threads at once.
    """

    def __init__(self, spec: CheckedSpec, name: str, traced: TracedModel, lowering: Lowering) -> None:
        self.name = name
        self._spec, self._lowering = spec, lowering
        self._traced: TracedModel | None = traced
        self._running: PromptsInHand | None = None

    @classmethod
    def load(cls, given: CheckedSpec, name: str, environment: Environment, watcher: Watcher) -> ModelInHand:
        """Read a model's weights; what is missing is downloaded. Raises SpecError, ModelMissing, EngineError."""
        used = frozenset({name})
        spec = fetched(given, watcher, used)
        lowerer = lowerer_of(spec, download=True, hashed=True, used=used)
        key, source = lowerer.keys[name], lowerer.sources[name]
        loaded = Computing(Settings(environment=environment), watcher).loaded(key, source)
        from entrack.engine.traced_model import TracedModel

        lowering = Lowering(spec.resolved, lowerer.keys, lowerer.sources, lowerer.tokenizers, Nothing())
        return cls(spec, name, TracedModel(loaded), lowering)

    # the model

    @property
    def nnsight(self) -> Any:
        """The model as nnsight wraps it: envoys of all modules, traces of your own."""
        return self._open.nnsight

    @property
    def module(self) -> Module:
        """The module of transformers itself, in eval mode; no weight asks for a gradient."""
        return self._open.module

    @property
    def facts(self) -> ModelFacts:
        """The shape: `layers`, `heads`, `key_value_heads`, `d_model`, `d_head`, `d_mlp`, `vocabulary`, ..."""
        return self._open.loaded.facts

    @property
    def nbytes(self) -> int:
        """How many bytes the weights take."""
        return self._open.nbytes

    def close(self) -> None:
        """Let go of the weights."""
        self._traced = self._running = None

    def __enter__(self) -> ModelInHand:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"ModelInHand({self.name!r}, {'closed' if self._traced is None else f'{self.nbytes:,} bytes'})"

    # what the spec says

    def prompts(self, name: str, count: int, purpose: str = "measure") -> PromptsInHand:
        """The first `count` prompts of a task, alternate or desideratum: those that a measure on `count` of them has.
        Raises UnknownName, ArgumentError, SpecError."""
        resolved = self._spec.resolved
        if arguments.text(name, "name") not in (known := (*resolved.tasks, *resolved.alternates)):
            raise unknown("the spec has no task, alternate or desideratum", name, known)
        count = arguments.whole(count, "count", 1, PROMPTS.most)
        arguments.choice(purpose, "purpose", PURPOSES)
        realised, _ = prompts_of(self._spec, name, count, self.name, purpose)
        return PromptsInHand.of(realised.population, realised.pairs, self._open.tensor)

    def sites(self, name: str, results: Results | None = None) -> tuple[Site, ...]:
        """The sites of `CIRCUIT` or `CIRCUIT.GROUP`: as they are written in the spec, or as `results` have found them.
        Raises UnknownName, ArgumentError."""
        given = arguments.optional(results, arguments.instance, Results, "results", "the Results of a run")
        return sites_of(self._spec.resolved, arguments.text(name, "name"), given)

    def heads(self, name: str, results: Results | None = None) -> tuple[tuple[int, int], ...]:
        """The heads among these, as pairs (layer, head)."""
        return tuple((site.layer, site.head) for site in self.sites(name, results) if site.part is Part.OUTPUT)

    def measured(
        self,
        measure: str,
        logits: Tensor,
        prompts: PromptsInHand,
        *,
        clean: Tensor | None = None,
        corrupted: Tensor | None = None,
    ) -> PerPrompt:
        """What a measure of the spec comes to, prompt by prompt, for logits at the last token (prompt, vocabulary) that
        you computed: its mean is the number that entrack would have. `KL from clean` wants the logits of the `clean`
        run too, a recovery those of the clean and the `corrupted` run. -> float64 (prompt). Raises UnknownName,
        ArgumentError."""
        known = {each.name: each for each in self._spec.resolved.measures}
        if arguments.text(measure, "measure") not in known:
            raise unknown("the spec has no measure of a metric", measure, known)
        of = arguments.instance(prompts, PromptsInHand, "prompts", "what `prompts` gives")
        others = {name: one for name, one in (("clean", clean), ("corrupted", corrupted)) if one is not None}
        given: Mapping[str, Tensor] = {"logits": logits, **others}
        return measured_of(self._spec, known[measure], given, of, self.name, self._lowering)

    # inside a trace

    def trace(self, prompts: PromptsInHand | Tensor, **options: Any) -> Any:
        """nnsight's trace of a forward pass on prompts of one length, or on token ids (prompt, token): `with
        base.trace(prompts):`. `options` go to the model: it keeps no keys and values, and gives logits at the last
        token alone, unless they say otherwise (`logits_to_keep=0` for those of all tokens). Raises ArgumentError."""
        self._running = prompts if isinstance(prompts, PromptsInHand) else None
        tokens: Any = prompts.tokens if isinstance(prompts, PromptsInHand) else prompts
        if getattr(tokens, "ndim", None) != 2 or not hasattr(tokens, "to"):
            raise ArgumentTypeError(
                f"prompts are what `prompts` gives, or token ids (prompt, token); this is {arguments.shown(prompts)}"
            )
        return self._open.trace(tokens, options)

    def read(self, site: SiteWords, at: str | Tensor | None = None) -> Any:
        """What stands at a site, inside a trace: a tensor that nnsight can `save()`. -> (prompt, token, d_head),
        (prompt, token, d_model), ..., of all heads (prompt, token, head, d_head); `at` a position without the axis of
        tokens, at a span (prompt, k, ...).

        The site is written as in the spec (`14.13`, `14.13.query`, `mlp.3`, `residual.3.mid`, `heads[3]`), or as a pair
        (layer, head). Sites are read in the order of the pass. Raises ArgumentError, UnknownName, EngineError."""
        return self._open.read(self._known(site), self._at(at))

    def set(self, site: SiteWords, value: Tensor, at: str | Tensor | None = None) -> None:
        """Put a value in the place of what `read` gives, inside a trace; it may be one that broadcasts to it. As in the
        language, what a key or value is set to holds for all heads that share it."""
        self._open.set(self._known(site), value, self._at(at))

    @property
    def logits(self) -> Any:
        """The logits at the last token, inside a trace. -> (prompt, vocabulary)"""
        return self._open.logits

    def module_of(self, site: SiteWords) -> tuple[str, str]:
        """The path of the module at which a site stands, and whether it is its `input` or its `output`: for traces and
        hooks of your own."""
        return self._open.module_of(self._known(site))

    @property
    def _open(self) -> TracedModel:
        if self._traced is None:
            raise ArgumentError(f"the model {self.name} was closed: `spec.model({self.name!r})` loads it again")
        return self._traced

    def _known(self, given: object) -> Site:
        """A site that the model has. Raises ArgumentError."""
        from entrack.engine.traced_model import exists

        site, loaded = site_from(given), self._open.loaded
        if not exists(loaded, site):
            raise ArgumentError(f"{self.name} has no {site}: it has {loaded.facts.layers} layers, counted from 0")
        return site

    def _at(self, at: object) -> Tensor | None:
        """Tokens, from the name of a position of the prompts of the trace. Raises ArgumentError."""
        if isinstance(at, str):
            if self._running is None:
                raise ArgumentError("a position has a name where a trace is of `prompts`; give token indices")
            return self._running.at(at)
        if at is not None and getattr(at, "ndim", None) not in (1, 2):
            wanted = "the name of a position, or token indices (prompt)"
            raise ArgumentTypeError(f"at is {wanted}; this is {arguments.shown(at)}")
        return at  # type: ignore[return-value]  # a tensor, by its axes
