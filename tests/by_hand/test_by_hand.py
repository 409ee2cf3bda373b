"""The model in hand: what entrack computes, computed by hand with the spec's own prompts, positions, heads and
measures, comes to entrack's own numbers, in families whose parts stand in different places."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from e2e_world import World
from hand_world import FAMILIES

from entrack import ArgumentError, EngineError, ModelMissing, Spec, UnknownName
from entrack.results import Cell, Measure, Results
from entrack.store import MemoryStore

SPEC = """
model tuned = local("tuned")
group some in base at last = 1.1 2.3
discover cir in base on 8 boxes against scrambled { group fetcher at last -> logits keep 3 }

measure said  = logit of answer (base with [nothing, patch 1.2 at query from scrambled, zero some]) on 9 boxes
measure query = probability of answer (base with patch some.query from tuned) on 9 boxes
measure parts = logit difference of answer and wrong (base with [zero mlp.1 at every token,
  patch attention.0 at last from scrambled, patch residual.1 at query from scrambled,
  scale neuron.1.7 at last by 3]) on 9 boxes
measure far   = KL from clean (base with zero cir.fetcher) on 9 boxes
measure back  = recovery of logit of answer (base with patch 1.2 at query from original) on 9 scrambled
measure right = accuracy(base) on 9 boxes
measure told  = probability (base) on 6 position
measure long  = accuracy(base) on 12 uneven
measure read  = loss over last (base) on 4 boxes
measure whole = probability of whole answer (base) on 4 boxes
"""
FAMILY = pytest.mark.parametrize("family", FAMILIES)
Worlds = Callable[[str], World]


class Opened:
    """A spec, what it found, and its model in hand."""

    def __init__(self, world: World) -> None:
        self.spec: Spec = world.spec(SPEC)
        self.results: Results = self.spec.run(MemoryStore())
        self.base: Any = self.spec.model("base")

    def outcomes(self, name: str, label: str) -> np.ndarray:
        return np.array(self.cell(name, label).outcomes)

    def cell(self, name: str, label: str) -> Cell:
        measure = self.results[name]
        assert isinstance(measure, Measure)
        return measure.cell(label)


@pytest.fixture(scope="module")
def opened(worlds: Worlds) -> Iterator[Callable[[str], Opened]]:
    known: dict[str, Opened] = {}

    def of(family: str) -> Opened:
        if family not in known:
            known[family] = Opened(worlds(family))
        return known[family]

    yield of
    for one in known.values():
        one.base.close()


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=0, atol=1e-5)


@FAMILY
def test_a_head_patched_by_hand(opened: Callable[[str], Opened], family: str) -> None:
    given = opened(family)
    base, scrambled = given.base, given.base.prompts("scrambled", 9)
    boxes, others = scrambled.original, scrambled.counterfactual
    with base.trace(others):
        z = base.read("1.2", at="query").save()
    with base.trace(boxes):
        base.set((1, 2), z, at="query")
        logits = base.logits.save()
    close(base.measured("said", logits, boxes), given.outcomes("said", "patch 1.2 at query from scrambled"))


@FAMILY
def test_a_group_set_to_zero_by_hand(opened: Callable[[str], Opened], family: str) -> None:
    given = opened(family)
    base, boxes = given.base, given.base.prompts("boxes", 9)
    with base.trace(boxes):
        for head in base.heads("some"):
            base.set(head, torch.tensor(0.0), at="last")
        logits = base.logits.save()
    found = base.measured("said", logits, boxes)
    close(found, given.outcomes("said", "zero some"))
    assert abs(found - given.outcomes("said", "nothing")).max() > 1e-3


@FAMILY
def test_a_query_patched_by_hand(opened: Callable[[str], Opened], family: str) -> None:
    given = opened(family)
    base, boxes = given.base, given.base.prompts("boxes", 9)
    with given.spec.model("tuned") as tuned, tuned.trace(boxes):
        first = tuned.read("1.1.query", at="last").save()
        second = tuned.read("2.3.query", at="last").save()
    with base.trace(boxes):
        base.set("1.1.query", first, at="last")
        base.set("2.3.query", second, at="last")
        logits = base.logits.save()
    close(base.measured("query", logits, boxes), given.outcomes("query", "patch some.query from tuned"))


@FAMILY
def test_parts_of_layers_by_hand(opened: Callable[[str], Opened], family: str) -> None:
    given = opened(family)
    base, scrambled = given.base, given.base.prompts("scrambled", 9)
    boxes = scrambled.original
    with base.trace(scrambled):
        attention = base.read("attention.0", at="last").save()
        stream = base.read("residual.1", at="query").save()
    with base.trace(boxes):
        base.set("mlp.1", torch.tensor(0.0))
        silent = base.logits.save()
    with base.trace(boxes):
        base.set("attention.0", attention, at="last")
        attended = base.logits.save()
    with base.trace(boxes):
        base.set("residual.1", stream, at="query")
        moved = base.logits.save()
    with base.trace(boxes):
        neuron = base.read("neuron.1.7", at="last")
        base.set("neuron.1.7", 3 * neuron, at="last")
        scaled = base.logits.save()
    for logits, label in (
        (silent, "zero mlp.1 at every token"),
        (attended, "patch attention.0 at last from scrambled"),
        (moved, "patch residual.1 at query from scrambled"),
        (scaled, "scale neuron.1.7 at last by 3"),
    ):
        close(base.measured("parts", logits, boxes), given.outcomes("parts", label))


def test_what_a_run_found_and_measures_of_several_runs(opened: Callable[[str], Opened]) -> None:
    given = opened("llama")
    base, boxes, scrambled = given.base, given.base.prompts("boxes", 9), given.base.prompts("scrambled", 9)
    found = given.results["cir"].group("fetcher")  # type: ignore[union-attr]
    assert base.heads("cir", given.results) == tuple((site.layer, site.head) for site in found.sites)
    heads = sorted(base.heads("cir.fetcher", given.results))
    with base.trace(boxes):
        clean = base.logits.save()
    with base.trace(boxes):
        for head in heads:
            base.set(head, torch.tensor(0.0), at="last")
        zeroed = base.logits.save()
    close(base.measured("far", zeroed, boxes, clean=clean), given.outcomes("far", "zero cir.fetcher"))
    with base.trace(scrambled.original):
        z = base.read("1.2", at="query").save()
        uncorrupted = base.logits.save()
    with base.trace(scrambled):
        corrupted = base.logits.save()
    with base.trace(scrambled):
        base.set("1.2", z, at="query")
        patched = base.logits.save()
    back = base.measured("back", patched, scrambled, clean=uncorrupted, corrupted=corrupted)
    close(back, given.outcomes("back", "patch 1.2 at query from original"))


def test_prompts_of_several_lengths_and_of_a_desideratum(opened: Callable[[str], Opened]) -> None:
    given = opened("llama")
    base, uneven, position = given.base, given.base.prompts("uneven", 12), given.base.prompts("position", 6)
    with pytest.raises(ArgumentError, match="pads nothing: go through `batches`"):
        _ = uneven.tokens
    right = []
    for batch in uneven.batches:
        with base.trace(batch):
            logits = base.logits.save()
        right += base.measured("long", logits, batch).tolist()
    assert len(uneven.batches) > 1 and np.mean(right) == given.cell("long", "nothing").value
    with base.trace(position):
        logits = base.logits.save()
    close(base.measured("told", logits, position), given.outcomes("told", "nothing"))
    assert position.answers.tolist() == position.word("target").tolist() != position.word("answer").tolist()
    assert position.counterfactual.answers.tolist() == position.counterfactual.word("answer").tolist()


def test_prompts_are_those_of_the_spec(opened: Callable[[str], Opened]) -> None:
    given = opened("llama")
    realised, _ = given.spec.prompts("scrambled", 4, purpose="mean")
    found = given.base.prompts("scrambled", 4, purpose="mean")
    assert (repr(found), repr(found.original)) == (
        "<PromptsInHand: 4 of scrambled>",
        "<PromptsInHand: 4 of boxes>",
    )
    alternates = [pair.alternate for pair in realised.pairs]
    assert found.texts == tuple(prompt.text for prompt in alternates if prompt)
    assert found.tokens.tolist() == [list(prompt.token_ids) for prompt in alternates if prompt]
    assert found.at("query").tolist() == [prompt.positions["query"] for prompt in alternates if prompt]
    assert found.original.texts == tuple(pair.original.text for pair in realised.pairs)
    assert len(found) == 4 and set(found.positions) == {"last", "query", "previous"}


@FAMILY
def test_the_modules_that_sites_stand_at(opened: Callable[[str], Opened], family: str) -> None:
    base = opened(family).base
    path, side = base.module_of("2.1")
    assert side == "input" and base.module.get_submodule(path).weight.numel() > 0
    seen: list[Any] = []
    hook = base.module.get_submodule(path).register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    prompts = base.prompts("boxes", 3)
    with base.trace(prompts):
        z = base.read("heads[2]").save()
    hook.remove()
    close(z.flatten(2), seen[0])
    assert not any(weight.requires_grad for weight in base.module.parameters()) and not base.module.training


def test_logits_of_all_tokens_where_they_are_asked_for(opened: Callable[[str], Opened]) -> None:
    base = opened("llama").base
    boxes = base.prompts("boxes", 3)
    with base.trace(boxes):
        last = base.nnsight.output.logits.save()
    with base.trace(boxes, logits_to_keep=0):
        each = base.nnsight.output.logits.save()
        logits = base.logits.save()
    assert last.shape[1] == 1 and each.shape[1] == boxes.tokens.shape[1]
    close(last[:, 0], logits)


def test_an_attention_pattern_is_set_by_hand(worlds: Worlds) -> None:
    """A head's output is its pattern times its values: with its own pattern nothing changes, with another it does."""
    text = 'model plain = local("base", attention = eager)\nmeasure m = accuracy(plain) on 2 boxes'
    with worlds("llama").spec(text).model("plain") as plain:
        scrambled, layer, head = plain.prompts("scrambled", 4), 1, 3
        boxes, attention = scrambled.original, plain.nnsight.get(plain.module_of("attention.1")[0])
        with plain.trace(scrambled.counterfactual):
            other = attention.output[1].save()
        with plain.trace(boxes):
            own = attention.output[1].save()
            logits = plain.logits.save()
        found = {}
        for name, pattern in (("own", own), ("other", other)):
            with plain.trace(boxes):
                values = plain.read("1.3.value")
                plain.set((layer, head), pattern[:, head] @ values)
                found[name] = plain.logits.save()
    close(found["own"], logits)
    assert (found["other"] - logits).abs().max() > 1e-3


def test_gradients_flow_to_what_is_set(opened: Callable[[str], Opened]) -> None:
    base = opened("llama").base
    boxes = base.prompts("boxes", 3)
    step = torch.zeros(3, base.facts.d_model, requires_grad=True)
    with base.trace(boxes):
        base.set("residual.1", base.read("residual.1", at="last") + step, at="last")
        logits = base.logits.save()
    logits.gather(1, boxes.answers[:, None]).sum().backward()
    assert step.grad is not None and float(step.grad.abs().sum()) > 0


def test_what_cannot_be(opened: Callable[[str], Opened], worlds: Worlds) -> None:
    given = opened("llama")
    base, boxes = given.base, given.base.prompts("boxes", 4)
    logits = torch.zeros(4, base.facts.vocabulary)
    for call, kind, words in (
        (lambda: given.spec.model("bass"), UnknownName, "did you mean `base`"),
        (lambda: base.prompts("boxs", 3), UnknownName, "did you mean `boxes`"),
        (lambda: base.prompts("boxes", 3, purpose="measuring"), UnknownName, "purpose is one of"),
        (lambda: boxes.at("lsat"), UnknownName, "did you mean `last`"),
        (lambda: boxes.word("wrnog"), UnknownName, "did you mean `wrong`"),
        (lambda: boxes.counterfactual, ArgumentError, "have no counterfactuals"),
        (lambda: base.heads("cir"), ArgumentError, "is what a run found: give the results"),
        (lambda: base.heads("cir.fetch", given.results), UnknownName, "did you mean `fetcher`"),
        (lambda: base.heads("some", given), ArgumentError, "results is the Results of a run"),
        (lambda: base.module_of("3.0"), ArgumentError, "base has no 3.0: it has 3 layers"),
        (lambda: base.module_of("1.4"), ArgumentError, "base has no 1.4"),
        (lambda: base.module_of("L1H2"), ArgumentError, "site is written as in a spec"),
        (lambda: base.module_of(3), ArgumentError, "site is a text such as"),
        (lambda: base.read("1.1"), EngineError, "are there inside a trace"),
        (lambda: base.trace("a text"), ArgumentError, "prompts are what `prompts` gives"),
        (lambda: base.measured("sad", logits, boxes), UnknownName, "no measure of a metric 'sad'; did you mean `said`"),
        (lambda: base.measured("said", logits[:3], boxes), ArgumentError, r"shape \(3, .*last token of 4 prompts"),
        (lambda: base.measured("said", [1.0], boxes), ArgumentError, "logits is a tensor of torch"),
        (lambda: base.measured("said", None, boxes), ArgumentError, "logits is a tensor of torch"),
        (lambda: base.measured("said", logits, boxes, clean=logits), ArgumentError, "said needs no clean logits"),
        (lambda: base.measured("far", logits, boxes), ArgumentError, "needs the clean logits too"),
        (lambda: base.measured("read", logits, boxes), ArgumentError, "is of what stands at last"),
        (lambda: base.measured("whole", logits, boxes), ArgumentError, "all tokens of whole words"),
    ):
        with pytest.raises(kind, match=words):
            call()
    with pytest.raises(ModelMissing):
        worlds("llama").spec('model away = local("away")\nmeasure m = accuracy(base) on 2 boxes').model("away")


def test_what_cannot_be_inside_a_trace(opened: Callable[[str], Opened]) -> None:
    base = opened("llama").base
    boxes = base.prompts("boxes", 2)
    with pytest.raises(ArgumentError, match=r"base has no 9\.9"), base.trace(boxes):
        z = base.read("9.9").save()
    with pytest.raises(UnknownName, match="did you mean `last`"), base.trace(boxes):
        z = base.read("1.1", at="lsat").save()
    named = "a position has a name where a trace is of `prompts`"
    with pytest.raises(ArgumentError, match=named), base.trace(boxes.tokens):
        z = base.read("1.1", at="last").save()
    with base.trace(boxes.tokens):
        z = base.read("1.1", at=boxes.at("last")).save()
    assert z.shape == (2, base.facts.d_head)


def test_a_model_that_was_closed(opened: Callable[[str], Opened]) -> None:
    with opened("llama").spec.model("base") as base:
        assert base.nbytes == sum(weight.nbytes for weight in base.module.parameters())
    for call in (lambda: base.module, lambda: base.nnsight, lambda: base.prompts("boxes", 2), lambda: base.read("1.1")):
        with pytest.raises(ArgumentError, match="the model base was closed"):
            call()
    assert "closed" in repr(base)


def test_weights_that_are_not_what_they_say(worlds: Worlds, tmp_path: Any) -> None:
    folder = worlds("llama").folder
    shutil.copytree(folder, tmp_path / "other")
    weights = tmp_path / "other" / "base" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    with pytest.raises((ModelMissing, EngineError)):
        World(tmp_path / "other").spec("measure m = accuracy(base) on 2 boxes").model("base")


def test_nothing_of_torch_before_it_is_asked_for() -> None:
    code = "import sys, entrack, entrack.spec, entrack.by_hand.model; assert not {'torch', 'nnsight'} & {*sys.modules}"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
