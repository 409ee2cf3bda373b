"""Rules for the shapes of models: heads of one are named in another only when both have the same layers and heads."""

from __future__ import annotations

from entrack.check.resolved import Model
from entrack.check.scope import Scope
from entrack.model_config import ModelFacts
from entrack.source import Span


def same_shape(scope: Scope, model: Model | None, other: Model | None, span: Span, what: str) -> bool:
    """Whether `what` of one model can be named in another; so too while either is not on this machine."""
    if (
        model is None
        or other is None
        or model.facts is None
        or other.facts is None
        or _shape(model.facts) == _shape(other.facts)
    ):
        return True
    scope.report(
        "E620",
        f"{what} belongs to a model of another shape",
        span,
        f"`{other.name}` has {_said(other.facts)}, `{model.name}` has {_said(model.facts)}",
        f"find or write these heads in `{model.name}`",
    )
    return False


def _shape(facts: ModelFacts) -> tuple[int, int, int]:
    return facts.layers, facts.heads, facts.d_head


def _said(facts: ModelFacts) -> str:
    return f"{facts.layers} layers x {facts.heads} heads"
