"""A study of a GGUF model from its spec's text to its numbers, by both executors. The model is random, tiny and
grouped-query."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from ioi_gguf import HEADS, LAYERS, tiny

from entrack import api
from entrack.check.resolved import Population
from entrack.engine.errors import ModelUnreadable
from entrack.models.locate import ModelMissing
from entrack.prompts.tokenise import tokenise
from entrack.prompts.tokenizer import tokenizer
from entrack.results import Results
from entrack.sites import Site
from entrack.source import Source

SPEC = """entrack 1

model small = gguf("tiny.gguf")

task given {
  name    = 2 distinct from ["Ann", "Bob", "Cat", "Dan", "Eve", "Fay", "Gus"]
  giver   = one of 0..1
  opening = "When {name[0]} and {name[1]} met"
  giving  = "{name[giver]} gave a cup to"
  prompt  = "{opening}, {giving}"
  answer  = name[1 - giver]
  wrong   = name[giver]
  at last           = end of prompt
  at second_subject = giving.name
}

alternate unrelated of given {
  fresh name
  giving.name = one from ["Ann", "Bob", "Cat", "Dan", "Eve", "Fay", "Gus"] except [name, original.name]
}

discover cir in small on n given against unrelated {
  score logit difference of answer and wrong
  group movers     at last           -> logits                      keep 2
  group feeders    at last           -> movers.query                keep 2
  group duplicates at second_subject -> [movers.key, feeders.value] keep 2
}

param n = 4

intervention without(c) = mean c over n unrelated

measure gap = logit difference of answer and wrong(small with [nothing, without(cir), patch cir from unrelated]) on n given
"""


@pytest.fixture(scope="module")
def folder(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(unpacked.parent, tmp_path_factory.mktemp("study") / "study")


def spec(folder: Path, text: str = SPEC) -> api.Spec:
    return api.loads(Source(str(folder / "study.et"), text))


@pytest.fixture(scope="module")
def results(folder: Path) -> Results:
    return spec(folder).run(folder / "optimised", threads=1)


@pytest.fixture(scope="module")
def reference(folder: Path) -> Results:
    return spec(folder).run(folder / "reference", reference=True, threads=1)


def test_both_executors_find_the_same(results: Results, reference: Results) -> None:
    ours, plain = results.discoveries[0], reference.discoveries[0]
    assert [group.heads for group in ours.groups] == [group.heads for group in plain.groups]
    for group, other in zip(ours.groups, plain.groups, strict=True):
        torch.testing.assert_close(torch.tensor(group.matrix), torch.tensor(other.matrix), rtol=0, atol=1e-4)
        assert any(score for row in group.matrix for score in row), group.name
    for cell, other_cell in zip(results.measures[0].cells, reference.measures[0].cells, strict=True):
        assert cell.outcomes == pytest.approx(other_cell.outcomes, abs=1e-4)


def test_the_logits_are_those_of_the_model_in_the_file(folder: Path, results: Results) -> None:
    module = tiny()
    realised, _ = spec(folder).prompts("given", 4)
    with torch.no_grad():
        for pair, outcome in zip(realised.pairs, results.measures[0].cell("nothing").outcomes, strict=True):
            logits = module(torch.tensor([pair.original.token_ids])).logits[0, -1]
            answer, wrong = pair.original.ids["answer"][0], pair.original.ids["wrong"][0]
            assert outcome == pytest.approx(float(logits[answer] - logits[wrong]), abs=1e-4)


def test_it_is_said_that_keys_and_values_are_shared(results: Results) -> None:
    movers, feeders, duplicates = results.discoveries[0].groups
    assert "shared by 2 heads" in duplicates.note
    assert not movers.note
    assert "shared" not in feeders.note


def test_a_shared_value_is_that_of_every_head_it_serves(folder: Path, results: Results) -> None:
    """Hooks on transformers' own modules: the value rows of the kept heads' key/value heads, as a patched sender
    makes them."""
    text = SPEC.replace("[movers.key, feeders.value]", "movers.value")
    group = spec(folder, text).run(folder / "values", threads=1).discoveries[0].group("duplicates")
    movers = results.discoveries[0].group("movers").heads
    expected = by_hooks(folder, movers)
    assert expected.any()
    torch.testing.assert_close(torch.tensor(group.matrix), expected, rtol=0, atol=1e-4)


def by_hooks(folder: Path, receivers: tuple[Site, ...]) -> torch.Tensor:
    """Path patching from each head at `second_subject` to receivers' values there, one prompt and one pass at a
    time."""
    studied = spec(folder)
    task, alternate = studied.resolved.tasks["given"], studied.resolved.alternates["unrelated"]
    population = Population(
        task, alternate, task.parameters, studied.resolved.seed, 4, "discover", "unrelated", alternate.span
    )
    realised, problems = tokenise(population, 4, tokenizer(folder / "tokenizer.json"), {"n": 4})
    assert not problems
    module = tiny()
    scores = torch.zeros(LAYERS, HEADS)
    for pair in realised.pairs:
        assert pair.alternate is not None
        clean, other = (torch.tensor([prompt.token_ids]) for prompt in (pair.original, pair.alternate))
        at, answer, wrong = (
            pair.original.positions["second_subject"],
            pair.original.ids["answer"][0],
            pair.original.ids["wrong"][0],
        )
        kept, new = heads_of(module, clean), heads_of(module, other)
        for layer in range(LAYERS):
            for head in range(HEADS):
                held = [z.clone() for z in kept]
                held[layer][0, at, head] = new[layer][0, at, head]
                values = run(module, clean, {layer: (z[:, at:], at) for layer, z in enumerate(held)}, {})[1]
                shared = {
                    r.layer: sorted({other.head // 2 for other in receivers if other.layer == r.layer})
                    for r in receivers
                }
                patched = {where: (values[where], heads, at) for where, heads in shared.items()}
                logits = run(module, clean, {}, patched)[0]
                base = run(module, clean, {}, {})[0]
                scores[layer, head] += float((logits[answer] - logits[wrong]) - (base[answer] - base[wrong])) / len(
                    realised.pairs
                )
    return scores


def heads_of(module: Any, tokens: torch.Tensor) -> list[torch.Tensor]:
    """Per layer, the heads' outputs (prompt token head d_head): the input of the output projection."""
    found: list[torch.Tensor] = []
    hooks = [
        layer.self_attn.o_proj.register_forward_pre_hook(
            lambda _, given: found.append(given[0].detach().clone().unflatten(-1, (HEADS, -1)))
        )
        for layer in module.model.layers
    ]
    with torch.no_grad():
        module(tokens)
    for hook in hooks:
        hook.remove()
    return found


def run(
    module: Any, tokens: torch.Tensor, held: dict[int, Any], patched: dict[int, Any]
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """A pass with heads held from a token on (by layer: outputs, token) and values put in (by layer: values, heads,
    token).

    Gives the last token's logits and every layer's values (prompt token head d_head).
    """
    values: list[torch.Tensor] = []
    hooks = []

    def hold(layer: int) -> Any:
        def hook(_: Any, given: Any) -> Any:
            z = given[0].clone().unflatten(-1, (HEADS, -1))
            outputs, at = held[layer]
            z[:, at:] = outputs
            return (z.flatten(-2),)

        return hook

    def put(layer: int) -> Any:
        def hook(_: Any, __: Any, output: Any) -> Any:
            v = output.clone().unflatten(-1, (HEADS // 2, -1))
            values.append(v)
            if layer in patched:
                new, shared, at = patched[layer]
                v[:, at, shared] = new[:, at, shared]
            return v.flatten(-2)

        return hook

    for place, layer in enumerate(module.model.layers):
        if place in held:
            hooks.append(layer.self_attn.o_proj.register_forward_pre_hook(hold(place)))
        hooks.append(layer.self_attn.v_proj.register_forward_hook(put(place)))
    with torch.no_grad():
        logits = module(tokens).logits[0, -1]
    for hook in hooks:
        hook.remove()
    return logits, values


def test_a_gguf_that_is_not_unpacked_says_how(packed: Path) -> None:
    text = SPEC.replace("tiny.gguf", packed.name)
    with pytest.raises(ModelMissing, match=r"`entrack models unpack tiny\.gguf`"):
        spec(packed.parent, text).run(packed.parent / "store")


def test_a_gguf_that_was_cut_short_is_not_run(unpacked: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(unpacked.parent, tmp_path / "study")
    path = folder / "tiny.gguf"
    path.write_bytes(path.read_bytes()[:-4096])
    with pytest.raises(ModelUnreadable, match="ends at byte"):
        spec(folder).run(folder / "store")
