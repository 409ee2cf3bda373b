"""A checked spec and its models' files in, a plan and what is wrong with its prompts out. No weight is read; files
are hashed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from attrs import define, field

from entrack import interrupts
from entrack.budget import Spent, within, work_on
from entrack.check.resolved import CellOf, Resolved
from entrack.diagnostics import Diagnostic
from entrack.diagnostics.over_budget import told
from entrack.kept import NOT_KEPT, Kept
from entrack.models.key import ModelKey, ModelSource
from entrack.plan.builder import Nodes
from entrack.plan.lower.certificate import lower_certificate, one_batch_more
from entrack.plan.lower.confirm import lower_confirmed
from entrack.plan.lower.context import Deferred, Known, Lowering, Nothing, Unmakeable
from entrack.plan.lower.examination import lower_examination
from entrack.plan.lower.mask import lower_mask
from entrack.plan.lower.measure import lower_measure
from entrack.plan.plan import CertificatePlan, Plan
from entrack.prompts.tokenizer import Tokenizer
from entrack.prompts.values import CannotDraw
from entrack.source import NOWHERE, Span


class Construct(Protocol):
    """What every construct of a checked spec has."""

    @property
    def name(self) -> str: ...
    @property
    def span(self) -> Span: ...


More = Mapping[int, Collection[CellOf]]
"""Cells of certified claims, by the numbers of these."""
NO_MORE: More = {}
Given = TypeVar("Given", bound=Construct)
Made = TypeVar("Made")


@define
class Lowerer:
    """Lowers one spec, as often as more becomes known. Prompts are drawn once, and what was lowered stays."""

    resolved: Resolved
    keys: Mapping[str, ModelKey]
    sources: Mapping[str, ModelSource]
    tokenizers: Mapping[str, Tokenizer]
    nodes: Callable[[], Nodes] = Nodes
    kept: Kept = NOT_KEPT
    """Where prompts are kept."""
    _lowering: Lowering | None = field(default=None, init=False)
    _made: dict[str, dict[str, Any]] = field(factory=dict, init=False)
    _certificates: dict[int, CertificatePlan] = field(factory=dict, init=False)

    def lower(self, known: Known | None = None, more: More = NO_MORE) -> tuple[Plan, tuple[Diagnostic, ...]]:
        """The plan, as far as it is known. It may only be run when there is no error among the problems. `more` are the
        cells of certified claims that one batch more is wanted of."""
        lowering = self._lowering or Lowering(
            self.resolved, self.keys, self.sources, self.tokenizers, Nothing(), kept=self.kept, nodes=self.nodes()
        )
        self._lowering, lowering.known = lowering, known or Nothing()
        deferred: list[str] = []
        with within(planning=True):
            try:
                self._all(lowering, deferred)
                self._more(lowering, more)
            except Spent as spent:
                lowering.problems.append(told(spent, NOWHERE))
        discoveries, masks, cells, examinations = (
            self._in_order(kind) for kind in ("discoveries", "masks", "measures", "examinations")
        )
        plan = Plan(
            nodes=dict(lowering.nodes.nodes),
            what=dict(lowering.nodes.what),
            discoveries=tuple(discoveries.values()),
            cells=cells,
            masks=tuple(trained for mask in masks.values() for trained in mask),
            examinations=tuple(examinations.values()),
            deferred=tuple(deferred),
            models=dict(self.keys),
            sources={self.keys[name]: source for name, source in self.sources.items()},
            asked=lowering.nodes.asked,
            certificates=dict(self._certificates),
        )
        return plan, tuple(lowering.problems)

    def _all(self, lowering: Lowering, deferred: list[str]) -> None:
        """Lower what can be lowered; what builds on discoveries only when all of them are. Raises Spent."""
        self._each("discoveries", self.resolved.discoveries, lower_confirmed, lowering, deferred)
        if len(self._made["discoveries"]) == len(self.resolved.discoveries):
            self._each("masks", self.resolved.masks, lower_mask, lowering, deferred)
            self._each("measures", self.resolved.measures, lower_measure, lowering, deferred)
            self._each("examinations", self.resolved.examinations, lower_examination, lowering, deferred)
            self._first_batches(lowering, deferred)

    def _first_batches(self, lowering: Lowering, deferred: list[str]) -> None:
        """Lower the first batch of each certified claim that has none; the names of those that must wait go to
        `deferred`."""
        for certificate in self.resolved.certificates:
            if certificate.number not in self._certificates:
                with self._attempt(certificate, lowering, deferred):
                    self._certificates[certificate.number] = lower_certificate(certificate, lowering)

    def _more(self, lowering: Lowering, more: More) -> None:
        """Lower one batch more of the cells of certified claims that it is wanted of."""
        for certificate in self.resolved.certificates:
            wanted = more.get(certificate.number)
            if wanted:
                with self._attempt(certificate, lowering, []):
                    plan = self._certificates[certificate.number]
                    self._certificates[certificate.number] = one_batch_more(certificate, plan, wanted, lowering)

    def _in_order(self, kind: str) -> dict[str, Any]:
        """What has been made of a kind, in the order of the spec."""
        made = self._made.get(kind, {})
        return {item.name: made[item.name] for item in getattr(self.resolved, kind) if item.name in made}

    def _each(
        self,
        kind: str,
        given: tuple[Given, ...],
        one: Callable[[Given, Lowering], Made],
        lowering: Lowering,
        deferred: list[str],
    ) -> None:
        """Lower each construct of a kind that has not been; the names of those that must wait go to `deferred`."""
        made: dict[str, Made] = self._made.setdefault(kind, {})
        for item in given:
            if item.name not in made:
                with self._attempt(item, lowering, deferred):
                    made[item.name] = one(item, lowering)

    @contextmanager
    def _attempt(self, item: Construct, lowering: Lowering, deferred: list[str]) -> Iterator[None]:
        """Lower a construct: the name of one that must wait goes to `deferred`, what is wrong to the problems."""
        interrupts.check()
        work_on(item.span)
        try:
            yield
        except Deferred:
            deferred.append(item.name)
        except Unmakeable:
            pass
        except CannotDraw as trouble:
            lowering.problems.append(Diagnostic(trouble.code, trouble.message, item.span, trouble.label, trouble.help))
