"""A plan: every step of a spec, the selections between them, and which steps each number of the results is made
from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property

from attrs import field

from entrack.check.resolved import BATCH as BATCH
from entrack.check.resolved import CellOf, Group
from entrack.frozen import frozen
from entrack.models.key import ModelKey, ModelSource
from entrack.plan.refs import Sizes, refers_to_nothing
from entrack.plan.steps import Choice, Chosen, Node, Ref, Screened
from entrack.prompts.tokenise import Prompt
from entrack.sites import Part, Share, Site
from entrack.tree import names


@frozen
class AgainPlan:
    """What a hop kept, patched again on `n` other prompts: clean runs batch by batch, path patches part by part, layer
    by layer and batch by batch, how many tokens each word has, and the places of the prompts, batch by batch."""

    clean: tuple[str, ...]
    patched: Mapping[Part, tuple[tuple[str, ...], ...]] = field(repr=False)
    words: tuple[Sizes, ...]
    n: int
    places: tuple[tuple[int, ...], ...] = field(repr=False)


@frozen
class GroupPlan:
    """One hop: its `Select` node, the position of its senders, the places of its prompts, batch by batch, and its
    `Screen` node and at how many points that takes gradients, if it has one; what confirms it, if that is asked for;
    and the last look of its race."""

    name: str
    select: str
    position: str
    receivers: tuple[str, ...]
    places: tuple[tuple[int, ...], ...] = field(repr=False)
    screen: str | None = None
    steps: int = 0
    again: AgainPlan | None = None
    race: str | None = None


@frozen
class DiscoveryPlan:
    name: str
    model: str
    score: str
    n: int
    groups: tuple[GroupPlan, ...]


Continued = tuple[tuple[tuple[tuple[int, ...], ...], ...], ...]
"""Prompt by prompt and variable by variable, the tokens of each whole word."""
Asked = tuple[tuple[tuple[int, ...], ...], ...]
"""Prompt by prompt and word by word, the tokens that a word is told by: one, or, of a list, one or more."""


@frozen
class RunPlan:
    """A model on a population: an `Evaluate`, `Loss`, `Attention`, `Lens` or `DirectAttribution` node per batch, and
    for each the places of its prompts in the population. `asked` are the words that outcomes are of, prompt by
    prompt.

    Where whole words are measured a `Loss` is over a word that follows its prompt: there is a place for each word of
    each prompt, and `whole` says how many each variable of each prompt has.
    """

    evaluations: tuple[str, ...]
    places: tuple[tuple[int, ...], ...] = field(repr=False)
    prompts: tuple[Prompt, ...] = field(repr=False)
    asked: Asked = field(repr=False)
    whole: Sizes = field(default=(), repr=False)


@frozen
class Between:
    """The runs that a recovery lies between, for each draw: a model without edits on the originals and on their
    alternates. Outcomes are of the originals' words."""

    clean: tuple[RunPlan, ...]
    corrupted: tuple[RunPlan, ...]


@frozen
class CellPlan:
    """A cell of a measure: a run per draw."""

    labels: tuple[str, ...]
    runs: tuple[RunPlan, ...]
    between: Between | None = None
    site: Site | Share | None = None
    """Of an attention, whose; of a logit lens, before which layer; of a direct logit attribution, what it is of."""
    random: tuple[tuple[tuple[str, tuple[Site, ...]], ...], ...] = ()
    """Draw by draw, the groups of random circuits that its acts name, each with its sites."""


@frozen
class MaskPlan:
    """A mask's training for one group and desideratum."""

    name: str
    group: str
    desideratum: str
    model: str
    step: str
    over: Group


@frozen
class RemovalPlan:
    """Heads removed. In a completeness `first` is the circuit without them and `second` the model; in a minimality,
    with `head`, `first` is the circuit without K and `second` without K and the head."""

    label: str
    head: Site | None
    first: RunPlan
    second: RunPlan


@frozen
class ExaminationPlan:
    name: str
    kind: str
    removals: tuple[RemovalPlan, ...]


@frozen
class CertificatePlan:
    """A claim's cells on fresh prompts, batch by batch, as far as they are wanted; `most` prompts may come of each."""

    name: str
    most: int
    cells: Mapping[CellOf, tuple[CellPlan, ...]] = field(repr=False)

    @property
    def prompts(self) -> int:
        """How many are planned of the cell that has the most."""
        return min(BATCH * max(map(len, self.cells.values())), self.most)

    @property
    def evaluations(self) -> Iterator[str]:
        """The steps whose values it is made of."""
        runs = (run for batches in self.cells.values() for batch in batches for run in batch.runs)
        return (id for run in runs for id in run.evaluations)


@frozen
class Plan:
    """`nodes` in an order in which each comes after what it needs; `what` says in words what each is for.

    `deferred` names what has steps that only results can tell; such a plan is made again when they are known.
    """

    nodes: Mapping[str, Node] = field(repr=False)
    what: Mapping[str, str] = field(repr=False)
    discoveries: tuple[DiscoveryPlan, ...]
    cells: Mapping[str, tuple[CellPlan, ...]] = field(repr=False)
    masks: tuple[MaskPlan, ...]
    examinations: tuple[ExaminationPlan, ...]
    deferred: tuple[str, ...]
    models: Mapping[str, ModelKey]
    sources: Mapping[ModelKey, ModelSource] = field(repr=False)
    asked: int = 0
    """How many times a node was wanted: equal ones are one."""
    certificates: Mapping[int, CertificatePlan] = field(factory=dict, repr=False)
    """By the numbers of their claims. Such a plan grows while a claim is undecided."""

    def __repr__(self) -> str:
        return f"<Plan: {len(self.steps):,} steps with {', '.join(self.models)}>"

    @cached_property
    def needs(self) -> Mapping[str, tuple[str, ...]]:
        """The nodes whose values each node needs."""
        return {id: tuple(dict.fromkeys(needs(node))) for id, node in self.nodes.items()}

    def may_come(self, found: Collection[str]) -> tuple[CertificatePlan, ...]:
        """The certified claims that more prompts may be wanted of, once all their steps have been run; of those whose
        steps are all `found` it is known that none are."""
        open_ones = (one for one in self.certificates.values() if one.prompts < one.most)
        return tuple(one for one in open_ones if any(id not in found for id in one.evaluations))

    @property
    def steps(self) -> tuple[str, ...]:
        """The nodes that run a model and are stored."""
        return tuple(id for id, node in self.nodes.items() if not isinstance(node, Choice))


def needs(node: object) -> Iterator[str]:
    """The nodes whose values a node needs, in the order of its fields."""
    found: list[str] = []
    _gather(node, found)
    return iter(found)


def _gather(node: object, found: list[str]) -> None:
    if isinstance(node, Ref | Chosen | Screened):
        found.append(node.id)
    elif isinstance(node, tuple):
        for part in () if refers_to_nothing(node) else node:
            _gather(part, found)
    elif not refers_to_nothing(node):
        cls: type = type(node)
        for name in names(cls):
            _gather(getattr(node, name), found)
