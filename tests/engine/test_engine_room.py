"""Two models in one plan: both in memory where both fit, one at a time where not; and steps grouped by model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from attrs import evolve

from entrack.engine import memory
from entrack.model_config import ModelFacts
from entrack.models.key import ModelKey, ModelSource
from entrack.models.weight_files import weights_bytes
from entrack.plan.order import by_model
from entrack.plan.plan import needs
from entrack.plan.steps import At, Batch, Capture, Evaluate, FromCapture, Ref, Set
from entrack.sites import Site

KEY = ModelKey("a", "b", "c", ModelFacts("llama", 1, 1, 1, 4, 4, 8, 9))
OTHER = evolve(KEY, weights="d")
BATCH = Batch(((1, 2),))


def test_what_is_free_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.safetensors").write_bytes(bytes(1000))
    source, cpu = ModelSource("m", tmp_path), torch.device("cpu")
    assert memory.free_bytes(cpu) > 1 << 20
    assert weights_bytes(source, KEY) == 2000
    assert weights_bytes(source, evolve(KEY, dtype="float16")) == 1000
    for free, expected in ((2400, False), (2600, True)):
        monkeypatch.setattr(memory, "free_bytes", lambda device, free=free: free)
        assert memory.fits(source, KEY, cpu) is expected


def test_a_model_is_read_once_where_it_can_be() -> None:
    """Cross-model patches: the donors' captures first, then the evaluations that take them."""
    nodes: dict[str, Capture | Evaluate] = {}
    for turn in range(3):
        donor = Capture(OTHER, BATCH, (turn,))
        nodes[f"d{turn}"] = donor
        nodes[f"e{turn}"] = Evaluate(
            KEY, BATCH, (Set(At((Site.of_head(0, 0),), (1,)), FromCapture(Ref(f"d{turn}"))),), ((turn,),)
        )
    order = list(by_model(nodes, {id: tuple(needs(node)) for id, node in nodes.items()}))
    assert sorted(order) == sorted(nodes)
    assert order == ["d0", "d1", "d2", "e0", "e1", "e2"]
    assert all(order.index(need) < order.index(id) for id in nodes for need in needs(nodes[id]))
