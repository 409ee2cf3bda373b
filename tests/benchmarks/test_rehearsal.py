"""The rehearsal of a study: all of it but the model, from an empty store and from a full one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from plan_worlds import SPEC, make_model

from benchmarks.rehearsal import RIGHT, Rehearsed, made_up, rehearsed, without_weights
from entrack.execution.value_check import fault
from entrack.plan.steps import Evaluate
from entrack.spec import Spec


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Spec:
    folder = tmp_path_factory.mktemp("rehearsal")
    make_model(folder / "shape")
    (folder / "thin").mkdir()
    (folder / "spec.et").write_text(SPEC.replace('local("model")', 'hub("made/up")'))
    return without_weights(folder / "spec.et", folder / "shape", folder / "thin")


def test_everything_is_run_once_and_found_again(spec: Spec, tmp_path: Path) -> None:
    first, again = (rehearsed(spec, tmp_path / "store", tmp_path / out) for out in ("first", "again"))
    assert first.steps == again.steps > 10
    assert 0.5 * first.steps < first.computed <= first.steps, "but for what cannot reach a receiver"
    assert again.computed == 0 and again.stored_bytes == first.stored_bytes > 0
    assert (tmp_path / "first" / "report.html").exists()
    one, other = ((tmp_path / out / "numbers.tex").read_bytes() for out in ("first", "again"))
    assert one == other and b"\\newcommand" in one
    assert all(isinstance(round, Rehearsed) and round.row for round in (first, again))


def test_what_is_made_up_is_of_its_form_and_follows_from_the_step(spec: Spec) -> None:
    steps = [node for node in spec.plan().plan.nodes.values() if isinstance(node, Evaluate) and not node.edits]
    right = []
    for step in steps:
        value, again = (made_up(step, {})[0] for _ in range(2))
        assert fault(step, value) == "" and np.array_equal(value["top"], again["top"])
        right += [top == words[0] for top, words in zip(value["top"], step.asked, strict=True)]
    assert steps and abs(np.mean(right) - RIGHT) < 0.35
