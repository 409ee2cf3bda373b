"""The document of `entrack run --json`, part by part (docs/results.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from entrack.results.claims import Certificate, Claim
from entrack.results.discoveries import Confirmed, Discovery, Race, Screen, Significance
from entrack.results.interval import Interval
from entrack.results.provenance import Provenance
from entrack.results.values import Axis, Mask, Measure, heads_among
from entrack.sites import Part, Site, layer_by_head


def _interval(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.low, interval.high]


def measure_json(measure: Measure) -> dict[str, Any]:
    names = [axis.name for axis in measure.axes]
    return {
        "name": measure.name,
        "metric": measure.metric,
        "unit": measure.unit,
        "axes": list(map(_axis, measure.axes)),
        "cells": [
            {
                "labels": dict(zip(names, cell.labels, strict=True)),
                "value": cell.value,
                "n": cell.n,
                "interval": _interval(cell.interval),
                "interval_of_these_draws": _interval(cell.interval_of_these_draws),
                "sd": cell.sd,
                "draws": list(cell.draws),
                "outcomes": list(cell.outcomes),
                "address": cell.address,
                **({"ranges": list(cell.ranges)} if cell.ranges else {}),
                **({"draw_intervals": list(map(_interval, cell.draw_intervals))} if cell.draw_intervals else {}),
                **({"random": list(map(_random, cell.random))} if cell.random else {}),
            }
            for cell in measure.cells
        ],
    }


def _random(draw: Sequence[tuple[str, Sequence[Site]]]) -> list[dict[str, Any]]:
    return [{"group": name, "sites": list(map(str, sites))} for name, sites in draw]


def _axis(axis: Axis) -> dict[str, Any]:
    tokens = {"tokens": list(axis.tokens)} if axis.tokens else {}
    over = {"over": axis.over} if axis.over else {}
    return {"name": axis.name, "labels": list(axis.labels), **over, **tokens}


def discovery_json(discovery: Discovery) -> dict[str, Any]:
    return {
        "name": discovery.name,
        "model": discovery.model,
        "score": discovery.score,
        "n": discovery.n,
        "address": discovery.address,
        "groups": [
            {
                "name": group.name,
                "position": group.position,
                "receivers": list(group.receivers),
                "sites": list(map(str, group.sites)),
                "heads": _heads(group.heads),
                "intervals": [_interval(interval) for interval in group.intervals],
                "kept_again": list(group.kept_again),
                "every_interval": {str(site): _interval(interval) for site, interval in group.every_interval.items()},
                "outcomes": {str(site): list(scores) for site, scores in group.outcomes.items()},
                "scores": [list(row) for row in group.matrix],
                "other_scores": _others(group.scores),
                "ranking": group.ranking.value,
                "known_zero": group.known_zero,
                "also": [{**_also(site), "group": name} for site, name in group.also],
                "note": group.note,
                "screen": _screen(group.screen),
                "significance": _significance(group.significance),
                "confirmed": _confirmed(group.confirmed),
                **({"race": _race(group.race)} if group.race else {}),
            }
            for group in discovery.groups
        ],
    }


def _also(site: Site) -> dict[str, Any]:
    return {"site": str(site), "head": next(iter(_heads((site,))), None)}


def _others(values: Mapping[Site, float | None]) -> dict[str, float | None]:
    """Of sites that are no heads, by their names."""
    return {str(site): value for site, value in values.items() if site.part is not Part.OUTPUT}


def _screen(screen: Screen | None) -> dict[str, Any] | None:
    if screen is None:
        return None
    known = screen.agreement
    return {
        "steps": screen.steps,
        "through": _heads(screen.through),
        "through_sites": list(map(str, screen.through)),
        "places": list(screen.places),
        "agreement": known and {"spearman": known.value, "interval": _interval(known.interval), "n": known.n},
        "missed": {
            "checked": _heads(screen.missed.checked),
            "checked_sites": list(map(str, screen.missed.checked)),
            "heads": _heads(screen.missed.sites),
            "sites": list(map(str, screen.missed.sites)),
            "others": screen.missed.others,
            "of_others": _interval(screen.missed.of_others),
        },
        "estimates": [list(row) for row in layer_by_head(screen.estimates)],
        "other_estimates": _others(screen.estimates),
    }


def _significance(known: Significance | None) -> dict[str, Any] | None:
    if known is None:
        return None
    return {
        "rate": known.rate,
        "tests": known.tests,
        "decides": known.decides,
        "heads": _heads(known.heads),
        "sites": list(map(str, known.sites)),
        "p": [list(row) for row in layer_by_head(known.p)],
        "other_p": _others(known.p),
        "q": [list(row) for row in layer_by_head(known.q)],
        "other_q": _others(known.q),
    }


def _confirmed(known: Confirmed | None) -> dict[str, Any] | None:
    if known is None:
        return None
    return {
        "n": known.n,
        "scores": {str(site): score for site, score in known.scores.items()},
        "intervals": {str(site): _interval(interval) for site, interval in known.intervals.items()},
        "outcomes": {str(site): list(scores) for site, scores in known.outcomes.items()},
    }


def _race(race: Race) -> dict[str, Any]:
    return {
        "level": race.level,
        "looks": list(race.looks),
        "pairs": race.pairs,
        "of_pairs": race.of_pairs,
        "prompts": _by_name(race.prompts),
        "inside": _by_name(race.inside),
        "outside": _by_name(race.outside),
        "undecided": list(map(str, race.undecided)),
    }


def _by_name(values: Mapping[Site, int]) -> dict[str, int]:
    return {str(site): value for site, value in values.items()}


def _heads(sites: tuple[Site, ...]) -> list[list[int]]:
    """Those that are heads."""
    return [[head.layer, head.head] for head in heads_among(sites)]


def mask_json(mask: Mask) -> dict[str, Any]:
    return {
        "name": mask.name,
        "model": mask.model,
        "group": mask.group,
        "desideratum": mask.desideratum,
        "position": mask.position,
        "over": _heads(mask.over),
        "over_sites": list(map(str, mask.over)),
        "values": list(mask.values),
        "heads": _heads(mask.sites),
        "sites": list(map(str, mask.sites)),
        "step": mask.step,
        "validation": mask.validation,
        "n": mask.n,
        "address": mask.address,
    }


def claim_json(claim: Claim) -> dict[str, Any]:
    return {
        "text": claim.text,
        "expression": claim.expression,
        "value": claim.value,
        "relation": claim.relation,
        "bound": claim.bound,
        "tolerance": claim.tolerance,
        "published": claim.published,
        "passed": claim.passed,
        "n": claim.n,
        "interval": _interval(claim.interval),
        "interval_of_these_draws": _interval(claim.interval_of_these_draws),
        "rests_on": {
            "cells": [{"measure": name, "labels": list(labels)} for name, labels in claim.rests_on.cells],
            "measures": list(claim.rests_on.measures),
            "discoveries": list(claim.rests_on.discoveries),
        },
        **({"certificate": _certificate(claim.certificate)} if claim.certificate else {}),
    }


def _certificate(certificate: Certificate) -> dict[str, Any]:
    return {
        "verdict": certificate.verdict.value,
        "level": certificate.level,
        "of": certificate.of,
        "interval": _interval(certificate.interval),
        "prompts": certificate.prompts,
        "taken": certificate.taken,
        "most": certificate.most,
        "fixed_sample": certificate.fixed_sample,
        "rows": certificate.rows,
    }


def provenance_json(provenance: Provenance) -> dict[str, Any]:
    return {
        "spec": provenance.spec,
        "spec_address": provenance.spec_address,
        "language": provenance.language,
        "entrack": provenance.entrack,
        "models": {name: dict(facts) for name, facts in provenance.models.items()},
        "seed": provenance.seed,
        "params": dict(provenance.params),
        "changed_params": list(provenance.changed_params),
        "steps": provenance.steps,
        "computed": provenance.computed,
        "found": provenance.found,
        "known_zero": provenance.known_zero,
        "screened_out": provenance.screened_out,
        **({"decided": provenance.decided} if provenance.decided else {}),
        "realised": [dict(entry) for entry in provenance.realised],
        "tolerance": provenance.tolerance,
        "accept": provenance.accept,
        "reused": [dict(entry) for entry in provenance.reused],
    }
