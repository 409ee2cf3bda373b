"""Acts whose values come from runs on other prompts, computed a second time with plain torch hooks, prompt by prompt."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import transformers
from attrs import frozen
from e2e_world import World, make_world
from engine_by_hooks import Hooked
from test_e2e_numbers import Heads, answers, at, measure, setting, tokens, z_at
from torch import Tensor

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
    return make_world(tmp_path_factory.mktemp("world"), request.param)


@pytest.fixture(scope="module")
def hooked(world: World) -> Hooked:
    return Hooked(transformers.AutoModelForCausalLM.from_pretrained(world.folder / "base"))


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
