"""The four experiments of docs/coming-from.md give what TransformerLens, nnsight and pyvene gave when they last ran
(`make side-by-side`)."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).parents[2] / "docs" / "side_by_side"


def _compare() -> Any:
    spec = importlib.util.spec_from_file_location("side_by_side_compare", HERE / "compare.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


compare = _compare()


@pytest.mark.parametrize("experiment", compare.EXPERIMENTS)
def test_the_numbers_are_those_of_other_libraries(experiment: str) -> None:
    ours = compare.entrack_numbers(experiment)
    kept = json.loads((HERE / "numbers.json").read_text(encoding="utf-8"))
    assert set(kept) == {"transformer_lens", "nnsight", "pyvene"}
    assert np.ptp(ours) > 0.5
    for experiments in kept.values():
        assert compare.distance(np.array(experiments[experiment]["numbers"]), ours) < compare.FAR
