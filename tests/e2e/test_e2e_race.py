"""Races in whole runs: the same heads as all prompts keep, on fewer; what is said of it; and that a rerun, or a run that
was ended and goes on, finds the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from e2e_world import World, entrack
from matplotlib.text import Text

from entrack.api import loads
from entrack.events import StepDone
from entrack.report.describe import described
from entrack.report.document import document
from entrack.report.html import results_html
from entrack.report.plots.diagram import diagram
from entrack.report.plots.score_map import score_map
from entrack.report.table_data import discovery_grid
from entrack.results import Discovery, Figure, Group, Race, Results
from entrack.sites import Site
from entrack.source import Source
from entrack.store import DiskStore, MemoryStore

HOPS = """{
  score logit of answer
  group fetcher  at last  -> logits         keep 2
  group detector of heads and mlps at query -> fetcher.value  keep 3 strongest
  group again    at last  -> logits         keep 3
}
"""
ONE = """{
  score logit of answer
  group fetcher at last -> logits keep 1
}
"""
PROMPTS = 120
HOW = {"whole": "", "raced": "racing at 95 %"}


def text(how: str, on: str = "boxes against scrambled", hops: str = HOPS) -> str:
    return f"discover cir in base on {PROMPTS} {on} {how} {hops}"


def run(world: World, store: MemoryStore | DiskStore, how: str = "", reference: bool = False) -> Results:
    return world.spec(text(how)).run(store, reference=reference)


def cir(results: Results) -> Discovery:
    found = results["cir"]
    assert isinstance(found, Discovery)
    return found


def race_of(group: Group) -> Race:
    assert group.race is not None
    return group.race


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> DiskStore:
    return DiskStore(tmp_path_factory.mktemp("race"))


@pytest.fixture(scope="module")
def raced(world: World, store: DiskStore) -> Results:
    return run(world, store, "racing at 95 %")


@pytest.fixture(scope="module")
def whole(world: World) -> Results:
    return run(world, MemoryStore())


def test_a_race_keeps_what_all_prompts_keep(raced: Results, whole: Results) -> None:
    for group, other in zip(cir(raced).groups, cir(whole).groups, strict=True):
        assert set(group.sites) == set(other.sites)
        assert {site for site, _ in group.also} == {site for site, _ in other.also}
        assert group.known_zero == other.known_zero
        assert other.race is None


def test_who_is_decided_runs_no_more(raced: Results, whole: Results) -> None:
    for group, other in zip(cir(raced).groups, cir(whole).groups, strict=True):
        race = race_of(group)
        assert race.looks == (50, 100)
        assert set(race.inside) | set(race.outside) == set(race.prompts)
        assert not set(race.inside) & set(race.outside)
        assert race.pairs == sum(race.prompts.values())
        assert race.of_pairs == len(race.prompts) * PROMPTS
        assert len(race.prompts) == len(group.scores) - group.known_zero
        for site, many in race.prompts.items():
            assert many == race.inside.get(site, race.outside.get(site))
            assert (site in race.undecided) == (many == PROMPTS)
            assert group.outcomes[site] == pytest.approx(other.outcomes[site][:many], abs=1e-5)
            assert group.scores[site] == pytest.approx(np.mean(group.outcomes[site]))
        assert len(group.intervals) == len(group.kept_again) == len(group.sites)
        assert all(0 <= share <= 1 for share in group.kept_again)
    assert race_of(cir(raced).groups[0]).pairs < race_of(cir(raced).groups[0]).of_pairs


def test_the_first_round_is_that_of_all_prompts(world: World) -> None:
    shared = MemoryStore()
    full = world.spec(text("", hops=ONE)).run(shared)
    race = world.spec(text("racing at 95 %", hops=ONE)).run(shared)
    assert cir(race).groups[0].sites == cir(full).groups[0].sites
    assert race.provenance.computed + race.provenance.decided <= 8, "a step a layer, of two rounds"
    assert race.provenance.found >= full.provenance.computed - 8, "clean runs, captures and first rounds are there"
    assert race.provenance.decided > 0


def test_a_rerun_computes_nothing(world: World, store: DiskStore, raced: Results) -> None:
    again = run(world, store, "racing at 95 %")
    assert again.provenance.computed == 0
    assert again.provenance.decided == raced.provenance.decided
    assert cir(again) == cir(raced)


def test_a_run_that_was_ended_goes_on_to_the_same(world: World, raced: Results, tmp_path: Path) -> None:
    total = raced.provenance.computed
    for steps in (5, total // 2):
        done: list[StepDone] = []

        def stop(event: object, done: list[StepDone] = done, steps: int = steps) -> None:
            done.extend([event] if isinstance(event, StepDone) and not event.found else [])
            if len(done) == steps:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            world.spec(text("racing at 95 %")).run(DiskStore(tmp_path), watcher=stop)
    after = run(world, DiskStore(tmp_path), "racing at 95 %")
    assert cir(after) == cir(raced)
    assert 0 < after.provenance.computed < total


def test_both_executors_race_alike(world: World, raced: Results) -> None:
    slow = run(world, MemoryStore(), "racing at 95 %", reference=True)
    for group, other in zip(cir(raced).groups, cir(slow).groups, strict=True):
        assert (group.sites, race_of(group)) == (other.sites, race_of(other))


def test_a_screen_lets_some_enter(world: World, whole: Results) -> None:
    found = cir(run(world, MemoryStore(), "screen 6 check 4 racing at 95 %")).groups[0]
    full = cir(whole).groups[0]
    race, screen = race_of(found), found.screen
    assert screen is not None
    assert set(race.prompts) == {*screen.through, *screen.missed.checked}
    best = sorted((full.scores[site] or 0.0, site) for site in screen.through)[:2]
    assert found.sites == tuple(site for _, site in best)
    worst = best[-1][0]
    assert set(screen.missed.sites) == {site for site in screen.missed.checked if (full.scores[site] or 0.0) < worst}
    assert not {*screen.missed.checked} & {*found.sites}


def test_prompts_of_several_lengths(world: World) -> None:
    one_hop = "{\n  group fetcher at last -> logits keep 2\n}\n"
    spec = [text(how, "uneven against anew", one_hop) for how in ("", "racing at 95 %")]
    full, fast = (cir(world.spec(each).run(MemoryStore())).groups[0] for each in spec)
    assert set(fast.sites) == set(full.sites)
    assert race_of(fast).pairs < race_of(fast).of_pairs
    means = {site: np.mean(full.outcomes[site]) for site, many in race_of(fast).prompts.items() if many == PROMPTS}
    assert means == pytest.approx({site: fast.scores[site] for site in means}, abs=1e-5)
    for site, many in race_of(fast).prompts.items():
        assert fast.outcomes[site] == pytest.approx(full.outcomes[site][:many], abs=1e-5), "in the prompts' order"


def test_what_is_said_of_a_race(raced: Results) -> None:
    note = discovery_grid(cir(raced)).caption
    race = race_of(cir(raced).groups[0])
    fewest = min(many for group in cir(raced).groups for many in race_of(group).prompts.values())
    assert f"mean over n = {fewest} to {PROMPTS} prompts" in note
    assert f"fetcher: raced: at 95 %, those kept are those that all {PROMPTS} prompts would keep" in note
    assert f"{race.pairs:,} of {race.of_pairs:,} pairs of heads and prompts were run" in note
    assert f"pairs of heads and prompts were run ({100 * race.pairs / race.of_pairs:.0f} %)" in note
    assert "those kept are those that all" in results_html(raced)
    assert f"found in base on {fewest} to {PROMPTS} prompts" in described(Figure("", "heatmap", "cir"), raced)
    for drawn in (diagram(cir(raced), ""), score_map(cir(raced), "")):
        words = " ".join(shown.get_text() for shown in drawn.findobj(Text))
        assert f"n = {fewest} to {PROMPTS} prompts" in " ".join(words.split())
    found = json.loads(document(raced))["discoveries"][0]["groups"][0]["race"]
    assert found["level"] == 0.95
    assert found["prompts"] == {str(site): many for site, many in race.prompts.items()}
    assert {**found["inside"], **found["outside"]} == found["prompts"]
    assert found["undecided"] == [str(site) for site in race.undecided]
    rows = {row["site"]: row["n"] for row in cir(raced).records() if row["group"] == "fetcher"}
    assert rows == {str(site): many for site, many in race.prompts.items()}


def test_a_plan_says_how_little_it_may_be(world: World, tmp_path: Path) -> None:
    spec = world.folder / "raced.et"
    spec.write_text(f'entrack 1\ninclude "tasks.et"\nmodel base = local("base")\n{text("racing at 95 %", hops=ONE)}')
    planned = entrack("plan", spec, "--store", tmp_path)
    assert "racing: at least the first round, at most all" in " ".join(planned.stdout.split())
    assert "undecided" in planned.stdout
    empty = json.loads(entrack("plan", spec, "--store", tmp_path, "--json").stdout)["total"]
    assert "decided" not in empty
    explained = entrack("plan", spec, "--store", tmp_path, "--explain")
    assert "racing: at least the first round, at most all" in " ".join(explained.stdout.split())
    ran = entrack("run", spec, "--store", tmp_path)
    assert "because a race had decided all of their heads" in " ".join(ran.stdout.split())
    after = json.loads(entrack("plan", spec, "--store", tmp_path, "--json").stdout)["total"]
    assert after["decided"] > 0
    assert after["forwards"] == 0 and after["stored"] + after["known_zero"] + after["decided"] == after["steps"]
    assert f"+ {after['decided']} decided" in " ".join(entrack("plan", spec, "--store", tmp_path).stdout.split())
    assert "decided by a race" in entrack("cache", "why", spec, "--store", tmp_path).stdout


def test_ties_are_decided_by_all_prompts(world: World) -> None:
    """Of every head's zeros none is kept, and none is certain."""
    hops = "{\n  group fetcher at last -> logits keep 2\n}\n"
    found = cir(world.spec(text("racing at 95 %", "boxes against same", hops)).run(MemoryStore())).groups[0]
    assert found.sites == ()
    assert race_of(found).undecided == tuple(Site.of_head(layer, head) for layer in range(4) for head in range(4))


def test_the_circuit_of_the_boxes_is_that_of_all_prompts() -> None:
    """As `specs/boxes/circuits.et` has it, of 150 prompts."""
    boxes = Path(__file__).parents[2] / "specs" / "boxes"
    hops = """{
  score logit of answer
  group value_fetcher    at last     -> logits               keep 8
  group object_carrier   at query    -> value_fetcher.value  keep 10
  group structure_reader at previous -> object_carrier.value keep 4
}"""
    texts = [f"discover {name} in base on 150 boxes against scrambled {how} {hops}\n" for name, how in HOW.items()]
    head = 'entrack 1\ninclude "boxes.et"\ninclude "models.et"\n'
    found = loads(Source(str(boxes / "raced.et"), head + "".join(texts))).run(MemoryStore())
    full, fast = (found[name] for name in HOW)
    assert isinstance(full, Discovery) and isinstance(fast, Discovery)
    for group, other in zip(fast.groups, full.groups, strict=True):
        assert set(group.sites) == set(other.sites)
        assert race_of(group).pairs < 0.9 * race_of(group).of_pairs
