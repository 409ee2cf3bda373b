"""A checked spec and its models' files in, a plan and what is wrong with its prompts out. No weight is read; files are hashed."""

from __future__ import annotations

from collections.abc import Mapping

from entrack.check.resolved import Resolved
from entrack.diagnostics import Diagnostic
from entrack.models.model import ModelKey, ModelSource
from entrack.plan.lower.context import Lowering
from entrack.plan.lower.discovery import lower_discovery
from entrack.plan.lower.measure import lower_measure
from entrack.plan.plan import Plan
from entrack.prompts.tokens import Tokenizer


def lower(
    resolved: Resolved, keys: Mapping[str, ModelKey], sources: Mapping[str, ModelSource], tokenizers: Mapping[str, Tokenizer]
) -> tuple[Plan, tuple[Diagnostic, ...]]:
    """The plan of a spec. It may only be run when there is no error among the problems."""
    lowering = Lowering(resolved, keys, sources, tokenizers)
    discoveries = [lower_discovery(discovery, lowering) for discovery in resolved.discoveries]
    missing = {given.name for given, made in zip(resolved.discoveries, discoveries, strict=True) if made is None}
    cells = {measure.name: lower_measure(measure, lowering) for measure in resolved.measures if not missing}
    plan = Plan(
        nodes=dict(lowering.nodes.nodes),
        what=dict(lowering.nodes.what),
        discoveries=tuple(made for made in discoveries if made is not None),
        cells=cells,
        models=dict(keys),
        sources={keys[name]: source for name, source in sources.items()},
    )
    return plan, tuple(lowering.problems)
