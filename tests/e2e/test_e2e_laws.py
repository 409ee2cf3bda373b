"""Laws of whole runs: both executors agree, a second run does nothing, specs share, and patching with oneself is
nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from e2e_world import World, counted, entrack

from entrack.events import Event, StepDone
from entrack.report.document import document
from entrack.results import Discovery, Measure, Results
from entrack.store import DiskStore, MemoryStore


def plain(results: Results) -> dict[str, object]:
    """The document without what counts the work of this run."""
    found: dict[str, object] = json.loads(document(results))
    provenance = found["provenance"]
    assert isinstance(provenance, dict)
    for count in ("steps", "computed", "found"):
        provenance.pop(count)
    return found


def test_executors_agree(world: World) -> None:
    store = MemoryStore()
    fast, slow = world.load().run(store), world.load().run(store, reference=True)
    assert slow.provenance.computed == fast.provenance.computed, "the reference takes nothing from the other executor"
    for group, other in zip(found(fast, "cir").groups, found(slow, "cir").groups, strict=True):
        assert group.heads == other.heads
        assert group.known_zero == other.known_zero
        for row, other_row in zip(group.matrix, other.matrix, strict=True):
            assert row == pytest.approx(other_row, rel=1e-5, abs=1e-5)
    for measure, other_measure in zip(fast.measures, slow.measures, strict=True):
        for cell, other_cell in zip(measure.cells, other_measure.cells, strict=True):
            assert cell.outcomes == pytest.approx(other_cell.outcomes, rel=1e-5, abs=1e-5)


def test_a_second_run_computes_nothing_and_imports_no_torch(world: World, tmp_path: Path) -> None:
    first = world.load().run(tmp_path)
    assert first.provenance.computed == first.provenance.steps - sum(
        group.known_zero // 4 for group in found(first, "cir").groups
    )
    code = (
        "import sys, entrack; from entrack.report.document import document\n"
        f"results = entrack.load({str(world.study)!r}).run({str(tmp_path)!r})\n"
        "heavy = {'torch', 'transformers', 'nnsight', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert results.provenance.computed == 0\n"
        "sys.stdout.write(document(results))"
    )
    again = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=200)
    assert again.returncode == 0, again.stderr
    assert counted(again.stdout) == counted(document(first))


def test_the_same_in_another_order_and_store(world: World, tmp_path: Path) -> None:
    lines = world.study.read_text().splitlines()
    measures = [line for line in lines if line.startswith("measure")]
    rest = [line for line in lines[1:] if line not in measures]
    (world.folder / "turned.et").write_text("\n".join(["entrack 1", *reversed(measures), *rest]))
    turned, straight = (
        entrack("run", world.folder / "turned.et", "--json", "--store", tmp_path),
        world.load().run(MemoryStore()),
    )
    by_name = {measure["name"]: measure for measure in json.loads(turned.stdout)["measures"]}
    assert by_name == {measure["name"]: measure for measure in json.loads(document(straight))["measures"]}


def test_specs_share(world: World) -> None:
    store = MemoryStore()
    shared = (
        "group g in base at last = 0.1\nmeasure p = probability of answer (base with patch g from "
        "scrambled) on 12 boxes\n"
    )
    assert computed(world, store, shared) == 2, "a capture and an evaluation"
    assert computed(world, store, shared.replace("0.1", "1.1 2.2")) == 2, (
        "other heads are captured: only what is read is stored"
    )
    assert computed(world, store, shared.replace("probability", "logit")) == 0, "another metric of the same outcomes"
    assert computed(world, store, shared.replace("probability of answer", "accuracy")) == 0
    assert computed(world, store, shared.replace(" g ", " h ").replace("p =", "q =")) == 0, "names are not content"
    assert computed(world, store, shared.replace("12", "13")) == 2


def computed(world: World, store: MemoryStore, text: str) -> int:
    events: list[Event] = []
    world.spec(text).run(store, watcher=events.append)
    return sum(isinstance(event, StepDone) and not event.found for event in events)


@pytest.mark.parametrize("receivers", ["logits", "g.query", "g.value"])
def test_patching_with_oneself_is_nothing(world: World, receivers: str) -> None:
    first = "" if receivers == "logits" else "group g at last -> logits keep 16 "
    against = "scrambled" if first else "same"
    text = f"discover d in base on 12 boxes against {against} {{ {first} group h at last -> {receivers} keep 16 }}\n"
    if first:  # receivers that exist, but senders that say nothing new
        results = world.spec(
            text + text.replace("discover d", "discover e").replace("against scrambled", "against same")
        ).run(MemoryStore())
        assert any(score for row in found(results, "d").group("h").matrix for score in row)
        silent = found(results, "e").groups
    else:
        silent = found(world.spec(text).run(MemoryStore()), "d").groups
    assert all(score == 0.0 for group in silent for row in group.matrix for score in row)
    assert all(group.heads == () and "only 0 heads" in group.note for group in silent)


def test_patching_from_the_original_changes_no_answer(world: World) -> None:
    written = "group g in base at last = 0.0 1.1 2.2\ngroup q in base at query = 0.3 1.0\n"
    text = (
        written + "measure p = probability of answer (base with [nothing, patch g from same, patch q from same, "
        "patch g from scrambled]) on 60 boxes"
    )
    cells = measured(world.spec(text).run(MemoryStore()), "p").cells
    assert cells[0].outcomes == cells[1].outcomes == cells[2].outcomes
    assert cells[0].outcomes != cells[3].outcomes


def test_a_head_that_cannot_reach_scores_exactly_nothing(world: World) -> None:
    """Receivers of layer 1 at the highest: heads of above it are not run, whatever is asked for."""
    results = world.load().run(MemoryStore())
    zeros = 0
    for group in found(results, "cir").groups[1:]:
        above = max(
            (head.layer for head in found(results, "cir").group(group.receivers[0].split(".")[0]).heads), default=0
        )
        assert group.known_zero == 4 * (4 - above)
        assert all(score == 0.0 for row in group.matrix[above:] for score in row)
        assert all(head.layer < above for head in group.heads)
        zeros += group.known_zero
    assert zeros > 0


def test_grouped_heads_are_patched_one_by_one(world: World) -> None:
    text = (
        'model shared = local("grouped")\ndiscover d in shared on 12 boxes against scrambled { group a '
        "at last -> logits keep 9 group b at query -> a.value keep 9 }"
    )
    store = MemoryStore()
    fast, slow = (found(world.spec(text).run(store, reference=reference), "d") for reference in (False, True))
    assert "cannot be told apart" in fast.group("b").note
    assert len({score for row in fast.group("a").matrix for score in row}) == 16
    for group, other in zip(fast.groups, slow.groups, strict=True):
        assert [score for row in group.matrix for score in row] == pytest.approx(
            [score for row in other.matrix for score in row], rel=1e-5, abs=1e-5
        )


def found(results: Results, name: str) -> Discovery:
    discovery = results[name]
    assert isinstance(discovery, Discovery)
    return discovery


def measured(results: Results, name: str) -> Measure:
    measure = results[name]
    assert isinstance(measure, Measure)
    return measure


def test_the_store_can_be_moved(world: World, tmp_path: Path) -> None:
    text = "measure a = accuracy(base) on 12 boxes"
    first = world.spec(text).run(tmp_path / "one")
    (tmp_path / "one").rename(tmp_path / "two")
    second = world.spec(text).run(DiskStore(tmp_path / "two"))
    assert second.provenance.computed == 0
    assert plain(first) == plain(second)
