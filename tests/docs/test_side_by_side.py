"""The four experiments of docs/coming-from.md give what TransformerLens, nnsight and pyvene gave when they last ran
(`make side-by-side`)."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import entrack
from entrack.source import Source

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


def test_scores_of_another_library_are_a_group(tmp_path: Path) -> None:
    """The head ablation that TransformerLens ran, as `docs/python.md` brings it into a spec: the heads whose ablation
    leaves the lowest logit difference below zero, and those that entrack's own numbers say."""
    kept = json.loads((HERE / "numbers.json").read_text(encoding="utf-8"))
    theirs = np.array(kept["transformer_lens"]["ablation"]["numbers"])
    ours = compare.entrack_numbers("ablation")
    clean = float(np.median(theirs))
    groups = {}
    for name, numbers in (("theirs", theirs), ("ours", ours)):
        made = entrack.scores(numbers - clean, tmp_path / f"{name}.csv", keep=5, ranking="lowest")
        text = f'entrack 1\nmodel base = builtin("boxes-base")\n{made}'
        spec = entrack.loads(Source(str(tmp_path / "spec.et"), text))
        groups[name] = spec.resolved.circuits[name].groups[0].heads
    assert groups["theirs"] == groups["ours"] and len(groups["ours"]) == 5  # type: ignore[arg-type]
