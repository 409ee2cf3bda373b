"""A checked spec and its models' files in, a plan and what is wrong with its prompts out. No weight is read; files are hashed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from attrs import define, field

from entrack.check.resolved import Resolved
from entrack.diagnostics import Diagnostic
from entrack.models.model import ModelKey, ModelSource
from entrack.plan.build import Nodes
from entrack.plan.lower.context import Deferred, Known, Lowering, Nothing, Unmakeable
from entrack.plan.lower.discovery import lower_discovery
from entrack.plan.lower.examination import lower_examination
from entrack.plan.lower.mask import lower_mask
from entrack.plan.lower.measure import lower_measure
from entrack.plan.plan import Plan
from entrack.prompts.realise import Realised
from entrack.prompts.tokens import Tokenizer
from entrack.prompts.values import CannotDraw

Given = TypeVar("Given")
Made = TypeVar("Made")


@define
class Lowerer:
    """Lowers one spec, as often as more becomes known. Prompts are drawn once."""

    resolved: Resolved
    keys: Mapping[str, ModelKey]
    sources: Mapping[str, ModelSource]
    tokenizers: Mapping[str, Tokenizer]
    nodes: Callable[[], Nodes] = Nodes
    _drawn: dict[object, Realised | None] = field(factory=dict)

    def lower(self, known: Known | None = None) -> tuple[Plan, tuple[Diagnostic, ...]]:
        """The plan, as far as it is known. It may only be run when there is no error among the problems."""
        lowering = Lowering(self.resolved, self.keys, self.sources, self.tokenizers, known or Nothing(), self._drawn, self.nodes())
        deferred: list[str] = []
        discoveries = _each(self.resolved.discoveries, lower_discovery, lowering, deferred)
        whole = len(discoveries) == len(self.resolved.discoveries)
        masks = _each(self.resolved.masks, lower_mask, lowering, deferred) if whole else {}
        cells = _each(self.resolved.measures, lower_measure, lowering, deferred) if whole else {}
        examinations = _each(self.resolved.examinations, lower_examination, lowering, deferred) if whole else {}
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
        )
        return plan, tuple(lowering.problems)


def _each(given: tuple[Given, ...], one: Callable[[Given, Lowering], Made], lowering: Lowering, deferred: list[str]) -> dict[str, Made]:
    """Lower each construct of a kind; the names of those that must wait go to `deferred`."""
    made: dict[str, Made] = {}
    for item in given:
        name: str = item.name  # type: ignore[attr-defined]  # every construct has a name
        try:
            made[name] = one(item, lowering)
        except Deferred:
            deferred.append(name)
        except Unmakeable:
            continue
        except CannotDraw as trouble:
            lowering.problems.append(Diagnostic(trouble.code, trouble.message, item.span, trouble.label, trouble.help))  # type: ignore[attr-defined]  # and a span
    return made
