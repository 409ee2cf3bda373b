"""A certified claim becomes its cells on fresh prompts, batch by batch: the first at once, each other when the ones
before it have not decided the claim."""

from __future__ import annotations

from collections.abc import Collection

from attrs import evolve

from entrack.check.resolved import CellOf, Certificate, FreshCell
from entrack.plan.lower.context import Lowering
from entrack.plan.lower.measure import run_of
from entrack.plan.plan import BATCH, CellPlan, CertificatePlan


def lower_certificate(certificate: Certificate, lowering: Lowering) -> CertificatePlan:
    """The steps of the first batch. Raises Deferred and Unmakeable."""
    cells = {one.cell: (_batch(certificate, one, 0, lowering),) for one in certificate.cells}
    return CertificatePlan(certificate.name, certificate.most, cells)


def one_batch_more(
    certificate: Certificate, plan: CertificatePlan, wanted: Collection[CellOf], lowering: Lowering
) -> CertificatePlan:
    """With one batch more of the cells that are wanted. Raises Unmakeable."""
    cells = dict(plan.cells)
    for one in certificate.cells:
        if one.cell in wanted:
            cells[one.cell] = (*cells[one.cell], _batch(certificate, one, len(cells[one.cell]), lowering))
    return evolve(plan, cells=cells)


def _batch(certificate: Certificate, one: FreshCell, number: int, lowering: Lowering) -> CellPlan:
    window = number * BATCH, min((number + 1) * BATCH, certificate.most)
    spec = evolve(one.spec, population=evolve(one.spec.population, window=window))
    runs = (run_of(certificate.name, one.metric, spec, draw, lowering) for draw in range(spec.draws))
    return CellPlan(spec.labels, tuple(runs), site=spec.site)
