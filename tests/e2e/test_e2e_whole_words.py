"""Whole words, of one token, two and three in one sample: their probabilities, computed a second time from the logits
of plain transformers, prompt by prompt and word by word, with the same interventions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from e2e_world import World, make_model, make_world
from engine_by_hooks import Hooked
from test_e2e_any_site import Entries
from test_e2e_numbers import measure
from torch import Tensor

from entrack.api import SpecError
from entrack.cli.prompts import prompts_json
from entrack.engine.noise import noise
from entrack.plan.steps import SumOutputs
from entrack.prompts import kept_prompts, tokenise
from entrack.prompts.tokenizer import tokenizer
from entrack.results import Results
from entrack.sites import Part, Site
from entrack.store import MemoryStore

FAMILIES = ("llama", "gpt2", "gpt_neox", "gemma2", "qwen3")
N = 8
TASK = """
task phrases {
  words   = 3 distinct from ["apple", "ball book", "bell box ball", "book", "box red ball", "ball bell"]
  label   = 2 distinct from A..Z
  size    = one from ["big", "old"]
  others  = [words[1], words[2]]
  nested  = ["book", "book bell", "apple", "book"]
  kind    = "{size} red"
  prompt  = "The {kind} box is in Box {label[0]}. Box {label[0]} contains the"
  answer  = words[0]
  wrong   = words[1]
  at last  = end of prompt
  at query = prompt.label.last
  at size  = span of prompt.kind
}
alternate moved of phrases { fresh label; redraw words }
task level {
  answer = one from ["apple", "ball book", "bell box ball"]
  wrong  = one from ["book", "box apple"]
  label  = one of A..Z
  prompt = "Box {label} contains the"
  at last = end of prompt
  at query = prompt.label
}
alternate relabelled of level { fresh label; redraw answer }
desideratum led on phrases { alternate { fresh label; redraw words } target alternate.answer }
"""
METRICS = (
    "probability of whole answer",
    "log probability of whole answer",
    "log probability of whole wrong",
    "probability difference of whole answer and whole wrong",
    "log probability difference of whole answer and whole wrong",
    "log probability of any of whole words",
    "log probability difference of any of whole others and whole answer",
    "probability of any of whole nested",
)
ACTS = {
    "zero_heads": "zero 0.1 2.3 at last",
    "zero_mlps": "zero mlp.1 at every token",
    "zero_span": "zero mlp.0 at size",
    "patched": "patch residual.1 at query from moved",
    "patched_everywhere": "patch mlp.2 at every token from moved",
    "sampled": "patch mlp.0 at every token from sample of 4 moved",
    "noisy": "add noise sd 0.5 to residual.1 at query",
    "blocked": "block attention last -> query in layers 1..",
}
MEANS = {
    "averaged": "mean 0.1 2.3 at last over 5 relabelled",
    "averaged_everywhere": "mean mlp.1 at every token over 5 relabelled",
    "others": "kept",
}
WORDLESS = (
    "entropy",
    "KL from clean",
    "loss over last",
    "attention from last to query",
    "logit lens of entropy at last",
)
SPEC = "\n".join(
    [
        "group only_one in base at last = 1.2 2.0",
        "intervention kept = keep only_one, mean elsewhere over 5 relabelled",
        *(
            f"measure m{i} = {metric} (base with zero 0.1 2.3 at last) on {N} phrases"
            for i, metric in enumerate(METRICS)
        ),
        *(
            f"measure {name} = log probability of whole answer (base with {act}) on {N} phrases"
            for name, act in ACTS.items()
        ),
        *(
            f"measure {name} = log probability of whole answer (base with {act}) on {N} level"
            for name, act in MEANS.items()
        ),
        f"measure back = recovery of log probability of whole answer against moved (base with zero 0.1 2.3 at last) on {N} phrases",
        f"measure aimed = log probability of whole target (base) on {N} led",
        f"measure first = log probability of answer (base) on {N} level",
        f"measure by_token = log probability of whole answer (base with zero mlp[k] at t) on {N} level for k in [0, 1] for t in tokens",
    ]
)
Change = Callable[[Tensor], None]
Changes = Mapping[tuple[int, str], Change]
Word = list[int]


@pytest.fixture(scope="module", params=FAMILIES)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    made = make_world(tmp_path_factory.mktemp("world"))
    more = {"gpt2": {"n_positions": 64}, "gemma2": {"head_dim": 6, "intermediate_size": 16}, "qwen3": {"head_dim": 6}}
    make_model(made.folder / "base", heads=4, shared=4, family=request.param, **more.get(request.param, {}))
    (made.folder / "tasks.et").write_text((made.folder / "tasks.et").read_text() + TASK)
    return made


@pytest.fixture(scope="module", params=[False, True], ids=["optimised", "reference"])
def results(request: pytest.FixtureRequest, world: World) -> Results:
    return world.spec(SPEC).run(MemoryStore(), reference=request.param)


def prompts(world: World, name: str, count: int, purpose: str = "measure") -> Entries:
    """The documented JSON of `entrack prompts`, and the task's lists."""
    drawn, _ = world.spec(SPEC).prompts(name, count, purpose=purpose)
    lists = [{key: some.words for key, some in pair.original.lists.items()} for pair in drawn.pairs]
    return [{**entry, "lists": several} for entry, several in zip(prompts_json(drawn), lists, strict=True)]


def ids_of(entry: dict[str, Any], name: str) -> Word:
    found: Word = entry["words"][name]["ids"]
    return found


def log_of(hooked: Hooked, prompt: Word, word: Word, changes: Changes | None = None) -> float:
    """The log probability of a word after a prompt, token by token: each given the prompt and the tokens before it,
    in a pass of its own that ends there."""
    total = 0.0
    for done in range(len(word)):
        tokens = torch.tensor([[*prompt, *word[:done]]])
        logits = hooked.changed(tokens, changes or {})
        total += float(logits.double().log_softmax(-1)[0, word[done]])
    return total


def silent(entry: dict[str, Any]) -> Changes:
    """Two heads are zero at the last token of the prompt itself."""

    def change(head: int, z: Tensor) -> None:
        z[:, entry["positions"]["last"], head] = 0

    return {(0, "output"): partial(change, 1), (2, "output"): partial(change, 3)}


def tokens_of(world: World, text: str) -> Word:
    known = tokenizer(world.folder / "base" / "tokenizer.json")
    before = known.encode("the").ids
    return list(known.encode(f"the {text}").ids[len(before) :])


def test_words_of_several_lengths_are_in_one_sample(world: World) -> None:
    for name in ("phrases", "level"):
        assert {len(entry["answer_ids"]) for entry in prompts(world, name, N)} == {1, 2, 3}


@pytest.mark.parametrize("place", range(len(METRICS)), ids=METRICS)
def test_a_metric(world: World, results: Results, hooked: Hooked, place: int) -> None:
    (cell,) = measure(results, f"m{place}").cells
    expected = [by_hand(METRICS[place], world, hooked, entry) for entry in prompts(world, "phrases", N)]
    np.testing.assert_allclose(cell.outcomes, expected, rtol=0, atol=2e-4)
    assert cell.value == pytest.approx(np.mean(expected), abs=2e-4) and cell.n == N


def by_hand(metric: str, world: World, hooked: Hooked, entry: dict[str, Any]) -> float:
    def log(*words: Word) -> float:
        return float(np.logaddexp.reduce([log_of(hooked, entry["token_ids"], word, silent(entry)) for word in words]))

    answer, wrong = entry["answer_ids"], ids_of(entry, "wrong")
    every = [tokens_of(world, word) for word in entry["lists"]["words"]]
    apple, book = tokens_of(world, "apple"), tokens_of(world, "book")
    values = {
        "probability of whole answer": np.exp(log(answer)),
        "log probability of whole answer": log(answer),
        "log probability of whole wrong": log(wrong),
        "probability difference of whole answer and whole wrong": np.exp(log(answer)) - np.exp(log(wrong)),
        "log probability difference of whole answer and whole wrong": log(answer) - log(wrong),
        "log probability of any of whole words": log(*every),
        "log probability difference of any of whole others and whole answer": log(*every[1:]) - log(answer),
        "probability of any of whole nested": np.exp(log(apple, book)),
    }
    return float(values[metric])


def given(hooked: Hooked, alternate: Word, word: Word, part: str) -> Tensor:
    """A part of all layers on an alternate that is followed by the word. -> (layer, 1, token, ...)"""
    return hooked.part(torch.tensor([[*alternate, *word]]), part)


def put(values: Tensor, at: list[int] | None = None) -> Change:
    """Sets tokens, or all that there are, to the values (1, token, ...) there."""

    def change(value: Tensor) -> None:
        many = value.shape[1]
        some = list(range(many)) if at is None else at
        value[:, some] = values[:, some]

    return change


def test_acts(world: World, results: Results, hooked: Hooked) -> None:
    found = {name: measure(results, name).cells[0].outcomes for name in ACTS}
    samples = prompts(world, "moved", 4, "sample")
    for place, entry in enumerate(prompts(world, "moved", N)):
        original, alternate = entry, entry["alternate"]
        prompt, word = original["token_ids"], original["answer_ids"]
        query, span = original["positions"]["query"], original["spans"]["size"]
        sample = samples[place % 4]["alternate"]["token_ids"]
        zero = torch.zeros(1, len(prompt) + len(word), 1)
        streams, mlps = (given(hooked, alternate["token_ids"], word, part) for part in ("residual", "mlp"))
        changes: dict[str, Changes] = {
            "zero_heads": silent(original),
            "zero_mlps": {(1, "mlp"): put(zero)},
            "zero_span": {(0, "mlp"): put(zero, span)},
            "patched": {(1, "residual"): put(streams[1], [query])},
            "patched_everywhere": {(2, "mlp"): put(mlps[2])},
            "noisy": {(1, "residual"): partial(noisy, place, query)},
        }
        if len(sample) == len(prompt):
            changes["sampled"] = {(0, "mlp"): put(given(hooked, sample, word, "mlp")[0])}
        for name, change in changes.items():
            expected = log_of(hooked, prompt, word, change)
            assert found[name][place] == pytest.approx(expected, abs=2e-4), name
        blocked = sum(
            float(
                hooked.knockout(torch.tensor([[*prompt, *word[:done]]]), range(1, 4), [(0, len(prompt) - 1, query)])
                .double()
                .log_softmax(-1)[0, word[done]]
            )
            for done in range(len(word))
        )
        assert found["blocked"][place] == pytest.approx(blocked, abs=2e-4)


def noisy(place: int, query: int, value: Tensor) -> None:
    """The noise of the prompt with this number, whichever word follows."""
    drawn = 0.5 * noise(0, place, Site(1, Part.RESIDUAL), value.shape[-1])
    value[:, query] += torch.from_numpy(drawn.astype(np.float32))


def test_means(world: World, results: Results, hooked: Hooked) -> None:
    """At a position the mean is of the prompts as they are; at every token they are followed by the same word."""
    others = [entry["alternate"]["token_ids"] for entry in prompts(world, "relabelled", 5, "mean")]
    for place, entry in enumerate(prompts(world, "level", N)):
        prompt, word = entry["token_ids"], entry["answer_ids"]
        last = entry["positions"]["last"]
        z, mlps = (
            torch.stack([given(hooked, other, word, part) for other in others]).mean(0) for part in ("output", "mlp")
        )

        def average(head: int, values: Tensor, value: Tensor, last: int = last) -> None:
            value[:, last, head] = values[:, last, head]

        def all_but(layer: int, value: Tensor, last: int = last, z: Tensor = z) -> None:
            own = value.clone()
            value[:] = z[layer][:, : value.shape[1]]
            for head in (head for at, head in ((1, 2), (2, 0)) if at == layer):
                value[:, last, head] = own[:, last, head]

        changes: dict[str, Changes] = {
            "averaged": {
                (0, "output"): partial(average, 1, z[0]),
                (2, "output"): partial(average, 3, z[2]),
            },
            "averaged_everywhere": {(1, "mlp"): put(mlps[1])},
            "others": {(layer, "output"): partial(all_but, layer) for layer in range(hooked.layers)},
        }
        for name, change in changes.items():
            expected = log_of(hooked, prompt, word, change)
            assert measure(results, name).cells[0].outcomes[place] == pytest.approx(expected, abs=2e-4), name


def test_a_recovery(world: World, results: Results, hooked: Hooked) -> None:
    entries = prompts(world, "moved", N)
    pairs = [(entry, entry["alternate"]) for entry in entries]
    clean = np.array([log_of(hooked, one["token_ids"], one["answer_ids"]) for one, _ in pairs])
    corrupted = np.array([log_of(hooked, other["token_ids"], one["answer_ids"]) for one, other in pairs])
    edited = np.array([log_of(hooked, one["token_ids"], one["answer_ids"], silent(one)) for one, _ in pairs])
    (cell,) = measure(results, "back").cells
    assert cell.value == pytest.approx((edited - corrupted).mean() / (clean - corrupted).mean(), abs=2e-3, rel=2e-3)


def test_a_target(world: World, results: Results, hooked: Hooked) -> None:
    entries = prompts(world, "led", N)
    expected = [log_of(hooked, entry["token_ids"], entry["target_ids"]) for entry in entries]
    np.testing.assert_allclose(measure(results, "aimed").cells[0].outcomes, expected, rtol=0, atol=2e-4)


def test_a_loop_over_tokens_is_over_those_of_the_prompt(world: World, results: Results, hooked: Hooked) -> None:
    entries = prompts(world, "level", N)
    length, found = len(entries[0]["token_ids"]), measure(results, "by_token")
    assert found.axes[2].labels == tuple(map(str, range(length)))
    for layer, token in ((0, 0), (1, length - 1)):
        zero = put(torch.zeros(1, length + 3, 1), [token])
        expected = [log_of(hooked, e["token_ids"], e["answer_ids"], {(layer, "mlp"): zero}) for e in entries]
        np.testing.assert_allclose(found.cell(str(layer), str(token)).outcomes, expected, rtol=0, atol=2e-4)


def test_a_word_of_one_token_is_its_first(world: World, results: Results) -> None:
    whole = world.spec(f"measure one = log probability of whole answer (base) on {N} level").run(MemoryStore())
    pairs = zip(measure(whole, "one").cells[0].outcomes, measure(results, "first").cells[0].outcomes, strict=True)
    for entry, (all_tokens, first) in zip(prompts(world, "level", N), pairs, strict=True):
        assert (all_tokens == pytest.approx(first, abs=1e-5)) == (len(entry["answer_ids"]) == 1)


def test_a_mean_at_a_position_is_the_one_that_is_there_already(world: World) -> None:
    """At every token there is a mean for each word, and prompts that run together are followed by the same."""

    def sums(act: str, metric: str) -> set[str]:
        plan = world.spec(f"measure m = {metric} (base with {act}) on {N} level").plan().plan
        return {id for id, node in plan.nodes.items() if isinstance(node, SumOutputs)}

    at_last, everywhere = "mean 0.1 at last over 5 relabelled", "mean mlp.1 at every token over 5 relabelled"
    whole = "probability of whole answer"
    assert sums(at_last, whole) == sums(at_last, "probability of answer")
    words = {entry["answer"] for entry in prompts(world, "level", N)}
    assert len(sums(everywhere, whole)) == len(words) > 1


def test_words_may_begin_alike_where_they_are_whole(world: World) -> None:
    text = "measure m = {metric} (base) on 20 phrases"
    assert world.spec(text.format(metric="probability of whole answer")).plan()
    with pytest.raises(SpecError, match="begin with the same token"):
        world.spec(text.format(metric="probability of answer")).plan()


@pytest.mark.parametrize("metric", WORDLESS)
def test_words_may_begin_alike_where_none_is_measured(world: World, metric: str) -> None:
    text = f"measure m = {metric} (base with zero 0.1 at last) on 20 phrases"
    assert world.spec(text).plan()
    for beside in ("accuracy", "logit lens of rank at last"):
        both = [text, f"measure n = {beside} (base) on 20 phrases"]
        for order in (both, both[::-1]):
            with pytest.raises(SpecError, match="begin with the same token"):
                world.spec("\n".join(order)).plan()


def test_prompts_are_drawn_once_whether_words_are_told_or_not(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an accuracy beside an entropy they are drawn as often as with either alone."""
    drawn = []

    def counted(*given: Any) -> Any:
        drawn.append(given)
        return tokenise.tokenise(*given)

    monkeypatch.setattr(kept_prompts, "tokenise", counted)
    several = [f"measure m{i} = {metric} (base) on {N} boxes" for i, metric in enumerate(("entropy", "accuracy"))]
    many = []
    for text in (several[0], several[1], "\n".join(several), "\n".join(several[::-1])):
        drawn.clear()
        world.spec(text).plan()
        many.append(len(drawn))
    assert len(set(many)) == 1
