"""Acts whose values come from runs on other prompts, computed a second time with plain torch hooks, prompt by prompt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from attrs import frozen
from e2e_world import World, make_model, make_world
from engine_by_hooks import Hooked
from test_e2e_numbers import Heads, answers, at, measure, setting, tokens, z_at
from torch import Tensor

from entrack.compile import SpecError
from entrack.plan.steps import Capture
from entrack.store import MemoryStore

GROUPS: list[tuple[str, Heads]] = [("last", [(0, 1), (2, 3)]), ("query", [(1, 0), (1, 2), (3, 3)])]
TEXT = "circuit c in base {{ {} }}\n".format(
    " ".join(
        f"group g{place} at {position} = {' '.join(f'{layer}.{head}' for layer, head in heads)}"
        for place, (position, heads) in enumerate(GROUPS)
    )
)


@pytest.fixture(scope="module", params=["llama", "gpt2", "gpt_neox"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    world = make_world(tmp_path_factory.mktemp("world"), request.param)
    more = {"n_positions": 64} if request.param == "gpt2" else {}
    make_model(world.folder / "tuned", heads=4, shared=4, seed=8, family=request.param, **more)
    return world


@frozen
class Sample:
    """A sample as it is written, and the prompts that it is of."""

    written: str
    name: str
    count: int
    alternates: bool = False

    def prompts(self, world: World, many: int) -> list[dict[str, Any]]:
        """The partner of each of `many` measured prompts."""
        entries = world.prompts(self.name, self.count, "sample")
        drawn = [entry["alternate"] if self.alternates else entry for entry in entries]
        return [drawn[place % self.count] for place in range(many)]


SAMPLES = (
    Sample("uneven", "uneven", 20),
    Sample("7 uneven", "uneven", 7),
    Sample("30 boxes", "boxes", 30),
    Sample("other", "other", 20, alternates=True),
    Sample("6 resized", "resized", 6, alternates=True),
    Sample("3 stretched", "stretched", 3),
)


@pytest.mark.parametrize("reference", [False, True], ids=["optimised", "reference"])
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.written)
def test_a_sample_at_positions(world: World, hooked: Hooked, sample: Sample, reference: bool) -> None:
    """Each prompt takes what its partner has at the partner's own token of the position, whatever the lengths."""
    spec = world.spec(
        f"{TEXT}measure m = logit of answer (base with patch c from sample of {sample.written}) on 20 uneven\n"
    )
    entries, others = world.prompts("uneven", 20), sample.prompts(world, 20)
    expected = []
    for entry, other in zip(entries, others, strict=True):
        value = {position: z_at(hooked, [other], position) for position, _ in GROUPS}

        def taken(position: str, layer: int, prompt: int, _: int, value: dict[str, Tensor] = value) -> Tensor:
            return value[position][layer, prompt]

        logits = hooked.run(tokens([entry]), setting([entry], GROUPS, taken))
        expected.append(logits[0, answers([entry])].item())
    found = measure(spec.run(MemoryStore(), reference=reference), "m").cell()
    np.testing.assert_allclose(found.outcomes, expected, rtol=0, atol=1e-4)
    assert len({len(entry["token_ids"]) for entry in (*entries, *others)}) > 2
    assert [at([entry], "query") for entry in entries] != [at([other], "query") for other in others]


EVEN = (
    Sample("boxes", "boxes", 12),
    Sample("5 boxes", "boxes", 5),
    Sample("scrambled", "scrambled", 12, alternates=True),
)


@pytest.mark.parametrize("reference", [False, True], ids=["optimised", "reference"])
@pytest.mark.parametrize("sample", EVEN, ids=lambda sample: sample.written)
def test_a_sample_elsewhere(world: World, hooked: Hooked, sample: Sample, reference: bool) -> None:
    """Every head at every token takes what the partner has there, but for those that are kept or set otherwise."""
    entries, others = world.prompts("boxes", 12), sample.prompts(world, 12)
    values = hooked.z(tokens(others))
    found = _elsewhere(world, f"sample of {sample.written}", "boxes", reference)
    _agree(found, hooked, entries, values)


@pytest.mark.parametrize("reference", [False, True], ids=["optimised", "reference"])
@pytest.mark.parametrize(("source", "task"), [("scrambled", "boxes"), ("alternate", "position")])
def test_alternates_elsewhere(world: World, hooked: Hooked, source: str, task: str, reference: bool) -> None:
    entries = world.prompts(source if task == "boxes" else task, 12)
    values = hooked.z(tokens([entry["alternate"] for entry in entries]))
    _agree(_elsewhere(world, source, task, reference), hooked, entries, values)


@pytest.mark.parametrize("reference", [False, True], ids=["optimised", "reference"])
@pytest.mark.parametrize("task", ["boxes", "uneven"])
def test_another_model_elsewhere(world: World, hooked: Hooked, task: str, reference: bool) -> None:
    """On the same tokens, whatever the lengths."""
    donor = Hooked(transformers.AutoModelForCausalLM.from_pretrained(world.folder / "tuned"))
    found = _elsewhere(world, "tuned", task, reference)
    for place, entry in enumerate(world.prompts(task, 12)):
        one = {label: outcomes[place : place + 1] for label, outcomes in found.items()}
        _agree(one, hooked, [entry], donor.z(tokens([entry])))


KEPT = {"all": [], "kept": GROUPS, "set": GROUPS}
"""Groups that are left out of `elsewhere`, by what is measured."""


def _elsewhere(world: World, source: str, task: str, reference: bool) -> dict[str, tuple[float, ...]]:
    """Outcomes with everything, all but what is kept, and all but what another act sets, patched from a source."""
    spec = world.spec(
        f"{TEXT}"
        'model tuned = local("tuned")\n'
        f"intervention all  = patch elsewhere from {source}\n"
        f"intervention kept = keep c, patch elsewhere from {source}\n"
        f"intervention set  = patch elsewhere from {source}, zero c\n"
        f"measure m = logit of answer (base with [all, kept, set]) on 12 {task}\n"
    )
    found = measure(spec.run(MemoryStore(), reference=reference), "m")
    return {label: tuple(found.cell(label).outcomes) for label in KEPT}


def _agree(found: dict[str, tuple[float, ...]], hooked: Hooked, entries: list[dict[str, Any]], values: Tensor) -> None:
    """`values` (layer, prompt, token, head, d_head): what stands elsewhere."""
    for label, outcomes in found.items():
        change = {layer: _placed(entries, KEPT[label], values[layer], layer, zero=label == "set") for layer in range(4)}
        logits = hooked.run(tokens(entries), change)
        expected = logits[torch.arange(len(entries)), answers(entries)]
        np.testing.assert_allclose(outcomes, expected, rtol=0, atol=1e-4, err_msg=label)


def _placed(
    entries: list[dict[str, Any]], kept: list[tuple[str, Heads]], values: Tensor, layer: int, *, zero: bool
) -> Callable[[Tensor], None]:
    def change(z: Tensor) -> None:
        own = torch.zeros_like(z) if zero else z.clone()
        z[:] = values
        for position, heads in kept:
            for prompt, token in enumerate(at(entries, position)):
                for head in [head for other, head in heads if other == layer]:
                    z[prompt, token, head] = own[prompt, token, head]

    return change


@pytest.mark.parametrize("source", ["sample of uneven", "resized"])
def test_elsewhere_wants_prompts_of_one_length(world: World, source: str) -> None:
    with pytest.raises(SpecError) as raised:
        world.spec(f"measure m = accuracy(base with patch elsewhere from {source}) on 20 uneven\n").plan()
    assert {problem.code for problem in raised.value.problems} == {"E640"}


def test_a_sample_is_apart_from_what_is_measured(world: World) -> None:
    assert world.prompts("boxes", 5, "sample") != world.prompts("boxes", 5)
    assert world.prompts("boxes", 5, "sample") != world.prompts("boxes", 5, "mean")


def test_each_draw_has_a_sample_of_its_own(world: World) -> None:
    spec = world.spec(
        f"{TEXT}measure m = logit of answer (base with patch c from sample of 1 uneven) on 4 boxes, 3 draws\n"
    )
    plan = spec.plan().plan
    captured = {node.batch.tokens[0] for node in plan.nodes.values() if isinstance(node, Capture)}
    assert len(captured) == 3
