"""Every number of a study, computed a second time with plain torch hooks from nothing but the JSON of `entrack
prompts`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
from e2e_world import World, make_world
from engine_by_hooks import Hooked
from torch import Tensor

from entrack.prompts.tokenise import Prompt, PromptPair
from entrack.results import Discovery, Group, Measure, Results
from entrack.sites import Site
from entrack.store import MemoryStore

Heads = list[tuple[int, int]]
Change = Mapping[int, Callable[[Tensor], None]]


@pytest.fixture(scope="module", params=["llama", "gpt2", "gpt_neox"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"), request.param)


@pytest.fixture(scope="module")
def results(world: World) -> Results:
    return world.load().run(MemoryStore())


def tokens(entries: list[dict[str, Any]]) -> Tensor:
    return torch.tensor([entry["token_ids"] for entry in entries])


def at(entries: list[dict[str, Any]], position: str) -> list[int]:
    return [entry["positions"][position] for entry in entries]


def answers(entries: list[dict[str, Any]], name: str = "answer_ids") -> Tensor:
    return torch.tensor([entry[name][0] for entry in entries])


def alternates(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry["alternate"] for entry in entries]


def told(logits: Tensor, ids: Tensor) -> Tensor:
    return logits.double().softmax(-1)[torch.arange(len(ids)), ids]


def z_at(hooked: Hooked, entries: list[dict[str, Any]], position: str) -> Tensor:
    """(layer, prompt, head, d_head), prompt by prompt: lengths may differ."""
    rows = [hooked.z(tokens([entry]))[:, 0, entry["positions"][position]] for entry in entries]
    return torch.stack(rows, dim=1)


# --- discovery ---------------------------------------------------------------------------------------------------

HOPS = (
    ("fetcher", "last", "", "", 5),
    ("transmitter", "last", "fetcher", "query", 5),
    ("detector", "query", "transmitter", "value", 5),
    ("reader", "previous", "detector", "value", 5),
)


def test_scores(world: World, results: Results, hooked: Hooked) -> None:
    entries = world.prompts("scrambled", 12, "discover")
    clean = told(hooked.run(tokens(entries)), answers(entries))
    for name, position, receiver, component, _ in HOPS:
        receivers = (
            [(component, (head.layer, head.head)) for head in group(results, receiver).heads] if receiver else []
        )
        values = z_at(hooked, alternates(entries), position)
        for layer in range(4):
            for head in range(4):
                logits = hooked.path_patch(tokens(entries), at(entries, position), (layer, head), values, receivers)
                score = ((told(logits, answers(entries)) - clean) / clean).mean().item()
                assert group(results, name).matrix[layer][head] == pytest.approx(score, rel=1e-5, abs=1e-5), (
                    name,
                    layer,
                    head,
                )


def test_the_lowest_are_kept_by_the_first_group_that_has_them(results: Results) -> None:
    kept: dict[str, set[Site]] = {}
    for name, position, _, _, keep in HOPS:
        found = group(results, name)
        ranked = sorted(
            (score, Site.of_head(layer, head))
            for layer, row in enumerate(found.matrix)
            for head, score in enumerate(row)
            if score is not None
        )
        lowest = [head for score, head in ranked if score < 0][:keep]
        earlier = kept.setdefault(position, set())
        assert list(found.heads) == [head for head in lowest if head not in earlier]
        assert {head for head, _ in found.also} == {head for head in lowest if head in earlier}
        assert lowest, name
        earlier.update(found.heads)
    assert group(results, "transmitter").also


def group(results: Results, name: str) -> Group:
    discovery = results["cir"]
    assert isinstance(discovery, Discovery)
    return discovery.group(name)


def measure(results: Results, name: str) -> Measure:
    found = results[name]
    assert isinstance(found, Measure)
    return found


# --- measures ----------------------------------------------------------------------------------------------------


def groups(results: Results, *names: str) -> list[tuple[str, Heads]]:
    found = [group(results, name) for name in names or [name for name, *_ in HOPS]]
    return [(each.position, [(head.layer, head.head) for head in each.heads]) for each in found]


def setting(
    entries: list[dict[str, Any]], which: list[tuple[str, Heads]], value: Callable[[str, int, int, int], Tensor]
) -> Change:
    """Set heads at their positions: `value(position, layer, prompt, token)` is (head, d_head)."""

    def change(layer: int) -> Callable[[Tensor], None]:
        def inner(z: Tensor) -> None:
            for position, heads in which:
                for prompt, token in enumerate(at(entries, position)):
                    for head in [head for other, head in heads if other == layer]:
                        z[prompt, token, head] = value(position, layer, prompt, token)[head]

        return inner

    return {layer: change(layer) for layer in range(4)}


def elsewhere(entries: list[dict[str, Any]], kept: list[tuple[str, Heads]], value: Tensor) -> Change:
    """All heads at all tokens to `value` (layer, token, head, d_head), but for those kept at their positions."""

    def change(layer: int) -> Callable[[Tensor], None]:
        def inner(z: Tensor) -> None:
            own = z.clone()
            z[:] = value[layer]
            for position, heads in kept:
                for prompt, token in enumerate(at(entries, position)):
                    for head in [head for other, head in heads if other == layer]:
                        z[prompt, token, head] = own[prompt, token, head]

        return inner

    return {layer: change(layer) for layer in range(4)}


def mean_of(world: World, hooked: Hooked) -> Tensor:
    return hooked.z(tokens(alternates(world.prompts("scrambled", 10, "mean")))).mean(1)


def right(logits: Tensor, ids: Tensor) -> list[float]:
    return (logits.argmax(-1) == ids).double().tolist()


def test_accuracies(world: World, results: Results, hooked: Hooked) -> None:
    entries = world.prompts("boxes", 60)
    mean = mean_of(world, hooked)
    zero = torch.zeros_like(mean)
    changes: dict[str, Change] = {
        "nothing": {},
        "only(cir)": elsewhere(entries, groups(results), mean),
        "mean cir.fetcher over 10 scrambled": setting(
            entries, groups(results, "fetcher"), lambda _, layer, __, token: mean[layer, token]
        ),
        "zero cir.detector": setting(
            entries, groups(results, "detector"), lambda _, layer, __, token: zero[layer, token]
        ),
        "zero elsewhere": elsewhere(entries, [], zero),
    }
    for label, change in changes.items():
        cell = measure(results, "acc").cell(label)
        expected = right(hooked.run(tokens(entries), change), answers(entries))
        assert list(cell.outcomes) == expected, label
        assert cell.value == pytest.approx(np.mean(expected))
        assert cell.n == 60
    assert 0 < measure(results, "acc").cell("nothing").value < 1


def test_probabilities(world: World, results: Results, hooked: Hooked) -> None:
    entries = world.prompts("scrambled", 12)
    mean = mean_of(world, hooked)
    values = {position: z_at(hooked, alternates(entries), position) for position in ("last", "query", "previous")}
    changes: dict[str, Change] = {
        "nothing": {},
        "only(cir)": elsewhere(entries, groups(results), mean),
        "zero cir": setting(entries, groups(results), lambda _, layer, __, token: torch.zeros_like(mean[layer, token])),
        "patch cir from scrambled": setting(
            entries, groups(results), lambda position, layer, prompt, _: values[position][layer, prompt]
        ),
    }
    for label, change in changes.items():
        expected = told(hooked.run(tokens(entries), change), answers(entries))
        np.testing.assert_allclose(
            measure(results, "prob").cell(label).outcomes, expected, rtol=0, atol=1e-5, err_msg=label
        )


def alternate_of(pair: PromptPair) -> Prompt:
    assert pair.alternate is not None
    return pair.alternate


def taken(value: Tensor, position: str, layer: int, prompt: int, token: int) -> Tensor:
    """What `setting` sets: of (layer, prompt, head, d_head)."""
    return value[layer, prompt]


def test_prompts_of_several_lengths(world: World, results: Results, hooked: Hooked) -> None:
    entries = world.prompts("other", 20)
    assert len({len(entry["token_ids"]) for entry in entries}) == 3
    written = [("last", [(0, 1), (2, 3)])]
    for label in ("nothing", "zero written", "patch written from other"):
        expected = []
        for entry in entries:
            value = z_at(hooked, [entry["alternate"]], "last") * (label != "zero written")
            change = {} if label == "nothing" else setting([entry], written, partial(taken, value))
            expected.append(hooked.run(tokens([entry]), change)[0, answers([entry])].item())
        np.testing.assert_allclose(
            measure(results, "far").cell(label).outcomes, expected, rtol=0, atol=1e-4, err_msg=label
        )


ACTS = (
    ("resized", "last", [(0, 1), (2, 3)]),
    ("anew", "query", [(1, 0), (2, 2)]),
    ("other", "query", [(3, 1)]),
    ("itself", "last", [(1, 2)]),
)
"""Alternates, where heads are patched from each, and which."""


@pytest.mark.parametrize("order", [*permutations(range(3)), (3, 0), (0, 3), (3, 1, 0, 2)], ids=str)
@pytest.mark.parametrize("reference", [False, True], ids=["optimised", "reference"])
def test_alternates_of_several_lengths(world: World, hooked: Hooked, order: tuple[int, ...], reference: bool) -> None:
    """Each act reads another alternate, at the token that its position has there, whatever the lengths."""
    acts = [ACTS[place] for place in order]
    groups_ = "".join(
        f"group g{place} in base at {position} = {' '.join(f'{a}.{b}' for a, b in heads)}\n"
        for place, (_, position, heads) in enumerate(ACTS)
    )
    patches = ", ".join(f"patch g{place} from {ACTS[place][0]}" for place in order)
    text = (
        f"alternate itself of uneven {{ }}\n{groups_}intervention all = {patches}\nmeasure m = logit of "
        "answer (base with [all]) on 20 uneven\n"
    )
    spec = world.spec(text)
    drawn = [[(pair.original, alternate_of(pair)) for pair in spec.prompts(name, 20)[0].pairs] for name, _, _ in acts]
    assert len({tuple(len(pairs[place][1].token_ids) for pairs in drawn) for place in range(20)}) > 3, (
        "they differ from one another"
    )
    expected = []
    for place in range(20):
        original = drawn[0][place][0]
        values: dict[tuple[int, int, int], Tensor] = {}
        for (_, position, heads), pairs in zip(acts, drawn, strict=True):
            other = pairs[place][1]
            z = hooked.z(torch.tensor([other.token_ids]))[:, 0, other.positions[position]]
            values.update({(layer, original.positions[position], head): z[layer, head] for layer, head in heads})
        expected.append(
            hooked.run(torch.tensor([original.token_ids]), _placed(values))[0, original.ids["answer"][0]].item()
        )
    found = measure(spec.run(MemoryStore(), reference=reference), "m").cell("all")
    np.testing.assert_allclose(found.outcomes, expected, rtol=0, atol=1e-4)


def _placed(values: Mapping[tuple[int, int, int], Tensor]) -> Change:
    """z of one prompt set at (layer, token, head)."""

    def change(layer: int) -> Callable[[Tensor], None]:
        def inner(z: Tensor) -> None:
            for (_, token, head), value in ((place, value) for place, value in values.items() if place[0] == layer):
                z[0, token, head] = value

        return inner

    return {layer: change(layer) for layer in range(4)}


def test_a_desideratum_is_answered_by_its_target(world: World, results: Results, hooked: Hooked) -> None:
    entries = world.prompts("position", 20)
    values = z_at(hooked, alternates(entries), "last")
    change = setting(entries, [("last", [(0, 1), (2, 3)])], lambda _, layer, prompt, __: values[layer, prompt])
    expected = right(hooked.run(tokens(entries), change), answers(entries, "target_ids"))
    assert list(measure(results, "told").cell().outcomes) == expected
