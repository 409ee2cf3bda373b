"""What lowering works with: the nodes so far, the models' content, prompts as they were drawn, and what a run knows
already.

Some steps depend on results: random circuits on how many heads were found, a minimality on which removals hurt.
Lowering such a construct raises `Deferred` until they are known; the executor runs what there is and lowers again.
Nodes are named by content, so lowering twice adds nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import attrs
from attrs import define, evolve, field

from entrack import budget
from entrack.check.resolved import Alternate, Found, Group, Masked, Population, RandomLike, Resolved
from entrack.diagnostics import Diagnostic, errors
from entrack.kept import NOT_KEPT, Kept
from entrack.models.key import ModelKey, ModelSource
from entrack.plan.builder import Nodes
from entrack.plan.plan import Asked
from entrack.plan.steps import Chosen, Ref, Sites
from entrack.prompts.kept_prompts import kept_or_drawn
from entrack.prompts.model_limits import too_long, unknown
from entrack.prompts.rng import Stream
from entrack.prompts.tokenise import Listed, Originals, Prompt, TokenisedPrompts, alike_in
from entrack.prompts.tokenizer import Tokenizer
from entrack.sites import Part, Site


class Known(Protocol):
    """What has been computed so far; None for what has not."""

    def heads(self, select: str) -> tuple[Site, ...] | None: ...
    def tensors(self, step: str) -> Mapping[str, Any] | None: ...


class Nothing:
    """Before a run."""

    def heads(self, select: str) -> None:
        return None

    def tensors(self, step: str) -> None:
        return None


class Deferred(Exception):
    """A construct whose steps depend on results that are not there yet."""


class Unmakeable(Exception):
    """A construct whose prompts cannot be made; the problems say why."""


@define
class Lowering:
    """Mutable while a plan is made, and never seen afterwards."""

    resolved: Resolved
    keys: Mapping[str, ModelKey]
    sources: Mapping[str, ModelSource]
    tokenizers: Mapping[str, Tokenizer]
    known: Known
    drawn: dict[object, TokenisedPrompts | None] = field(factory=dict)
    originals: dict[str, Originals] = field(factory=dict)
    """Of each tokenizer, by its digest, those that were drawn last."""
    kept: Kept = NOT_KEPT
    """Where prompts are kept."""
    nodes: Nodes = field(factory=Nodes)
    problems: list[Diagnostic] = field(factory=list)
    selects: dict[tuple[str, str], str] = field(factory=dict)
    """The `Select` node of each group of each discovery."""
    masks: dict[tuple[str, str, str], str] = field(factory=dict)
    """The `TrainMask` node of each mask, group and desideratum."""
    means: dict[tuple[str, int, Part, tuple[int, ...]], tuple[tuple[Prompt, ...], frozenset[int], tuple[Ref, ...]]] = (
        field(factory=dict)
    )
    """For a model, prompts as they were drawn, a part and a word that follows: those that a mean is taken over, their
    lengths, and the steps that add them up."""
    asked: dict[tuple[str, str], Asked] = field(factory=dict)
    """The tokens that the score of each discovery is of, prompt by prompt, by its name and the purpose of these."""
    listed: dict[tuple[str, str, Listed], tuple[tuple[int, ...], ...]] = field(factory=dict)
    """For a model, a prompt's text and a list of words: the tokens of these words after it."""

    def tell(self, *problems: Diagnostic) -> None:
        """Keep what is wrong, each problem once."""
        self.problems.extend(problem for problem in problems if problem not in self.problems)

    def prompts(self, population: Population, model: str, count: int | None = None) -> TokenisedPrompts:
        """The population for a model's tokenizer, drawn once. Raises Unmakeable; what is wrong goes to `problems`."""
        many = population.count if count is None else count
        assert many is not None  # whoever leaves the number open says it here
        facts = self.keys[model].facts
        key = (
            population.task.name,
            population.alternate.name if population.alternate else None,
            tuple(sorted(population.parameters.items())),
            population.seed,
            population.purpose,
            many,
            population.window,
            self.keys[model].tokenizer,
            facts.vocabulary,
            facts.positions,
        )
        found = self.drawn[key] if key in self.drawn else self._draw(population, model, many)
        if found is not None and found.population.whole and not population.whole:
            problems = alike_in(population, found.pairs, self.tokenizers[model])
            found = self._sound(evolve(found, population=population), problems)
        self.drawn[key] = found
        if found is None:
            raise Unmakeable(population.label)
        return found

    def _draw(self, population: Population, model: str, count: int) -> TokenisedPrompts | None:
        resolved, facts = self.resolved, self.keys[model].facts
        tokens = self.keys[model].tokenizer
        originals = self.originals.setdefault(tokens, Originals())
        drawn, problems = kept_or_drawn(
            self.kept, population, count, self.tokenizers[model], resolved.params, resolved.allotments, originals
        )
        problems = (*problems, *unknown(drawn, facts.vocabulary), *too_long(drawn, facts.positions))
        return self._sound(drawn, problems)

    def _sound(self, drawn: TokenisedPrompts, problems: tuple[Diagnostic, ...]) -> TokenisedPrompts | None:
        """The prompts, where nothing is wrong with them."""
        self.tell(*problems)
        return None if errors(problems) else drawn

    def paired(self, population: Population, alternate: Alternate | None, model: str) -> TokenisedPrompts:
        """The same originals with another alternate."""
        return self.prompts(population if alternate is None else evolve(population, alternate=alternate), model)

    def heads(self, group: Group, model: str, draw: int = 0) -> Sites:
        """A group's heads as a step names them: written, or chosen in the run, or, where only results tell, as they
        turned out."""
        budget.spend(budget.STEP_PARTS, len(group.heads) if isinstance(group.heads, tuple) else 1)
        match group.heads:
            case Found(discovery, name):
                return Chosen(self.selects[discovery, name])
            case RandomLike(_, name):
                return self._random(group, name, model, draw)
            case Masked():
                return self._masked(group)
            case written:
                return written

    def heads_now(self, group: Group, model: str, draw: int = 0) -> tuple[Site, ...]:
        """A group's heads themselves. Raises Deferred while they are not known."""
        heads = self.heads(group, model, draw)
        if isinstance(heads, Chosen):
            found = self.known.heads(heads.id)
            if found is None:
                raise Deferred(group.name)
            return found
        return heads

    def kinds(self, group: Group) -> tuple[Part, ...]:
        """The parts that a group's sites are of, as far as the spec says."""
        match group.heads:
            case Found(parts=parts):
                return parts
            case RandomLike(like):
                return self.kinds(attrs.evolve(group, heads=like))
            case Masked(mask, name):
                over = next(known for known in self.resolved.masks if known.name == mask)
                return self.kinds(over.circuit.by_name[name])
            case written:
                facts = self.keys[group.model].facts
                return tuple(sorted({facts.canonical(site).part for site in written}))

    def _random(self, group: Group, name: str, model: str, draw: int) -> tuple[Site, ...]:
        """As many different sites of each kind."""
        assert isinstance(group.heads, RandomLike)
        like, facts = self.heads_now(attrs.evolve(group, heads=group.heads.like), model), self.keys[model].facts
        drawn: list[Site] = []
        for part, one in sorted({(site.part, site.index is not None) for site in like}):
            many = sum((site.part, site.index is not None) == (part, one) for site in like)
            kind = () if part is Part.OUTPUT else (part.value, int(one))
            stream = Stream(self.resolved.seed, "random like", name, draw, *kind)
            drawn.extend(stream.distinct(facts.every(part, single=one), many))
        return tuple(sorted(drawn, key=lambda site: (site.layer, site.part, site.index or 0)))

    def _masked(self, group: Group) -> tuple[Site, ...]:
        assert isinstance(group.heads, Masked)
        step = self.masks.get((group.heads.mask, group.heads.group, group.heads.desideratum))
        trained = None if step is None else self.known.tensors(step)
        if trained is None:
            raise Deferred(group.name)
        mask = next(mask for mask in self.resolved.masks if mask.name == group.heads.mask)
        over = mask.circuit.by_name[group.heads.group]
        heads = self.heads_now(over, mask.model)
        return tuple(head for head, value in zip(heads, trained["mask"], strict=True) if round(float(value)) == 0)
