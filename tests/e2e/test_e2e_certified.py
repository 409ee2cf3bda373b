"""Certified claims, run: each verdict, again from the store, killed and gone on with, by the other executor, without
weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from attrs import evolve
from e2e_world import entrack
from stress.children import die, in_a_child

from entrack import api
from entrack.analysis.certificates import wanted
from entrack.cli.claims import what_failed
from entrack.events import Event, StepDone
from entrack.models.locate import BUILTIN
from entrack.results import Certificate, Claim, Interval, Results, Verdict
from entrack.run import repository_of
from entrack.source import Source
from entrack.store import DiskStore

SPECS = Path(__file__).parents[2] / "specs"
TEXT = """entrack 1

include "boxes/boxes.et"

model base = builtin("boxes-base")

group first in base at last = 2.4 2.0 2.3 2.6

measure kept   = accuracy(base with [nothing, zero first, zero 0.2 at last]) on 60 boxes
measure likely = probability of answer (base with [nothing, patch first from sample of scrambled]) on 60 boxes
measure drawn  = accuracy(base with zero random like first) on 20 boxes, 2 draws

claim "it keeps track"       kept[nothing] >= 0.4                       certified at 95 %
claim "it always does"       kept[nothing] >= 0.8                       certified at 95 %
claim "it is about this"     kept[nothing] within 0.02 of 0.65          certified at 95 % up to 120 prompts
claim "the heads are needed" kept[zero first] / kept[nothing] <= 0.9    certified at 95 %
claim "one is not"           kept[zero 0.2 at last] <= 0.95           certified at 95 %   published 0.5
claim "its own are better"   likely[nothing] - likely[patch first from sample of scrambled] > 0 certified at 95 %
claim "all of them"          smallest(kept) >= 0.02                     certified at 90 %
claim "whichever"            drawn <= 0.95                              certified at 95 %
claim "as it is"             kept[nothing] >= 0.4
"""
EXPECTED = {
    "it keeps track": Verdict.CERTIFIED,
    "it always does": Verdict.REFUTED,
    "it is about this": Verdict.UNDECIDED,
    "the heads are needed": Verdict.CERTIFIED,
    "one is not": Verdict.CERTIFIED,
    "its own are better": Verdict.CERTIFIED,
    "all of them": Verdict.CERTIFIED,
    "whichever": Verdict.CERTIFIED,
}


def source(text: str = TEXT) -> Source:
    return Source(str(SPECS / "certified_here.et"), text)


def certificates(results: Results) -> dict[str, Certificate]:
    return {claim.text: claim.certificate for claim in results.claims if claim.certificate is not None}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Results]:
    """A store that has everything, and what its run found."""
    store = tmp_path_factory.mktemp("certified")
    return store, api.loads(source()).run(store)


def test_each_verdict(ran: tuple[Path, Results]) -> None:
    found = certificates(ran[1])
    assert {text: one.verdict for text, one in found.items()} == EXPECTED
    claims = {claim.text: claim for claim in ran[1].claims}
    assert [text for text, claim in claims.items() if not claim.passed] == ["it always does", "it is about this"]
    assert claims["as it is"].certificate is None and not ran[1].passed
    undecided = found["it is about this"]
    assert (undecided.prompts, undecided.taken, undecided.most) == (120, 120, 120)
    for one in found.values():
        assert 0 < one.prompts <= one.taken <= one.most and one.taken % 50 in (0, 20)
        assert one.taken - one.prompts < 50 or one is found["all of them"]


def test_a_certificate_excludes_its_bound(ran: tuple[Path, Results]) -> None:
    found = certificates(ran[1])
    assert found["it keeps track"].interval.low >= 0.4 and found["it always does"].interval.high <= 0.8
    assert found["the heads are needed"].interval.high <= 0.9 and found["its own are better"].interval.low >= 0
    assert found["it is about this"].interval.low < 0.63 or found["it is about this"].interval.high > 0.67


def test_a_second_run_computes_nothing(ran: tuple[Path, Results]) -> None:
    store, first = ran
    again = api.loads(source()).run(store)
    assert again.provenance.computed == 0 and again.claims == first.claims


def test_the_plan_has_all_prompts_that_were_taken(ran: tuple[Path, Results], tmp_path: Path) -> None:
    """So that nothing of it is garbage, and all of it is verified."""
    store, first = ran
    spec = api.loads(source())
    plan, survey = spec.survey(DiskStore(store))
    taken = [one.taken for one in certificates(first).values()]
    assert [one.prompts for one in plan.certificates.values()] == taken
    assert not survey.missing and not survey.unknown and plan.may_come(survey.found) == ()
    assert len(spec.addresses(DiskStore(store))) == len(list(DiskStore(store).addresses()))
    empty, none = spec.survey(api.open_store(tmp_path / "empty", inspect=True))
    grow = {one.name: (one.prompts, one.most) for one in empty.may_come(none.found)}
    assert grow['claim "it keeps track"'] == (50, 1000) and grow['claim "it is about this"'] == (50, 120)


def test_changing_what_a_claim_says_runs_nothing(ran: tuple[Path, Results]) -> None:
    """Its words, and how many prompts may come; a smaller number of them, or another level, is decided anew."""
    text = TEXT.replace('"it keeps track"', '"said otherwise"').replace("certified at 90 %", "certified at 80 %")
    again = api.loads(source(text.replace("up to 120 prompts", "up to 100 prompts"))).run(ran[0])
    assert again.provenance.computed == 0
    assert certificates(again)["it is about this"].taken == 100
    assert certificates(again)["said otherwise"] == certificates(ran[1])["it keeps track"]


def test_killed_and_gone_on_with(ran: tuple[Path, Results], tmp_path: Path) -> None:
    """In the middle of the fresh prompts: the next run takes the same, computes what is left, and finds the same."""
    steps = 0

    def watching(event: Event) -> None:
        nonlocal steps
        steps += isinstance(event, StepDone) and event.what.startswith("claim")
        if steps == 6:
            die()

    ended = in_a_child(lambda tell: api.loads(source()).run(tmp_path / "store", watcher=watching))
    assert ended.killed, ended.trouble
    kept = len(list(DiskStore(tmp_path / "store").addresses()))
    again = api.loads(source()).run(tmp_path / "store")
    assert again.claims == ran[1].claims
    assert 0 < kept == again.provenance.found
    assert again.provenance.computed == ran[1].provenance.computed - kept


def test_the_reference_executor_gives_the_same_verdicts(ran: tuple[Path, Results], tmp_path: Path) -> None:
    slow = certificates(api.loads(source()).run(tmp_path / "store", reference=True))
    fast = certificates(ran[1])
    assert {text: (one.verdict, one.prompts) for text, one in slow.items()} == {
        text: (one.verdict, one.prompts) for text, one in fast.items()
    }
    for text, one in slow.items():
        assert (one.interval.low, one.interval.high) == pytest.approx(
            (fast[text].interval.low, fast[text].interval.high), abs=1e-4
        )


def test_a_damaged_value_is_computed_again(ran: tuple[Path, Results], tmp_path: Path) -> None:
    shutil.copytree(ran[0], tmp_path / "store")
    spec = api.loads(source())
    plan, run, _ = spec.surveyed(repository_of(DiskStore(tmp_path / "store"), None))
    last = list(plan.certificates[2].evaluations)[-1]
    for path in (tmp_path / "store").rglob(f"*{run.action(last).object}*"):  # type: ignore[union-attr]
        path.chmod(0o644)
        path.write_bytes(b"damaged" + path.read_bytes()[7:])
    again = api.loads(source()).run(tmp_path / "store")
    assert again.claims == ran[1].claims and again.provenance.computed == 1


def test_without_weights(tmp_path: Path) -> None:
    """A spec is checked and planned with a config and a tokenizer."""
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("config.json", "tokenizer.json"):
        shutil.copy(BUILTIN / "boxes-base" / name, folder)
    spec = api.checked(source(TEXT.replace('builtin("boxes-base")', 'hub("nobody/nothing")')), {}, folder)
    plan = spec.plan(hashed=False).plan
    assert all(one.prompts == 50 for one in plan.certificates.values())
    assert sorted(plan.certificates) == list(range(8)) or plan.deferred
    assert not [problem for problem in spec.problems if problem.is_error]


def test_on_the_command_line(ran: tuple[Path, Results], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(SPECS / "boxes", tmp_path / "boxes")
    spec = tmp_path / "certified.et"
    spec.write_text(TEXT)
    monkeypatch.setenv("COLUMNS", "300")
    shown = entrack("run", spec, "--store", ran[0])
    assert shown.exit_code == 0
    assert "✓ certified   it keeps track" in shown.stdout
    assert "✗ REFUTED     it always does" in shown.stdout and "? undecided   it is about this" in shown.stdout
    assert "7 of 9 hold, 1 is undecided" in shown.stdout
    strict = entrack("run", spec, "--store", ran[0], "--strict", "--json")
    assert strict.exit_code == 1
    assert "1 claim is false and 1 claim is undecided; `up to` more prompts may decide" in strict.stderr
    claims = {claim["text"]: claim for claim in json.loads(strict.stdout)["claims"]}
    assert claims["it is about this"]["certificate"]["verdict"] == "undecided"
    assert claims["it keeps track"]["certificate"]["interval"] == pytest.approx(
        [(found := certificates(ran[1])["it keeps track"]).interval.low, found.interval.high]
    )
    planned = json.loads(entrack("plan", spec, "--json", "--store", tmp_path / "none").stdout)
    assert {"what": 'claim "it is about this"', "prompts": 50, "at_most": 120} in planned["may_come"]
    assert "may_come" not in json.loads(entrack("plan", spec, "--json", "--store", ran[0]).stdout)
    explained = entrack("plan", spec, "--explain", "--store", tmp_path / "none").stdout
    assert 'claim "it is about this": 50 fresh prompts are planned, 120 may come.' in explained


def test_html_tells_three_verdicts(ran: tuple[Path, Results]) -> None:
    page = ran[1]._repr_html_()
    assert page is not None and "✓ certified" in page and "✗ REFUTED" in page and "? undecided" in page


def test_nothing_more_is_wanted_when_it_is_over(ran: tuple[Path, Results]) -> None:
    spec = api.loads(source())
    plan, run, _ = spec.surveyed(repository_of(DiskStore(ran[0]), None))
    assert wanted(spec.resolved, plan, run) == {}


def test_where_rows_ran_out_more_of_them_may_decide() -> None:
    no_rows = Certificate(Verdict.UNDECIDED, 0.95, "m", Interval(0.0, 1.0), 25, 25, 25, None, "rows.csv")
    claim = Claim("x", "m", 0.5, ">=", 0.5, passed=False, n=9, interval=Interval(0.0, 1.0), certificate=no_rows)
    assert what_failed((claim,)) == "1 claim is undecided; more rows may decide"
    drawn = evolve(claim, certificate=evolve(no_rows, rows=""))
    assert what_failed((claim, drawn)) == "2 claims are undecided; `up to` more prompts may decide"
