"""Certificates: what fresh prompts say of a claim so far, which cells more are wanted of, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from entrack.analysis.confidence_sequences import Bounded, Limits, Observed, decided, fixed_sample, limits
from entrack.analysis.outcomes import Array, NotANumber
from entrack.analysis.run_values import Ran, outcomes_of
from entrack.check.resolved import CellOf, FreshCell, Linear, Part, Resolved
from entrack.check.resolved import Certificate as CertificateSpec
from entrack.frozen import frozen
from entrack.plan.plan import CellPlan, CertificatePlan, Plan
from entrack.results import Certificate, Interval, Verdict

Values = Mapping[CellOf, Array]
"""The values of fresh prompts, in the order in which they were drawn."""


@frozen(eq=False)
class Finding:
    """What some prompts say of a part of a claim: after how many of them it was certain that it `holds`, or that it
    `fails`, whichever was first. `risk` is that of a part that is said to hold, `share` that of one said to fail: a
    claim fails when one of its parts does."""

    part: Part
    observed: Observed
    risk: float
    share: float
    holds: int | None
    fails: int | None

    @property
    def count(self) -> int:
        """How many prompts."""
        return len(self.observed.values.values)

    @property
    def limits(self) -> Limits:
        """Those of the part's number."""
        return limits(self.observed, *((self.share, self.risk) if self.part.below else (self.risk, self.share)))

    @property
    def fixed(self) -> int | None:
        """What a fixed sample would need for the same, or, where neither is certain, for that it holds."""
        claimed, opposite = _directions(self.part, self.observed)
        return fixed_sample(claimed, self.risk) if self.fails is None else fixed_sample(opposite, self.share)


def wanted(resolved: Resolved, plan: Plan, ran: Ran) -> Mapping[int, frozenset[CellOf]]:
    """The cells that one batch more is wanted of, by the number of their claim: those of its parts that do not hold for
    certain, unless it is decided or has had all its prompts. Claims whose prompts have not been run are left out."""
    found = {}
    for spec in resolved.certificates:
        planned = plan.certificates.get(spec.number)
        if planned is not None and has_run(planned, ran):
            found[spec.number] = _still_open(spec, findings(spec, planned, ran))
    return {number: cells for number, cells in found.items() if cells}


def has_run(planned: CertificatePlan, ran: Ran) -> bool:
    """Whether all that is planned of a certificate has values."""
    return all(ran.made(id) for id in planned.evaluations)


def findings(spec: CertificateSpec, planned: CertificatePlan, ran: Ran) -> tuple[Finding, ...]:
    """What is found of each part. Raises NotANumber."""
    values = {one.cell: _values(spec, one, planned.cells[one.cell], ran) for one in spec.cells}
    return tuple(finding(part, spec, values) for part in spec.parts)


def finding(part: Part, spec: CertificateSpec, values: Values) -> Finding:
    """What is found of one part."""
    observed, share = _observed(part, values), spec.risk / len(spec.parts)
    claimed, opposite = _directions(part, observed)
    holds, fails = decided(claimed, spec.risk), decided(opposite, share)
    if holds is not None and fails is not None:
        holds, fails = (holds, None) if holds <= fails else (None, fails)
    return Finding(part, observed, spec.risk, share, holds, fails)


def _directions(part: Part, observed: Observed) -> tuple[Bounded, Bounded]:
    """What has a mean above 0 where a part holds, and where it does not."""
    above, below = observed.above(part.bound), observed.below(part.bound)
    return (below, above) if part.below else (above, below)


def certificate_of(spec: CertificateSpec, plan: Plan, ran: Ran) -> Certificate:
    """What was certified. Raises NotANumber."""
    found = findings(spec, plan.certificates[spec.number], ran)
    verdict = verdict_of(found)
    return Certificate(
        verdict=verdict,
        level=spec.level,
        of=spec.of,
        interval=_interval(spec.ends, found),
        prompts=_decided_after(verdict, found),
        taken=max(one.count for one in found),
        most=spec.most,
        fixed_sample=_fixed(verdict, found),
        rows=spec.rows if verdict is Verdict.UNDECIDED else "",
    )


def verdict_of(found: Sequence[Finding]) -> Verdict:
    """A claim holds when all its parts do, and fails when one does."""
    if any(one.fails is not None for one in found):
        return Verdict.REFUTED
    return Verdict.CERTIFIED if all(one.holds is not None for one in found) else Verdict.UNDECIDED


def _still_open(spec: CertificateSpec, found: Sequence[Finding]) -> frozenset[CellOf]:
    if verdict_of(found) is not Verdict.UNDECIDED:
        return frozenset()
    parts = (one.part for one in found if one.holds is None and one.count < spec.most)
    return frozenset(cell for part in parts for cell in part.cells)


def _interval(ends: str, found: Sequence[Finding]) -> Interval:
    """The limits of the smallest or the largest of some numbers, or of one that has parts on both sides."""
    low, high = {"smallest": (min, min), "largest": (max, max), "within": (max, min)}[ends]
    several = [one.limits for one in found]
    return Interval(low(one.low for one in several), high(one.high for one in several))


def _decided_after(verdict: Verdict, found: Sequence[Finding]) -> int:
    """After how many prompts the verdict was certain; where there is none, how many there were."""
    match verdict:
        case Verdict.CERTIFIED:
            return max(one.holds for one in found if one.holds is not None)
        case Verdict.REFUTED:
            return min(one.fails for one in found if one.fails is not None)
        case Verdict.UNDECIDED:
            return max(one.count for one in found)


def _fixed(verdict: Verdict, found: Sequence[Finding]) -> int | None:
    """What a fixed sample would need: for all parts, or for one that fails."""
    of_those = [one for one in found if one.fails is not None] if verdict is Verdict.REFUTED else found
    several = [one.fixed for one in of_those]
    known = [many for many in several if many is not None]
    if len(known) < len(several):
        return None
    return min(known) if verdict is Verdict.REFUTED else max(known)


# --- values ------------------------------------------------------------------------------------------------------


def _values(spec: CertificateSpec, one: FreshCell, batches: Sequence[CellPlan], ran: Ran) -> Array:
    """Of each fresh prompt; where there are several draws, the mean over the prompts of its number."""
    values = np.concatenate([_of_batch(one, batch, ran) for batch in batches])
    if not np.isfinite(values).all():
        raise NotANumber(f"{spec.name} has a fresh prompt whose {one.metric.name} is not a number")
    return values


def _of_batch(one: FreshCell, batch: CellPlan, ran: Ran) -> Array:
    draws = [outcomes_of(one.metric.kind, run, ran, one.metric.top, batch.site) for run in batch.runs]
    return np.asarray(np.mean(draws, axis=0))


def _observed(part: Part, values: Values) -> Observed:
    """As many values as all its cells have: the first of one goes with the first of each other, and so on."""
    count = min(len(values[cell]) for cell in part.cells)
    over = _sum(part.over, values, count) if part.over.terms else None
    return Observed(_sum(part.number, values, count), over)


def _sum(sum_of: Linear, values: Values, count: int) -> Bounded:
    each = sum((factor * values[cell][:count] for factor, cell in sum_of.terms), np.full(count, sum_of.constant))
    return Bounded(each, sum_of.least, sum_of.most)
