"""Screens in whole runs: fewer heads are patched, what was found and what may have been missed is said, and a rerun
computes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from e2e_world import World, entrack

from entrack.analysis.screening import spearman
from entrack.report.document import document
from entrack.report.html import results_html
from entrack.report.table_data import discovery_grid
from entrack.results import Discovery, Group, Interval, Results, Screen
from entrack.sites import Site
from entrack.store import DiskStore, MemoryStore

HOPS = """{
  score SCORE
  group fetcher  at last  -> logits         keep 3
  group detector at query -> fetcher.value  keep 3
  group reader   at query -> detector.key   keep 3
}
"""


def run(
    world: World,
    store: MemoryStore | DiskStore,
    screen: str = "",
    score: str = "logit of answer",
    reference: bool = False,
) -> Results:
    hops = HOPS.replace("SCORE", score)
    return world.spec(f"discover cir in base on 12 boxes against scrambled {screen} {hops}").run(
        store, reference=reference
    )


def cir(results: Results) -> Discovery:
    found = results["cir"]
    assert isinstance(found, Discovery)
    return found


def screen_of(group: Group) -> Screen:
    assert group.screen is not None
    return group.screen


@pytest.fixture(scope="module")
def screened(world: World) -> Results:
    return run(world, MemoryStore(), "screen 5 check 2")


def test_a_screen_of_all_heads_finds_what_no_screen_finds_and_shares_its_values(world: World) -> None:
    store = MemoryStore()
    without, every = run(world, store), run(world, store, "screen 16")
    for group, other in zip(cir(without).groups, cir(every).groups, strict=True):
        assert (group.heads, group.matrix, group.intervals, group.known_zero) == (
            other.heads,
            other.matrix,
            other.intervals,
            other.known_zero,
        )
        assert group.screen is None
        assert screen_of(other).missed.others == 0
    assert every.provenance.computed == 3, "attribution patching of each hop"
    assert every.provenance.found > 10


def test_only_what_is_let_through_or_checked_has_a_score(world: World, screened: Results) -> None:
    everything = cir(run(world, MemoryStore()))
    first, full = cir(screened).groups[0], everything.groups[0]
    screen = screen_of(first)
    assert len(screen.through) == 5
    assert len(screen.missed.checked) == 2
    assert screen.missed.others == 11
    for layer in range(4):
        for head in range(4):
            run_too = Site.of_head(layer, head) in (*screen.through, *screen.missed.checked)
            score = first.matrix[layer][head]
            assert score == (pytest.approx(full.matrix[layer][head], abs=1e-6) if run_too else None)
            assert screen.estimates[Site.of_head(layer, head)] != 0
    assert set(first.heads) <= set(screen.through)


def test_what_a_screen_says_follows_from_estimates_and_scores(screened: Results) -> None:
    for group in cir(screened).groups:
        screen = screen_of(group)
        estimates = [screen.estimates[head] for head in screen.through]
        scores = [group.matrix[head.layer][head.head] for head in screen.through]
        assert estimates == sorted(estimates)
        assert [screen.through[place - 1] for place in screen.places] == list(group.heads)
        if screen.agreement is not None:
            assert screen.agreement.value == pytest.approx(spearman(np.array(estimates), np.array(scores)))
            assert -1 <= screen.agreement.interval.low <= screen.agreement.interval.high <= 1
        lowest = sorted(
            (score, head) for score, head in zip(scores, screen.through, strict=True) if score is not None and score < 0
        )
        assert group.heads == tuple(head for _, head in lowest[:3])


def test_layers_that_are_screened_out_are_not_run(world: World, tmp_path: Path) -> None:
    first = run(world, DiskStore(tmp_path), "screen 3 check 0")
    groups = cir(first).groups
    assert first.provenance.screened_out >= len(groups), "three heads stand in three of four layers at the most"
    for group in groups:
        through = screen_of(group).through
        assert sum(score is None for row in group.matrix for score in row) == 16 - group.known_zero - len(through)
        assert screen_of(group).missed.of_others == Interval(0.0, screen_of(group).missed.others)
    again = run(world, DiskStore(tmp_path), "screen 3 check 0")
    assert again.provenance.computed == 0
    assert again.provenance.screened_out == first.provenance.screened_out


def test_both_executors_screen_alike(world: World, screened: Results) -> None:
    slow = run(world, MemoryStore(), "screen 5 check 2", reference=True)
    for group, other in zip(cir(screened).groups, cir(slow).groups, strict=True):
        assert group.heads == other.heads
        assert screen_of(group).through == screen_of(other).through
        assert screen_of(group).missed.checked == screen_of(other).missed.checked
        one, two = (list(screen_of(each).estimates.values()) for each in (group, other))
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)


def test_a_rerun_computes_nothing(world: World, tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    first = run(world, store, "screen 5 in 2 steps check 2")
    assert first.provenance.computed > 5
    again = run(world, store, "screen 5 in 2 steps check 2")
    assert again.provenance.computed == 0
    assert cir(again) == cir(first)
    assert run(world, store, "screen 5 in 3 steps check 2").provenance.computed > 0


def test_another_score_of_the_same_runs_computes_nothing(world: World) -> None:
    store = MemoryStore()
    text = (
        "discover cir in base on 12 boxes against scrambled screen 16 {\n  score SCORE\n  group fetcher "
        "at last -> logits keep 3\n}\n"
    )
    scores = ("logit of answer", "relative probability of answer", "probability of answer")
    found = [world.spec(text.replace("SCORE", score)).run(store) for score in scores]
    assert len({tuple(screen_of(cir(one).groups[0]).estimates.values()) for one in found}) == 3
    assert [one.provenance.computed > 0 for one in found] == [True, False, False]


def test_the_document_and_the_tables_say_it(screened: Results) -> None:
    found = json.loads(document(screened))["discoveries"][0]["groups"][0]
    screen, group = found["screen"], cir(screened).groups[0]
    assert sum(score is None for row in found["scores"] for score in row) == 9
    assert screen["steps"] == 0
    assert screen["through"] == [[head.layer, head.head] for head in screen_of(group).through]
    assert screen["missed"]["others"] == 11
    assert screen["missed"]["of_others"][0] <= screen["missed"]["of_others"][1] <= 11
    assert screen["agreement"] is None or set(screen["agreement"]) == {"spearman", "interval", "n"}
    grid = discovery_grid(cir(screened))
    assert "of 5 scored\n11 screened out" in str(grid.rows[0][0])
    assert "fetcher: screened by one gradient" in grid.caption
    assert "screened by one gradient" in results_html(screened)
    records = [record for record in cir(screened).records() if record["group"] == "fetcher"]
    assert sum(record["score"] is None for record in records) == 9
    assert all(isinstance(record["estimate"], float) for record in records)


def test_a_plan_counts_it(world: World) -> None:
    (world.folder / "screened.et").write_text(
        'entrack 1\ninclude "tasks.et"\nmodel base = local("base")\n'
        "discover cir in base on 12 boxes against scrambled screen 5 in 2 steps check 2 "
        f"{HOPS.replace('SCORE', 'logit of answer')}"
    )
    planned = json.loads(entrack("plan", world.folder / "screened.et", "--json").stdout)
    forwards = {step["what"]: step["forwards"] for step in planned["steps"]}
    assert forwards["cir.fetcher: attribution patching"] == 1 + 2 * (1 + 2 * 2), (
        "a clean run; at two points a pass and two passes back"
    )
    assert forwards["cir.detector: attribution patching"] == 1 + 2 * 2 * (1 + 2 * 2), "two passes at each point"
    assert forwards["cir.fetcher: path patching"] == 7 + 4, "a pass a head, and a clean run a layer"
    assert forwards["cir.detector: path patching"] == 2 * 7 + 4
