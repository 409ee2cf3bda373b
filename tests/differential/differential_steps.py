"""Steps with every construct, drawn for one world: two models of one shape, and batches that steps have in common.

Every kind of step is made in one place here, by the functions of `Bench`; it remembers the steps whose values others
refer to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar, cast

import attrs
from attrs import define, field, frozen
from differential_models import USUAL, InMemory, Options, Shape, others, shapes
from engine_models import VOCABULARY, prompts
from hypothesis import assume
from hypothesis import strategies as st

from entrack.address import address
from entrack.engine.inputs import bound
from entrack.models.key import ModelKey
from entrack.numbers import Numbers
from entrack.plan.steps import (
    Add,
    At,
    Attention,
    Attribute,
    Batch,
    BlockAttention,
    Capture,
    DirectAttribution,
    Edit,
    Elsewhere,
    Evaluate,
    FromCapture,
    FromMean,
    FromNoise,
    FromVector,
    FromZero,
    Given,
    Indices,
    Lens,
    Loss,
    MaskBatch,
    PathPatch,
    Position,
    ProjectOut,
    Receivers,
    Ref,
    Scale,
    Screened,
    Set,
    Source,
    Spans,
    Statistic,
    Step,
    SumOutputs,
    Term,
    TrainMask,
    kind_of,
)
from entrack.sites import PER_HEAD, RECEIVING, SHARED, Part, Site

T = TypeVar("T")
Sites = tuple[Site, ...]


@frozen
class World:
    """Two models, `shape` and `other`, and a batch."""

    shape: Shape
    other: Shape
    batch: Batch

    @property
    def models(self) -> tuple[Shape, Shape]:
        return self.shape, self.other

    def engine(self, executor: Any, options: Options = USUAL) -> InMemory:
        return InMemory(self.models, executor, options)

    def alternates(self) -> st.SearchStrategy[Batch]:
        """As many prompts, of this length or another."""
        return st.builds(
            lambda seed, length: prompts(seed, self.batch.prompts, length), SEEDS, LENGTHS | st.just(self.batch.length)
        )

    def partly(self) -> st.SearchStrategy[Batch]:
        """Alternates of this length, some of them equal to the originals."""
        others, which = (
            prompts(9, self.batch.prompts, self.batch.length),
            st.tuples(*[st.booleans()] * self.batch.prompts),
        )
        return which.map(
            lambda own: Batch(
                tuple(a if mine else b for mine, a, b in zip(own, self.batch.tokens, others.tokens, strict=True))
            )
        )


@frozen
class Case:
    """A step, and the steps whose values it refers to."""

    world: World
    step: Step
    needs: Mapping[str, Step]

    def inputs(self, executor: Any = "reference", options: Options = USUAL) -> dict[str, Any]:
        return {name: value_of(self.world.models, step, executor, options) for name, step in self.needs.items()}

    def in_precision(self, dtype: str) -> Case:
        """The same of models that are read in another number type."""
        world = attrs.evolve(
            self.world,
            shape=attrs.evolve(self.world.shape, dtype=dtype),
            other=attrs.evolve(self.world.other, dtype=dtype),
        )
        return Case(world, _cast(self.step, dtype), {name: _cast(step, dtype) for name, step in self.needs.items()})

    def of_all_heads(self) -> Case:
        """The same with captures of all heads in place of those that are wanted."""
        needs = {
            name: attrs.evolve(step, sites=None) if isinstance(step, Capture) and step.part in PER_HEAD else step
            for name, step in self.needs.items()
        }
        return Case(self.world, self.step, needs)


def _cast(value: T, dtype: str) -> T:
    """A step, or a part of one, with its models' number type replaced."""
    if isinstance(value, ModelKey):
        return cast(T, attrs.evolve(value, dtype=dtype))
    if isinstance(value, tuple):
        return cast(T, tuple(_cast(one, dtype) for one in value))
    if not attrs.has(type(value)):
        return value
    parts: Any = value
    names = [name.name for name in attrs.fields(parts.__class__) if name.init]
    return cast(T, attrs.evolve(parts, **{name: _cast(getattr(parts, name), dtype) for name in names}))


@lru_cache(256)
def value_of(models: tuple[Shape, ...], step: Step, executor: Any, options: Options) -> dict[str, Any]:
    """The value of a step that needs no other."""
    return InMemory(models, executor, options).compute(step, {}).tensors


LAYER_PARTS = (Part.RESIDUAL, Part.ATTENTION, Part.MID, Part.MLP, Part.POST)
PARTS = (Part.OUTPUT, *RECEIVING, *LAYER_PARTS, Part.NEURON)
SEEDS = st.integers(1, 3)
LENGTHS = st.integers(3, 12)
batches = st.builds(prompts, SEEDS, st.integers(1, 6), LENGTHS)
tokens = st.integers(0, VOCABULARY - 1)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    shape = draw(shapes())
    return World(shape, draw(others(shape)), draw(batches))


@define
class Bench:
    """Makes the steps of a world. What is drawn comes from `draw`."""

    draw: st.DrawFn
    world: World
    needs: dict[str, Step] = field(factory=dict)

    def case(self, step: Step) -> Case:
        return Case(self.world, step, self.needs)

    # the kinds of steps, each made only here

    def capture(self, shape: Shape, batch: Batch, at: Position, sites: Sites, part: Part = Part.OUTPUT) -> Capture:
        """Of the sites that are wanted, or, where these are heads, of all."""
        some = st.sampled_from((sites, None)) if part in PER_HEAD else st.just(sites)
        return Capture(shape.key, batch, at, self.draw(some), part)

    def sum_outputs(self, shape: Shape, batch: Batch, part: Part = Part.OUTPUT) -> SumOutputs:
        return SumOutputs(shape.key, batch, part)

    def evaluate(self, edits: tuple[Edit, ...], asked: tuple[Indices, ...] | None = None) -> Evaluate:
        asked = self.asked() if asked is None else asked
        return Evaluate(self.world.shape.key, self.world.batch, edits, asked, self.statistics())

    def loss(self, edits: tuple[Edit, ...]) -> Loss:
        tokens = st.lists(st.integers(1, self.world.batch.length - 1), min_size=1, max_size=3, unique=True).map(tuple)
        return Loss(self.world.shape.key, self.world.batch, self.draw(st.tuples(*[tokens] * self.prompts)), edits)

    def attention(self, edits: tuple[Edit, ...]) -> Attention:
        tokens = st.lists(st.integers(0, self.world.batch.length - 1), max_size=3, unique=True).map(tuple)
        read = self.draw(st.tuples(*[tokens] * self.prompts))
        return Attention(self.world.shape.key, self.world.batch, self.at(), read, edits)

    def lens(self, edits: tuple[Edit, ...]) -> Lens:
        return Lens(self.world.shape.key, self.world.batch, self.at(), self.asked(), edits, self.statistics())

    def direct_attribution(self, edits: tuple[Edit, ...]) -> DirectAttribution:
        return DirectAttribution(self.world.shape.key, self.world.batch, self.at(), self.asked(), edits)

    def path_patch(
        self,
        at: Indices,
        layer: int,
        alternate: Batch,
        alternate_at: Indices,
        receivers: tuple[Receivers, ...],
        parts: tuple[Part, ...] = (Part.OUTPUT, Part.OUTPUT, Part.MLP),
    ) -> PathPatch:
        """For all heads of the layer, or some in any order; or for its MLP."""
        part = self.draw(st.sampled_from(parts))
        heads = tuple(head for head in self.world.shape.every_head if head.layer == layer)
        some = st.lists(st.sampled_from(heads), min_size=1, unique=True).map(tuple)
        senders = self.draw(st.none() | some) if part is Part.OUTPUT else None
        ref = self.ref(Capture(self.world.shape.key, alternate, alternate_at, part=part))
        asked = self.asked()
        also = self.statistics()
        return PathPatch(self.world.shape.key, self.world.batch, asked, at, layer, ref, receivers, senders, part, also)

    def attribute(
        self, at: Indices, alternate: Batch, alternate_at: Indices, receivers: tuple[Receivers, ...], steps: int
    ) -> Attribute:
        """Of heads, of MLPs, or of both."""
        sending = self.draw(st.sampled_from(((Part.OUTPUT,), (Part.MLP,), (Part.OUTPUT, Part.MLP))))
        refs = {part: self.ref(Capture(self.world.shape.key, alternate, alternate_at, part=part)) for part in sending}
        heads, mlps = refs.get(Part.OUTPUT), refs.get(Part.MLP)
        return Attribute(self.world.shape.key, self.world.batch, self.asked(), at, heads, receivers, steps, mlps)

    def train_mask(
        self, heads: Sites, train: tuple[MaskBatch, ...], validate: tuple[MaskBatch, ...], **settings: Any
    ) -> TrainMask:
        return TrainMask(self.world.shape.key, heads, train, validate, **settings)

    def ref(self, step: Step) -> Ref:
        name = address(step)
        self.needs[name] = step
        return Ref(name)

    # what they are made of

    @property
    def prompts(self) -> int:
        return self.world.batch.prompts

    def asked(self) -> tuple[Indices, ...]:
        words = self.draw(st.integers(1, 3))
        return self.draw(st.tuples(*[st.tuples(*[tokens] * words)] * self.world.batch.prompts))

    def statistics(self) -> tuple[Statistic, ...]:
        return self.draw(st.just(()) | st.lists(st.sampled_from(tuple(Statistic)), unique=True).map(tuple))

    def at(self, batch: Batch | None = None) -> Indices:
        """A token per prompt: the last, the first, one for all, or each its own."""
        batch = batch or self.world.batch
        one = st.integers(0, batch.length - 1)
        alike = st.sampled_from((batch.length - 1, 0)) | one
        return self.draw(alike.map(lambda token: (token,) * batch.prompts) | st.tuples(*[one] * batch.prompts))

    def position(self) -> Position:
        """A token of each prompt, some, or every one."""
        kind = self.draw(st.integers(0, 5))
        return None if kind == 1 else self.span(self.world.batch) if kind in (2, 3) else self.at()

    def span(self, batch: Batch, many: int | None = None) -> Spans:
        many = many or self.draw(st.integers(1, min(3, batch.length)))
        tokens = st.lists(st.integers(0, batch.length - 1), min_size=many, max_size=many, unique=True)
        return Spans(self.draw(st.tuples(*[tokens.map(sorted).map(tuple)] * batch.prompts)))

    def layer_parts(self, among: tuple[Part, ...] = (*LAYER_PARTS, Part.NEURON)) -> Part:
        return self.draw(st.sampled_from([part for part in among if self.world.shape.key.facts.has(part)]))

    def some_of(self, part: Part) -> Sites:
        """Sites of a part: heads, one or several neurons, or whole layers."""
        facts, layers = self.world.shape.key.facts, st.integers(0, self.world.shape.layers - 1)
        if part in PER_HEAD:
            return tuple(Site(head.layer, part, head.head) for head in self.heads())
        if part is Part.NEURON and self.draw(st.booleans()):
            one = st.builds(lambda layer, neuron: Site(layer, part, neuron), layers, st.integers(0, facts.d_mlp - 1))
            return self.draw(st.lists(one, min_size=1, max_size=4, unique=True).map(tuple))
        return tuple(Site(layer, part) for layer in self.draw(st.lists(layers, max_size=3, unique=True)))

    def heads(self, least: int = 0) -> Sites:
        every = self.world.shape.every_head
        layer = self.draw(st.integers(0, self.world.shape.layers - 1))
        whole = st.sampled_from((every, tuple(head for head in every if head.layer == layer)))
        return self.draw(st.lists(st.sampled_from(every), min_size=least, max_size=5, unique=True).map(tuple) | whole)

    def several(self, make: Callable[[], T], least: int = 0, most: int = 3) -> tuple[T, ...]:
        return tuple(make() for _ in range(self.draw(st.integers(least, most))))

    def receivers(self) -> Receivers:
        """What heads read, or MLPs."""
        if self.draw(st.integers(0, 3)) == 0:
            return Receivers(Part.MLP, self.some_of(Part.MLP))
        return self.receiving_heads()

    def receiving_heads(self) -> Receivers:
        return Receivers(self.draw(st.sampled_from(RECEIVING)), self.heads())

    def mixed(self) -> Sites:
        """Sites of several parts: mostly heads and MLPs."""
        parts = self.several(lambda: self.draw(st.sampled_from((Part.MLP, Part.MLP, Part.ATTENTION, Part.NEURON))))
        others = (site for part in dict.fromkeys(parts) for site in bound(self.some_of(part)))
        return (*bound(self.heads()), *others)

    def alternate(self, at: Indices) -> tuple[Batch, Indices]:
        """Alternates of any length, or some that say the same as the original, at the same token or another."""
        alternate = self.draw(self.world.alternates() | self.world.partly())
        return alternate, at if alternate.length == self.world.batch.length and self.draw(st.booleans()) else self.at(
            alternate
        )

    # edits

    def mean(self, part: Part = Part.OUTPUT) -> FromMean:
        length = self.world.batch.length
        shape = self.draw(st.sampled_from(self.world.models))
        sizes = self.several(lambda: self.draw(st.integers(1, 3)), least=1, most=2)
        return FromMean(
            tuple(
                self.ref(self.sum_outputs(shape, prompts(self.draw(SEEDS) + 10 * i, size, length), part))
                for i, size in enumerate(sizes)
            )
        )

    def from_capture(self, sites: Sites, at: Position, part: Part = Part.OUTPUT) -> FromCapture:
        """From alternates, or from either model on the same tokens; at every token, from alternates as long."""
        shape, batch = self.draw(st.sampled_from(self.world.models)), self.world.batch
        alternates = self.world.partly() if at is None else self.world.alternates()
        alternate = self.draw(alternates | st.just(batch))
        alternate_at = at if alternate is batch or at is None else self.alternate_at(alternate, at)
        return FromCapture(self.ref(self.capture(shape, alternate, alternate_at, sites, part)))

    def alternate_at(self, alternate: Batch, at: Position) -> Position:
        """Other tokens, as many: the last where the alternates are too short."""
        if not isinstance(at, Spans):
            return self.at(alternate)
        assume(at.many <= alternate.length)
        return self.span(alternate, at.many)

    def set_heads(self) -> Set:
        heads, at = self.heads(), self.position()
        return Set(At(heads, at), self.source(heads, at, Part.OUTPUT))

    def change(self) -> Edit:
        """Any change of sites of any part."""
        part = self.layer_parts(PARTS)
        sites, at = self.some_of(part), self.position()
        factor, target = self.draw(st.sampled_from((1.0, 0.5, -2.0, 0.0))), At(sites, at)
        wide = part in LAYER_PARTS
        source = self.vector() if wide and self.draw(st.integers(0, 3)) == 0 else self.source(sites, at, part)
        edits: tuple[Edit, ...] = (
            Set(target, source),
            Add(target, source, factor),
            Scale(target, factor),
            *([ProjectOut(target, source)] if wide else []),
        )
        return self.draw(st.sampled_from(edits))

    def source(self, sites: Sites, at: Position, part: Part) -> Source:
        makers: tuple[Callable[[], Source], ...] = (
            FromZero,
            lambda: self.mean(part),
            lambda: self.from_capture(sites, at, part),
            self.noise,
        )
        return self.draw(st.sampled_from(makers))()

    def noise(self) -> FromNoise:
        numbers = st.tuples(*[st.integers(0, 9)] * self.world.batch.prompts)
        return FromNoise(self.draw(st.sampled_from((0.5, 3.0))), self.draw(st.integers(0, 1)), self.draw(numbers))

    def vector(self) -> FromVector:
        """Of what the residual stream is made of, or, where that is known, what writes to it."""
        normed = self.world.shape.key.facts.layout.norms_what_is_added
        stream = (Part.RESIDUAL, Part.MID, Part.POST)
        part = self.layer_parts(stream if normed else (*stream, Part.OUTPUT, Part.NEURON, Part.ATTENTION, Part.MLP))
        sites, several = self.some_of(part), prompts(self.draw(SEEDS), 2, self.world.batch.length)
        captures = Capture(self.world.shape.key, several, self.draw(st.sampled_from(((0, 1), None))), sites, part)
        term = Term(self.draw(st.sampled_from((1.0, -0.5))), sites, (self.ref(captures),))
        given = Given(0.5, Numbers(tuple(float(number % 3) for number in range(self.world.shape.key.facts.d_model))))
        return FromVector(self.draw(st.sampled_from(((term,), (given,), (term, given)))))

    def set_elsewhere(self) -> Set:
        """Groups at several positions, or twice at one."""
        places = self.several(self.position, least=1, most=2)
        kept = self.several(lambda: At(self.heads(), self.draw(st.sampled_from(places))))
        return Set(Elsewhere(kept), self.everywhere())

    def set_everything_else(self) -> Set:
        """MLPs, neurons or attentions, or, to zero, heads as well."""
        part, heads = self.layer_parts((Part.ATTENTION, Part.NEURON, Part.MLP)), self.draw(st.booleans())
        kept = (*self.several(lambda: At(self.some_of(part), self.position())), At(self.heads(), self.position()))
        if heads:
            return Set(Elsewhere(kept, (Part.OUTPUT, part)), FromZero())
        return Set(Elsewhere(kept, (part,)), self.everywhere(part))

    def with_others_elsewhere(self, heads: Set) -> list[Set]:
        """MLPs or neurons set elsewhere beside the heads, at once or by an edit of their own."""
        assert isinstance(heads.target, Elsewhere)
        part = self.draw(st.sampled_from((Part.MLP, Part.NEURON)))
        kept = (*heads.target.kept, *self.several(lambda: At(self.some_of(part), self.at())))
        if heads.source == FromZero():
            return [Set(Elsewhere(kept, (Part.OUTPUT, part)), FromZero())]
        return [heads, Set(Elsewhere(kept, (part,)), self.everywhere(part))]

    def scale_elsewhere(self) -> Scale:
        return Scale(Elsewhere((At(self.heads(), self.position()),)), 0.5)

    def everywhere(self, part: Part = Part.OUTPUT) -> Source:
        """What all sites of a part at all tokens can be set to."""
        makers: tuple[Callable[[], Source], ...] = (
            FromZero,
            lambda: self.mean(part),
            lambda: FromCapture(self.ref(self.all_sites(part))),
        )
        return self.draw(st.sampled_from(makers))()

    def all_sites(self, part: Part) -> Capture:
        """Of every token, of alternates as long or of either model on the same tokens."""
        batch = self.draw(self.world.partly() | st.just(self.world.batch))
        return Capture(self.draw(st.sampled_from(self.world.models)).key, batch, None, None, part)

    def set_inputs(self) -> Set:
        heads, at, part = self.heads(), self.position(), self.draw(st.sampled_from(RECEIVING))
        shape = self.draw(st.sampled_from((self.world.other, self.world.shape)))
        capture = self.capture(shape, self.world.batch, None if part in SHARED else at, heads, part)
        return Set(At(heads, at, part), FromCapture(self.ref(capture)))

    def block_attention(self) -> BlockAttention:
        """Now and then up to a layer that is not there, or all that a token can attend to."""
        first, token = self.draw(st.integers(0, self.world.shape.layers)), st.integers(0, self.world.batch.length - 1)
        read = self.draw(st.tuples(*[st.lists(token, max_size=3).map(tuple)] * self.world.batch.prompts))
        return BlockAttention(first, first + self.draw(st.integers(0, 3)), self.at(), read)

    def edit(self) -> Edit:
        makers: tuple[Callable[[], Edit], ...] = (
            self.set_heads,
            self.change,
            self.change,
            self.set_elsewhere,
            self.set_everything_else,
            self.scale_elsewhere,
            self.set_inputs,
            self.block_attention,
        )
        return self.draw(st.sampled_from(makers))()

    def mask_batch(self) -> MaskBatch:
        original = self.draw(st.just(self.world.batch) | batches)
        alternate = prompts(self.draw(SEEDS) + 3, original.prompts, self.draw(LENGTHS))
        target = self.draw(st.tuples(*[tokens] * original.prompts))
        return MaskBatch(original, alternate, self.at(original), self.at(alternate), target)


# --- one strategy for each kind of step ------------------------------------------------------------------------


def evaluations(draw: st.DrawFn, world: World) -> Case:
    bench = Bench(draw, world)
    return bench.case(bench.evaluate(bench.several(bench.edit, most=4)))


def readings(draw: st.DrawFn, world: World) -> Case:
    bench = Bench(draw, world)
    edits = bench.several(bench.edit, most=2)
    makers: list[Callable[[tuple[Edit, ...]], Step]] = [bench.loss, bench.attention, bench.lens]
    if not world.shape.key.facts.layout.norms_what_is_added:
        makers.append(bench.direct_attribution)
    return bench.case(draw(st.sampled_from(makers))(edits))


def circuits(draw: st.DrawFn, world: World) -> Case:
    """A circuit with the same everywhere else as others have, also of MLPs or neurons, and changes beside it."""
    bench = Bench(draw, world)
    mean = FromMean((bench.ref(bench.sum_outputs(world.shape, prompts(1, 2, world.batch.length))),))
    alternates = FromCapture(bench.ref(Capture(world.shape.key, world.batch, None)))
    sources: tuple[Source, ...] = (mean, FromZero(), alternates)
    kept = bench.several(lambda: At(bench.heads(), bench.position()))
    elsewhere = [Set(Elsewhere(kept), draw(st.sampled_from(sources)))]
    if draw(st.booleans()):
        elsewhere = bench.with_others_elsewhere(elsewhere[0])
    edits = bench.several(draw(st.sampled_from((bench.set_heads, bench.change))), most=1)
    return bench.case(bench.evaluate(tuple(draw(st.permutations((*elsewhere, *edits))))))


def path_patches(draw: st.DrawFn, world: World) -> Case:
    bench, at = (bench := Bench(draw, world)), bench.at()
    layer = draw(st.integers(0, world.shape.layers - 1))
    return bench.case(bench.path_patch(at, layer, *bench.alternate(at), bench.several(bench.receivers)))


def attributions(draw: st.DrawFn, world: World) -> Case:
    """To receivers that can be reached, or the logits: a hop to others is not estimated."""
    bench, at = (bench := Bench(draw, world)), bench.at()
    receivers = bench.several(bench.receivers, most=2)
    step = bench.attribute(at, *bench.alternate(at), receivers, draw(st.integers(0, 2)))
    return bench.case(attrs.evolve(step, receivers=()) if kind_of(step).known_zero(step) else step)


def clean_runs(draw: st.DrawFn, world: World) -> Case:
    """Captures and sums, of any part."""
    bench, shape = Bench(draw, world), draw(st.sampled_from(world.models))
    part, at = bench.layer_parts(PARTS), bench.position()
    sites = bench.some_of(part)
    capture = bench.capture(shape, world.batch, at, sites, part)
    steps: tuple[Step, ...] = (capture, bench.sum_outputs(shape, world.batch, part))
    return bench.case(draw(st.sampled_from(steps)))


def masks(draw: st.DrawFn, world: World) -> Case:
    bench = Bench(draw, world)
    several = bench.several(bench.mask_batch, least=1, most=2)
    validate = bench.several(
        lambda: draw(st.sampled_from(several)) if draw(st.booleans()) else bench.mask_batch(), least=1, most=2
    )
    settings = {
        "sparsity": draw(st.sampled_from((0.01, 1.0))),
        "epochs": draw(st.integers(1, 3)),
        "rate": draw(st.sampled_from((0.1, 0.3))),
    }
    return bench.case(
        bench.train_mask(bench.mixed(), several, validate, **settings, check_every=draw(st.integers(1, 4)))
    )


KINDS: Mapping[str, Callable[[st.DrawFn, World], Case]] = {
    "evaluate": evaluations,
    "circuit": circuits,
    "reading": readings,
    "path patch": path_patches,
    "attribute": attributions,
    "clean run": clean_runs,
    "mask": masks,
}


@st.composite
def case_of(draw: st.DrawFn, *kinds: str) -> Case:
    world = draw(worlds())
    return KINDS[draw(st.sampled_from(kinds))](draw, world)


@st.composite
def sequences(draw: st.DrawFn, *among: str, least: int = 2, most: int = 5) -> list[Case]:
    """Steps of one world, of one kind or two: so that they have models and batches in common, and little else."""
    world, kinds = draw(worlds()), draw(st.lists(st.sampled_from(among or tuple(KINDS)), min_size=1, max_size=2))
    return [KINDS[draw(st.sampled_from(kinds))](draw, world) for _ in range(draw(st.integers(least, most)))]


def everything(batch: Batch) -> tuple[Indices, ...]:
    """All tokens asked for."""
    return (tuple(range(VOCABULARY)),) * batch.prompts


def senders_of(case: Case) -> list[int]:
    """The heads that a path patch has rows for, or 0 for an MLP."""
    assert isinstance(case.step, PathPatch) and not isinstance(case.step.senders, Screened)
    if case.step.part is not Part.OUTPUT:
        return [0]
    return (
        list(range(case.world.shape.heads)) if case.step.senders is None else [head.head for head in case.step.senders]
    )
