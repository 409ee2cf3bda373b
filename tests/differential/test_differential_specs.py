"""Laws of whole specs: `run` finds what `run --reference` finds, and a second run finds it again."""

from __future__ import annotations

import json
from itertools import pairwise
from math import nan
from typing import Any

from differential import NEAR, cases
from differential_specs import Setting, specs, world
from hypothesis import event, given, note
from pytest import approx

from entrack.report.document import document
from entrack.results import Discovery, Group, Measure, Results
from entrack.sites import Site
from entrack.store import MemoryStore

NEARLY = {"rel": 1e-3, "abs": 1e-3}
"""Scores relative to a small probability, and fits of a mask, are not as near as the logits they are made of."""


@cases(0.025)
@given(specs())
def test_runs_agree(given: tuple[Setting, str]) -> None:
    setting, text = given
    note(text)
    spec = world(setting).spec(text)
    store, other = MemoryStore(), MemoryStore()
    fast, slow = spec.run(store), spec.run(store, reference=True)
    again, anew = spec.run(store), spec.run(other)
    assert again.provenance.computed == 0
    assert told(again) == told(fast)
    assert told(anew) == told(fast) and anew.provenance.computed == fast.provenance.computed
    if discoveries_agree(fast, slow):
        assert slow.provenance.computed == fast.provenance.computed
        for measure, other_measure in zip(fast.measures, slow.measures, strict=True):
            measures_agree(measure, other_measure)
        masks_agree(fast, slow)
        for claim, other_claim in zip(fast.claims, slow.claims, strict=True):
            assert claim.value == approx(other_claim.value, **NEARLY, nan_ok=True)
            if claim.certificate is not None and other_claim.certificate is not None:
                assert claim.certificate.verdict is other_claim.certificate.verdict
                assert claim.certificate.prompts == other_claim.certificate.prompts


def told(results: Results) -> str:
    """The document without what counts the work of this run."""
    found: dict[str, Any] = json.loads(document(results))
    for count in ("computed", "found"):
        found["provenance"].pop(count)
    return json.dumps(found)


def discoveries_agree(fast: Results, slow: Results) -> bool:
    """False where two heads score alike and another was kept, so that what follows is about others."""
    for one, other in zip(fast.discoveries, slow.discoveries, strict=True):
        for group, other_group in zip(one.groups, other.groups, strict=True):
            if not screens_agree(group, other_group) or not races_agree(group, other_group):
                return False
            scores, others = (
                [nan if score is None else score for score in each.scores.values()] for each in (group, other_group)
            )
            assert scores == approx(others, **NEARLY, nan_ok=True), (one.name, group.name)
            assert group.known_zero == other_group.known_zero
            if group.sites != other_group.sites:
                assert alike(one, other, group.name)
                event("a tie")
                return False
    return True


def screens_agree(group: Group, other: Group) -> bool:
    """False where two heads are estimated alike, and another was let through."""
    if group.screen is None or other.screen is None:
        return group.screen is other.screen
    estimates, others = (list(screen.estimates.values()) for screen in (group.screen, other.screen))
    assert estimates == approx(others, **NEARLY, nan_ok=False), group.name
    if set(group.screen.through) != set(other.screen.through):
        assert min(b - a for a, b in pairwise(sorted(estimates))) < NEARLY["abs"]
        event("a tie of estimates")
        return False
    return True


def races_agree(group: Group, other: Group) -> bool:
    """False where a limit was within rounding of zero, so that another sender was decided; the scores of the prompts
    that both ran are the same."""
    if group.race is None or other.race is None:
        return group.race is other.race
    assert set(group.race.prompts) == set(other.race.prompts)
    for site, many in group.race.prompts.items():
        shared = min(many, other.race.prompts[site])
        assert group.outcomes[site][:shared] == approx(other.outcomes[site][:shared], **NEARLY, nan_ok=False), site
    event("a race")
    return group.race == other.race


def alike(one: Discovery, other: Discovery, name: str) -> bool:
    """Whether the heads that only one of two runs kept, or kept in another order, score like others, or like
    nothing."""
    group, other_group = one.group(name), other.group(name)
    scores = [score for score in group.scores.values() if score is not None]
    differ = {site for place, site in enumerate(group.sites) if other_group.sites[place : place + 1] != (site,)} | set(
        other_group.sites
    ) - set(group.sites)
    key = group.ranking.key
    near = [sum(abs(key(score) - key(_score(group, site))) < NEAR for score in (*scores, 0.0)) for site in differ]
    return all(count >= 2 for count in near)


def _score(group: Group, site: Site) -> float:
    found = group.scores[site]
    assert found is not None, "only what was run is kept"
    return found


def measures_agree(one: Measure, other: Measure) -> None:
    assert [cell.labels for cell in one.cells] == [cell.labels for cell in other.cells]
    event(f"{one.metric}")
    for cell, other_cell in zip(one.cells, other.cells, strict=True):
        assert cell.n == other_cell.n
        assert cell.outcomes == approx(other_cell.outcomes, rel=NEAR, abs=NEAR, nan_ok=True), (one.name, cell.labels)
        assert cell.value == approx(other_cell.value, **NEARLY, nan_ok=True)


def masks_agree(fast: Results, slow: Results) -> None:
    for mask, other in zip(fast.masks, slow.masks, strict=True):
        assert (mask.sites, mask.step, mask.validation) == (other.sites, other.step, other.validation)
        assert mask.values == approx(other.values, **NEARLY, nan_ok=False)
