"""Every part of a layer, read, summed and changed in every way, at a token, at a span and at every token: equal to the
oracle in every family, by both executors. docs/models.md has the table of what is tested here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from any_site import ACTS, FACTOR, PARTS, POSITIONS, SITES, SPAN, acts_on, table
from attrs import frozen
from engine_by_hooks import Hooked
from engine_models import (
    ALTERNATES,
    ASKED,
    EXECUTORS,
    MODELS,
    ORIGINALS,
    SPREAD,
    Saved,
    agree,
    outcomes,
    prompts,
    same,
    save,
    tensor,
)
from torch import Tensor

from entrack.engine.engine import Engine
from entrack.engine.errors import EngineError
from entrack.engine.noise import noise
from entrack.families import FAMILIES
from entrack.plan.steps import (
    Add,
    At,
    Batch,
    Capture,
    Edit,
    Elsewhere,
    Evaluate,
    FromCapture,
    FromMean,
    FromNoise,
    FromVector,
    FromZero,
    Position,
    ProjectOut,
    Ref,
    Scale,
    Set,
    Source,
    Spans,
    Step,
    SumOutputs,
    Term,
)
from entrack.sites import PER_HEAD, SHARED, Part, Site

PART = pytest.mark.parametrize("part", PARTS, ids=lambda part: part.value)
SUMMED = prompts(3)
NUMBERS = (4, 0, 17, 3, 9)
"""Of the prompts in a population."""
NOISE = FromNoise(0.5, 7, NUMBERS)
SOURCES: Mapping[str, Source] = {
    "capture": FromCapture(Ref("others")),
    "mean": FromMean((Ref("sum"),)),
    "zero": FromZero(),
    "noise": NOISE,
}
GIVEN: Mapping[str, tuple[str, ...]] = {
    "set": ("capture", "mean", "zero"),
    "add": ("capture", "mean", "noise"),
    "scale": ("zero",),
    "project out": ("capture", "mean"),
}
"""Sources by act; a capture at all positions, the others at a span."""


PAGE = Path(__file__).parents[2] / "docs" / "models.md"
Given = Callable[[Site, int, int, int], Tensor]
"""What a site is given at a prompt and token, which has a number within the target."""


@frozen(eq=False)
class Bench:
    """A model in each executor, and the oracle."""

    saved: Saved
    model: Hooked
    engines: Mapping[str, Engine]

    def compute(self, executor: str, step: Step, inputs: Mapping[str, Any] | None = None) -> dict[str, np.ndarray]:
        for engine in self.engines.values():  # tests call different values by one name
            engine._activations.clear()
        return self.engines[executor].compute(step, inputs or {}).tensors

    def evaluate(self, executor: str, edits: tuple[Edit, ...], inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        return self.compute(executor, Evaluate(self.saved.key, ORIGINALS, edits, ASKED), inputs)


@pytest.fixture(scope="module", params=MODELS)
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    saved = save(MODELS[request.param](), tmp_path_factory.mktemp("model"))
    return Bench(saved, Hooked(saved.module), {executor: saved.engine(executor) for executor in EXECUTORS})


def sites(saved: Saved, part: Part) -> tuple[Site, ...]:
    """In the last two layers, not in order: the last and the first head, some neurons, or all there is."""
    facts = saved.key.facts
    last, before = facts.layers - 1, facts.layers - 2
    if part in PER_HEAD:
        return Site(last, part, facts.heads - 1), Site(before, part, 0)
    if part is Part.NEURON:
        return Site(last, part, 11), Site(before, part, 3), Site(last, part, 0)
    return Site(last, part), Site(before, part)


def index(saved: Saved, site: Site) -> tuple[int | slice, ...]:
    """Of a site in what stands at its part at one token."""
    if site.index is None:
        return ()
    if site.part not in PER_HEAD:
        return (slice(site.index, site.index + 1),)
    return (saved.key.facts.key_value_head(site.index) if site.part in SHARED else site.index,)


def of_site(bench: Bench, site: Site, every: Tensor) -> Tensor:
    """(prompt, token, ...) of a part -> (prompt, token, width)"""
    return every[(slice(None), slice(None), *index(bench.saved, site))]


def cells(at: Position, length: int = ORIGINALS.length) -> Iterator[tuple[int, int, int]]:
    """Prompt, token, and which one it is within the target."""
    for prompt in range(ORIGINALS.prompts):
        match at:
            case None:
                tokens = tuple(range(length))
            case Spans():
                tokens = at.at[prompt]
            case _:
                tokens = (at[prompt],)
        yield from ((prompt, token, number) for number, token in enumerate(tokens))


def acted(act: str, old: Tensor, given: Tensor) -> Tensor:
    match act:
        case "set":
            return given
        case "add":
            return old + FACTOR * given
        case "scale":
            return FACTOR * old
    return old - (old @ given) / (given @ given) * given if given.any() else old


def edit(act: str, target: At, source: Source) -> Edit:
    match act:
        case "set":
            return Set(target, source)
        case "add":
            return Add(target, source, FACTOR)
        case "scale":
            return Scale(target, FACTOR)
    return ProjectOut(target, source)


def by_hooks(
    bench: Bench, act: str, part: Part, at: Position, given: Callable[[Site, int, int, int], Tensor]
) -> Tensor:
    """Logits where an act is done at the sites of a part."""

    def change(layer: int, value: Tensor) -> None:
        for site in (site for site in sites(bench.saved, part) if site.layer == layer):
            for prompt, token, number in cells(at):
                here = (prompt, token, *index(bench.saved, site))
                value[here] = acted(act, value[here].clone(), given(site, prompt, token, number))

    layers = {site.layer for site in sites(bench.saved, part)}
    return bench.model.changed(tensor(ORIGINALS), {(layer, part.value): partial(change, layer) for layer in layers})


def has(bench: Bench, part: Part) -> bool:
    return bench.saved.key.facts.has(part)


@PART
def test_a_part_that_a_model_does_not_have(bench: Bench, part: Part) -> None:
    steps = (Capture(bench.saved.key, ORIGINALS, None, None, part), SumOutputs(bench.saved.key, ORIGINALS, part))
    for executor in () if has(bench, part) else EXECUTORS:
        for step in steps:
            with pytest.raises(EngineError, match=f"have no {part.value}"):
                bench.compute(executor, step)
        with pytest.raises(EngineError, match=f"have no {part.value}"):
            bench.evaluate(executor, (Scale(At(sites(bench.saved, part), None), 2.0),), {})
    assert has(bench, part) or part in (Part.MID, Part.NEURON)


@PART
def test_reads(bench: Bench, part: Part) -> None:
    if not has(bench, part):
        return
    seen, key = bench.model.part(tensor(ORIGINALS), part.value), bench.saved.key
    for executor in EXECUTORS:
        for at in POSITIONS.values():
            rows = torch.tensor([[prompt, token] for prompt, token, _ in cells(at)]).T
            every = seen[:, rows[0], rows[1]].unflatten(1, (ORIGINALS.prompts, -1))  # type: ignore[no-untyped-call]
            some = torch.stack([of_site(bench, site, every[site.layer]) for site in sites(bench.saved, part)])
            every, some = (value[:, :, 0] if isinstance(at, tuple) else value for value in (every, some))
            agree(bench.compute(executor, Capture(key, ORIGINALS, at, None, part)), {part.value: every.numpy()})
            found = bench.compute(executor, Capture(key, ORIGINALS, at, sites(bench.saved, part), part))
            agree(found, {part.value: some.numpy()})
        expected = {"sum": seen.double().sum(1).numpy(), "count": np.array(5)}
        of_five = 5 * 1e-5  # so that the mean is within 1e-5
        agree(bench.compute(executor, SumOutputs(key, ORIGINALS, part)), expected, of_five)


@PART
@pytest.mark.parametrize("act", ACTS)
def test_changes(bench: Bench, act: str, part: Part) -> None:
    if not has(bench, part) or part not in acts_on(act):
        return
    key, named = bench.saved.key, sites(bench.saved, part)
    others = bench.model.part(tensor(ALTERNATES), part.value)
    mean = bench.model.part(tensor(SUMMED), part.value).double().mean(1).float()
    given: Mapping[str, Given] = {
        "capture": lambda site, prompt, token, _: others[(site.layer, prompt, token, *index(bench.saved, site))],
        "mean": lambda site, prompt, token, _: mean[(site.layer, token, *index(bench.saved, site))],
        "zero": lambda site, prompt, token, _: torch.tensor(0.0),
        "noise": partial(drawn, bench),
    }
    inputs = {"sum": bench.compute("reference", SumOutputs(key, SUMMED, part))}
    for source in GIVEN[act]:
        for at in POSITIONS.values() if source == GIVEN[act][0] else (SPAN,):
            expected = outcomes(by_hooks(bench, act, part, at, given[source]))
            inputs["others"] = bench.compute("reference", Capture(key, ALTERNATES, at, named, part))
            for executor in EXECUTORS:
                agree(bench.evaluate(executor, (edit(act, At(named, at), SOURCES[source]),), inputs), expected)


def drawn(bench: Bench, site: Site, prompt: int, token: int, number: int) -> Tensor:
    """Noise at a span."""
    facts = bench.saved.key.facts
    width = 1 if site.part is Part.NEURON else facts.d_head if site.part in PER_HEAD else facts.d_model
    stream = noise(7, NUMBERS[prompt], site, width * SPAN.many)
    return torch.tensor(0.5 * stream[width * number :][:width]).float()


@PART
def test_a_run_patched_with_itself_is_the_same_bit_for_bit(bench: Bench, part: Part) -> None:
    if not has(bench, part):
        return
    key, named = bench.saved.key, sites(bench.saved, part)
    for executor in EXECUTORS:
        clean = bench.evaluate(executor, (), {})
        for at in POSITIONS.values():
            inputs = {"others": bench.compute(executor, Capture(key, ORIGINALS, at, named, part))}
            same(bench.evaluate(executor, (Set(At(named, at), SOURCES["capture"]),), inputs), clean)
            same(bench.evaluate(executor, (Scale(At(named, at), 1.0), Add(At(named, at), FromZero())), inputs), clean)


def test_the_residual_stream_goes_on_from_where_it_is_set(bench: Bench) -> None:
    """After a layer it is what was set inside it, and what the MLP adds to that."""
    if not has(bench, Part.MID):
        return
    seen: dict[str, Tensor] = {}

    def zero(value: Tensor) -> None:
        value[:] = 1.5

    look = {(1, name): partial(seen.__setitem__, name) for name in ("mlp", "post")}
    bench.model.changed(tensor(ORIGINALS), {(1, "mid"): zero, **look})
    added = seen["mlp"]
    if bench.saved.key.facts.layout.norms_what_is_added:
        added = bench.model._block(1).post_feedforward_layernorm(added)
    torch.testing.assert_close(seen["post"], 1.5 + added, rtol=0, atol=1e-6)
    assert torch.equal(seen["mlp"][0, 0], seen["mlp"][1, 3])


def test_edits_at_one_site_combine_in_their_order(bench: Bench) -> None:
    site = Site(1, Part.RESIDUAL)
    given = bench.model.part(tensor(ALTERNATES), "residual")[1]
    inputs = {"others": bench.compute("reference", Capture(bench.saved.key, ALTERNATES, None, (site,), site.part))}
    target, source = At((site,), None), SOURCES["capture"]
    several: tuple[tuple[tuple[Edit, ...], Callable[[Tensor], Tensor]], ...] = (
        ((Scale(target, 2.0), Add(target, source)), lambda value: 2 * value + given),
        ((Add(target, source), Scale(target, 2.0)), lambda value: 2 * (value + given)),
        ((Add(target, source), Set(target, source), Scale(target, 0.5)), lambda value: 0.5 * given),
        ((Set(At((site,), SPREAD), FromZero()), Add(target, source, 3.0)), lambda value: zeroed(value) + 3 * given),
    )
    for edits, changed in several:
        change = partial(in_place, changed)
        logits = bench.model.changed(tensor(ORIGINALS), {(1, "residual"): change})
        for executor in EXECUTORS:
            agree(bench.evaluate(executor, edits, inputs), outcomes(logits))


def in_place(changed: Callable[[Tensor], Tensor], value: Tensor) -> None:
    value.copy_(changed(value.clone()))


def zeroed(value: Tensor) -> Tensor:
    """At the tokens of a position."""
    value[torch.arange(5), torch.tensor(SPREAD)] = 0
    return value


# --- what heads read, and everything elsewhere, at spans --------------------------------------------------------------


@pytest.mark.parametrize("part", [Part.QUERY, Part.KEY, Part.VALUE], ids=lambda part: part.value)
@pytest.mark.parametrize("at", [SPAN, None], ids=["span", "every token"])
def test_what_heads_read_at_a_span(bench: Bench, part: Part, at: Position) -> None:
    """Keys and values up to its last token; outputs are held at every other."""
    facts, heads = bench.saved.key.facts, (Site.of_head(bench.saved.key.facts.layers - 1, 0),)
    (head,), length = heads, ORIGINALS.length
    given, clean = bench.model.part(tensor(ALTERNATES), part.value), bench.model.z(tensor(ORIGINALS))
    served = facts.sharers(0) if part in SHARED else (0,)
    own = {(prompt, token) for prompt, token, _ in cells(at)}

    def read(value: Tensor) -> None:
        for prompt, token, _ in cells(at):
            for upto in range(token + 1) if part in SHARED else (token,):
                value[prompt, upto, 0] = given[head.layer, prompt, upto, 0]

    def hold(z: Tensor) -> None:
        for prompt in range(5):
            for token in (token for token in range(length) if (prompt, token) not in own):
                z[prompt, token, list(served)] = clean[head.layer, prompt, token, list(served)]

    logits = bench.model.changed(tensor(ORIGINALS), {(head.layer, part.value): read, (head.layer, "output"): hold})
    capture = Capture(bench.saved.key, ALTERNATES, None if part in SHARED else at, heads, part)
    for executor in EXECUTORS:
        inputs = {"others": bench.compute(executor, capture)}
        agree(bench.evaluate(executor, (Set(At(heads, at, part), SOURCES["capture"]),), inputs), outcomes(logits))


@pytest.mark.parametrize("source", ["zero", "mean", "capture"])
def test_heads_and_mlps_elsewhere(bench: Bench, source: str) -> None:
    """A head and an MLP are kept at a span, another head at a token."""
    last = bench.saved.key.facts.layers - 1
    kept = (At((Site.of_head(last, 1),), SPAN), At((Site(0, Part.MLP),), SPAN), At((Site.of_head(0, 0),), SPREAD))
    given = {part: of_source(bench, source, part) for part in (Part.OUTPUT, Part.MLP)}

    def change(layer: int, part: Part, value: Tensor) -> None:
        own = value.clone()
        value[:] = given[part][layer]
        for group in kept:
            for site in (site for site in group.sites if site.layer == layer and site.part is part):  # type: ignore[union-attr]
                for prompt, token, _ in cells(group.at):
                    here = (prompt, token, *index(bench.saved, site))
                    value[here] = own[here]

    places = {(layer, part.value): partial(change, layer, part) for layer in range(last + 1) for part in given}
    expected = outcomes(bench.model.changed(tensor(ORIGINALS), places))
    inputs: dict[str, Any] = {}
    for part in given:
        inputs[f"sum {part.value}"] = bench.compute("reference", SumOutputs(bench.saved.key, SUMMED, part))
        capture = Capture(bench.saved.key, ALTERNATES, None, None, part)
        inputs[f"others {part.value}"] = bench.compute("reference", capture)
    for executor in EXECUTORS:
        agree(bench.evaluate(executor, everywhere(kept, source), inputs), expected)


@pytest.mark.parametrize("kept_at", [SPREAD, None], ids=["token", "every token"])
@pytest.mark.parametrize("set_at", [SPREAD, None], ids=["token", "every token"])
def test_heads_elsewhere_beside_what_is_done_at_every_token(bench: Bench, kept_at: Position, set_at: Position) -> None:
    last = bench.saved.key.facts.layers - 1
    kept, changed = Site.of_head(last, 0), Site.of_head(0, 1)
    given = bench.model.part(tensor(ALTERNATES), "output")

    def change(layer: int, z: Tensor) -> None:
        own = z[:, :, kept.head].clone()
        z[:] = 0
        for site, at, value in ((kept, kept_at, own), (changed, set_at, given[0, :, :, 1])):
            for prompt, token, _ in cells(at) if site.layer == layer else ():
                z[prompt, token, site.head] = value[prompt, token]

    places = {(layer, "output"): partial(change, layer) for layer in range(last + 1)}
    expected = outcomes(bench.model.changed(tensor(ORIGINALS), places))
    inputs = {"others": bench.compute("reference", Capture(bench.saved.key, ALTERNATES, set_at, (changed,)))}
    edits = (Set(Elsewhere((At((kept,), kept_at),)), FromZero()), Set(At((changed,), set_at), SOURCES["capture"]))
    for executor in EXECUTORS:
        agree(bench.evaluate(executor, edits, inputs), expected)


def everywhere(kept: tuple[At, ...], source: str) -> tuple[Edit, ...]:
    """All heads and MLPs but those kept: at once, or, as the values are of one part, part by part."""
    if source == "zero":
        return (Set(Elsewhere(kept, (Part.OUTPUT, Part.MLP)), FromZero()),)
    return tuple(
        Set(
            Elsewhere(kept, (part,)),
            FromMean((Ref(f"sum {part.value}"),)) if source == "mean" else FromCapture(Ref(f"others {part.value}")),
        )
        for part in (Part.OUTPUT, Part.MLP)
    )


def of_source(bench: Bench, source: str, part: Part) -> Tensor:
    """-> (layer, prompt, token, ...), or what broadcasts to it"""
    others = bench.model.part(tensor(ALTERNATES), part.value)
    mean = bench.model.part(tensor(SUMMED), part.value).double().mean(1, keepdim=True).float()
    return {"zero": torch.zeros_like(others), "mean": mean, "capture": others}[source]


# --- vectors and noise ------------------------------------------------------------------------------------------------


def written(bench: Bench, site: Site, value: Tensor) -> Tensor:
    """What a head or neuron adds to the output of its attention or MLP: with it alone, less with nothing at all."""
    model = bench.model
    module = model._output_projection(site.layer) if site.part is Part.OUTPUT else model._down_projection(site.layer)
    facts = bench.saved.key.facts
    alone = torch.zeros(facts.heads * facts.d_head if site.part is Part.OUTPUT else facts.d_mlp)
    first, width = (site.index or 0) * len(value), len(value)
    alone[first : first + width] = value
    result: Tensor = module(alone[None]) - module(torch.zeros_like(alone)[None])
    return result[0].detach()


def means(bench: Bench, site: Site, batch: Batch, at: tuple[tuple[int, ...], ...]) -> Tensor:
    """Of each prompt over its tokens. -> (prompt, width)"""
    value = of_site(bench, site, bench.model.part(tensor(batch), site.part.value)[site.layer])
    return torch.stack([value[prompt, list(tokens)].mean(0) for prompt, tokens in enumerate(at)])


@pytest.mark.parametrize("part", [Part.OUTPUT, Part.NEURON, Part.MLP, Part.RESIDUAL], ids=lambda part: part.value)
def test_vectors(bench: Bench, part: Part) -> None:
    """The difference of two means, one over two batches of spans, in the residual stream."""
    if not has(bench, part):
        return
    key, named, more = bench.saved.key, sites(bench.saved, part), prompts(5, 3, 7)
    span = Spans(((1, 2), (0, 4), (3, 6)))
    inputs = {
        "one": bench.compute("reference", Capture(key, ALTERNATES, SPREAD, named, part)),
        "two": bench.compute("reference", Capture(key, more, span, named, part)),
        "three": bench.compute("reference", Capture(key, SUMMED, None, named, part)),
    }
    source = FromVector((Term(1.5, named, (Ref("one"), Ref("two"))), Term(-1.0, named, (Ref("three"),))))
    target = At((Site(1, Part.RESIDUAL),), SPAN)
    if key.facts.layout.norms_what_is_added and part is not Part.RESIDUAL:
        for executor in EXECUTORS:
            with pytest.raises(EngineError, match="is not known"):
                bench.evaluate(executor, (Add(target, source),), inputs)
        return
    direction = torch.zeros(key.facts.d_model)
    for site in named:
        alternates = means(bench, site, ALTERNATES, tuple((token,) for token in SPREAD))
        first = torch.cat([alternates, means(bench, site, more, span.at)])
        mean = 1.5 * first.mean(0) - means(bench, site, SUMMED, (tuple(range(9)),) * 5).mean(0)
        direction += written(bench, site, mean) if part in (Part.OUTPUT, Part.NEURON) else mean
    for act in ("set", "add", "project out"):

        def change(value: Tensor, act: str = act) -> None:
            for prompt, token, _ in cells(SPAN):
                value[prompt, token] = acted(act, value[prompt, token].clone(), direction)

        expected = outcomes(bench.model.changed(tensor(ORIGINALS), {(1, "residual"): change}))
        for executor in EXECUTORS:
            agree(bench.evaluate(executor, (edit(act, target, source),), inputs), expected, within=2e-5)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_noise_is_the_prompts_own(bench: Bench, executor: str) -> None:
    """Prompts that run alone have the noise that they have among others, in any order."""
    target = (Site(0, Part.RESIDUAL),)
    every = bench.evaluate(executor, (Add(At(target, SPAN), NOISE),), {})
    for prompt in (3, 0):
        batch = Batch((ORIGINALS.tokens[prompt],))
        edits = (Add(At(target, Spans((SPAN.at[prompt],))), FromNoise(0.5, 7, (NUMBERS[prompt],))),)
        found = bench.compute(executor, Evaluate(bench.saved.key, batch, edits, (ASKED[prompt],)))
        agree(found, {name: value[prompt : prompt + 1] for name, value in every.items()})


@pytest.mark.parametrize(
    "wrong",
    [
        Add(At((Site(0, Part.OUTPUT, 0),), SPREAD), FromVector(())),
        ProjectOut(At((Site(0, Part.NEURON, 0),), SPREAD), FromZero()),
        Scale(At((Site.of_head(0, 0),), SPREAD, Part.QUERY), 2.0),
        Set(Elsewhere(()), NOISE),
        Set(Elsewhere((), (Part.OUTPUT, Part.MLP)), FromMean((Ref("sum"),))),
    ],
)
def test_what_cannot_be(grouped: Saved, wrong: Edit) -> None:
    inputs = {"sum": grouped.compute("reference", SumOutputs(grouped.key, ORIGINALS))}
    for executor in EXECUTORS:
        with pytest.raises(EngineError):
            grouped.compute(executor, Evaluate(grouped.key, ORIGINALS, (wrong,), ASKED), inputs)


# --- the table in docs/models.md --------------------------------------------------------------------------------------


def test_the_page_of_models_says_what_is_tested() -> None:
    """`ENTRACK_GOLDEN=write` writes the table anew."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition("<!-- families and sites -->\n")
    shown, _, after = rest.partition("<!-- end -->")
    if os.environ.get("ENTRACK_GOLDEN") == "write":
        PAGE.write_text(f"{before}<!-- families and sites -->\n{table()}\n<!-- end -->{after}", encoding="utf-8")
        shown = f"{table()}\n"
    assert shown == f"{table()}\n"
    assert set(SITES) == set(PARTS)


def test_every_family_of_the_table_is_tested() -> None:
    tested = {name.split(",")[0] for name in MODELS}
    assert {name.replace("3_text", "3") for name in FAMILIES} == tested


# --- what it costs ----------------------------------------------------------------------------------------------------


def test_captures_of_one_batch_share_its_clean_run(grouped: Saved) -> None:
    """One pass for all that a whole run keeps, and one for each part that it does not keep."""
    engine, layers = grouped.engine("optimised"), range(grouped.key.facts.layers)

    def forwards(part: Part, at: Position) -> float:
        sites = [(Site(layer, part, 1 if part in PER_HEAD else None),) for layer in layers]
        steps = [Capture(grouped.key, ALTERNATES, at, named, part) for named in sites]
        return sum(float(engine.compute(step, {}).how["forwards"]) for step in steps)

    kept = (*PER_HEAD, Part.ATTENTION, Part.MLP, Part.RESIDUAL)
    assert forwards(Part.RESIDUAL, SPREAD) == 1
    assert all(forwards(part, at) == 0 for part in kept for at in (SPAN, None))
    for part in (Part.MID, Part.NEURON, Part.POST):
        assert [forwards(part, at) for at in (None, SPREAD, SPAN)] == [1, 0, 0]


def test_a_grid_costs_the_layers_and_tokens_from_the_change_on(grouped: Saved) -> None:
    engine, layers, length = grouped.engine("optimised"), grouped.key.facts.layers, ORIGINALS.length
    alternates = {
        site: grouped.compute("reference", Capture(grouped.key, ALTERNATES, None, (site,), site.part))
        for site in (Site(layer, part) for layer in range(layers) for part in (Part.RESIDUAL, Part.MLP))
    }
    engine.compute(Evaluate(grouped.key, ORIGINALS, (), ASKED), {})
    engine.compute(Capture(grouped.key, ORIGINALS, None, None, Part.MLP), {})
    for site, captured in alternates.items():
        for token in range(1, length):
            inputs = {"others": {name: value[:, :, token] for name, value in captured.items()}}
            edit = Set(At((site,), (token,) * ORIGINALS.prompts), SOURCES["capture"])
            cell = engine.compute(Evaluate(grouped.key, ORIGINALS, (edit,), ASKED), inputs)
            assert cell.how["forwards"] == pytest.approx((1 - site.layer / layers) * (1 - token / length))
