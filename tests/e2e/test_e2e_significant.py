"""Discoveries that keep what is significant, and that confirm what they kept, in whole runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from e2e_world import World, entrack

from entrack.analysis.intervals import mean_limits
from entrack.analysis.significance import adjusted, p_values
from entrack.ranking import Ranking
from entrack.report.document import document
from entrack.report.html import results_html
from entrack.report.lookup import kept_scores
from entrack.report.table_data import discovery_grid
from entrack.results import Confirmed, Discovery, Group, Results, Significance
from entrack.store import DiskStore, MemoryStore

HOPS = """{ CONFIRM
  score logit of answer
  group fetcher  at last  -> logits         keep FIRST
  group detector at query -> fetcher.value  keep 3
}
"""


def text(first: str = "significant at 80 %", confirm: str = "", screen: str = "") -> str:
    hops = HOPS.replace("FIRST", first).replace("CONFIRM", confirm)
    return f"discover cir in base on 12 boxes against scrambled {screen} {hops}"


def run(world: World, written: str, store: MemoryStore | DiskStore | None = None, reference: bool = False) -> Results:
    return world.spec(written).run(MemoryStore() if store is None else store, reference=reference)


def cir(results: Results) -> Discovery:
    found = results["cir"]
    assert isinstance(found, Discovery)
    return found


def known(group: Group) -> Significance:
    assert group.significance is not None
    return group.significance


def again(group: Group) -> Confirmed:
    assert group.confirmed is not None
    return group.confirmed


def test_what_is_kept_is_what_is_significant(world: World) -> None:
    keeps, all_kept = (cir(run(world, text(first))).groups[0] for first in ("significant at 80 %", "16"))
    q = known(all_kept).q
    wanted = [site for site in all_kept.sites if (q[site] or 0) <= 0.8]
    assert 0 < len(wanted) < len(all_kept.sites)
    assert list(keeps.sites) == wanted == list(known(keeps).sites)
    assert known(keeps).decides and not known(all_kept).decides
    assert known(keeps).q == q and known(all_kept).rate == 0.05
    assert len(keeps.kept_again) == len(wanted)


def test_p_and_q_follow_from_the_scores_of_prompts(world: World) -> None:
    for group in cir(run(world, text("16"))).groups:
        sites = [site for site, p in known(group).p.items() if p is not None]
        p = p_values(np.array([group.outcomes[site] for site in sites]), Ranking.LOWEST).tolist()
        assert [known(group).p[site] for site in sites] == p
        assert [known(group).q[site] for site in sites] == adjusted(p, len(sites))
        assert known(group).tests == len(sites) == 16 - group.known_zero


def test_nothing_significant_is_said_and_the_rest_goes_on(world: World, tmp_path: Path) -> None:
    """A group of no heads: nothing feeds on it, and what is measured with it is what nothing does."""
    written = text("significant at 0.0001 %") + (
        "intervention without(c) = zero c\n"
        "measure acc = accuracy(base with [nothing, without(cir), without(random like cir)]) on 10 boxes\n"
        "measure sure = completeness(cir, 2) in base over 5 scrambled on 8 boxes\n"
        "measure tiny = minimality(cir) in base over 5 scrambled on 8 boxes\n"
        "mask role over cir in base for position { train 4; validate 4; epochs 1 }\n"
        'claim "it is empty" size(cir) == 0\n'
    )
    store = DiskStore(tmp_path)
    results = run(world, written, store)
    assert [group.sites for group in cir(results).groups] == [(), ()]
    assert cir(results).groups[0].note == "no heads score below zero, significant at 0.0001 %"
    acc = results["acc"]
    assert len({cell.value for cell in acc.cells}) == 1  # type: ignore[union-attr]  # a measure
    assert results.claims[0].passed
    assert run(world, written, store).provenance.computed == 0


def test_a_screen_makes_nothing_easier(world: World) -> None:
    every, few = (cir(run(world, text(screen=screen))).groups[0] for screen in ("", "screen 6 check 2"))
    assert known(few).tests == 16
    assert set(few.sites) <= set(every.sites)
    screen = few.screen
    assert screen is not None
    for site in screen.through:
        assert known(few).p[site] == pytest.approx(known(every).p[site], rel=1e-4)
        assert (known(few).q[site] or 0) >= (known(every).q[site] or 0) - 1e-6
    assert all(known(few).p[site] is not None for site in screen.missed.checked)
    assert all(known(few).q[site] is None for site in screen.missed.checked)


def test_what_was_kept_is_confirmed_on_prompts_of_its_own(world: World, tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    plain, confirmed = run(world, text("3"), store), run(world, text("3", "confirm on 9"), store)
    for group, other in zip(cir(plain).groups, cir(confirmed).groups, strict=True):
        assert (group.sites, group.scores, group.intervals) == (other.sites, other.scores, other.intervals)
        assert group.confirmed is None
        found = again(other)
        assert found.n == 9
        assert set(found.scores) == set(found.intervals) == set(found.outcomes) == set(other.sites)
        for site, scores in found.outcomes.items():
            assert found.scores[site] == pytest.approx(np.mean(scores)) != other.scores[site]
            low, high = (float(limit[0]) for limit in mean_limits(np.array([scores])))
            assert (found.intervals[site].low, found.intervals[site].high) == (low, high)
    assert confirmed.provenance.found == plain.provenance.computed
    assert run(world, text("3", "confirm on 9"), store).provenance.computed == 0


def test_confirming_scores_are_those_of_path_patching_on_these_prompts(world: World) -> None:
    """Found on the prompts that confirm, by a seed with which these are what another discovery is found on, a score is
    the same: each sender is patched alone, whatever else is kept."""
    confirmed = cir(run(world, text("2", "confirm on 9"))).groups[0]
    more = cir(run(world, text("6", "confirm on 9"))).groups[0]
    for site in confirmed.sites:
        assert again(more).outcomes[site] == pytest.approx(again(confirmed).outcomes[site], abs=1e-6)
    prompts = [{entry["text"] for entry in world.prompts("boxes", 9, purpose)} for purpose in ("discover", "confirm")]
    assert prompts[0] != prompts[1]


def test_both_executors_confirm_alike(world: World) -> None:
    quick, slow = (cir(run(world, text("4", "confirm on 7"), reference=each)) for each in (False, True))
    for group, other in zip(quick.groups, slow.groups, strict=True):
        assert group.sites == other.sites
        np.testing.assert_allclose(
            list(again(group).scores.values()), list(again(other).scores.values()), rtol=1e-4, atol=1e-5
        )


def test_tables_show_scores_with_intervals_where_these_are_of_fresh_prompts(world: World) -> None:
    plain, confirmed = (run(world, text("3", confirm)) for confirm in ("", "confirm on 9"))
    grid, other = discovery_grid(cir(plain)), discovery_grid(cir(confirmed))
    assert "mean over n = 12 prompts" in grid.caption
    assert "[" not in "".join("".join(row[-1]) for row in grid.rows)
    assert "mean over n = 9 fresh prompts, 95 % interval in brackets; found on 12 others" in other.caption
    first = cir(confirmed).groups[0]
    best = min(first.sites, key=lambda site: again(first).scores[site])
    interval = again(first).intervals[best]
    assert other.rows[0][-1][0] == f"{best} {again(first).scores[best]:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
    assert "9 fresh prompts" in results_html(confirmed)
    assert "significant at 80 %" in str(discovery_grid(cir(run(world, text()))).rows[0][0])
    assert all(cell.interval is None and len(cell.outcomes) == 12 for cell in kept_scores(cir(plain)).cells)
    assert all(cell.interval and cell.n == len(cell.outcomes) == 9 for cell in kept_scores(cir(confirmed)).cells)


def test_the_document_has_it(world: World) -> None:
    confirmed = run(world, text("3", "confirm on 9"))
    found = json.loads(document(confirmed))["discoveries"][0]["groups"][0]
    group = cir(confirmed).groups[0]
    assert found["significance"]["rate"] == 0.05 and found["significance"]["tests"] == 16
    assert found["significance"]["decides"] is False
    assert found["significance"]["p"][0][0] == known(group).p[next(iter(known(group).p))]
    assert found["significance"]["other_q"] == {}
    assert set(found["confirmed"]["scores"]) == set(found["sites"])
    assert all(len(scores) == 9 for scores in found["confirmed"]["outcomes"].values())
    records = [record for record in cir(confirmed).records() if record["group"] == "fetcher"]
    assert [record["p"] for record in records] == list(known(group).p.values())


def test_a_plan_counts_what_confirms(world: World) -> None:
    (world.folder / "confirmed.et").write_text(
        f'entrack 1\ninclude "tasks.et"\nmodel base = local("base")\n{text("significant at 5 %", "confirm on 9")}'
    )
    planned = json.loads(entrack("plan", world.folder / "confirmed.et", "--json").stdout)
    forwards = {step["what"]: step["forwards"] for step in planned["steps"]}
    assert forwards["cir: clean runs to confirm"] == 1
    assert forwards["cir.fetcher: path patching to confirm"] == 16 + 4, "at most all heads, and a clean run a layer"
    assert forwards["cir.detector: path patching to confirm"] == 2 * 3 + 4, "two passes for each of three heads"
    shown = entrack("prompts", world.folder / "confirmed.et", "boxes", "-n", 2, "--for", "confirm")
    assert shown.exit_code == 0 and "contains the" in shown.stdout


def test_why_a_head_that_was_not_kept_is_not_confirmed(world: World, tmp_path: Path) -> None:
    path = world.folder / "one_kept.et"
    path.write_text(f'entrack 1\ninclude "tasks.et"\nmodel base = local("base")\n{text("1", "confirm on 9")}')
    assert entrack("run", path, "--store", tmp_path).exit_code == 0
    said = " ".join(entrack("cache", "why", path, "--store", tmp_path).stdout.split())
    assert "not run, of heads that were not kept" in said and "screen" not in said
    planned = json.loads(entrack("plan", path, "--store", tmp_path, "--json").stdout)
    (confirming,) = (step for step in planned["steps"] if step["what"] == "cir.fetcher: path patching to confirm")
    assert confirming["not_kept"] > 0 == confirming["screened_out"]
    assert confirming["not_kept"] + confirming["stored"] == confirming["steps"]
    assert "not kept" in entrack("plan", path, "--store", tmp_path).stdout
    explained = entrack("plan", path, "--store", tmp_path, "--explain").stdout
    assert "are of heads that were not kept" in " ".join(explained.split())
