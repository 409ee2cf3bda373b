"""Rules for the shapes of models: heads of one are named in another only when both have the same layers and heads."""

from __future__ import annotations

from entrack.check.resolved import Model
from entrack.check.scope import Scope
from entrack.model_config import ModelFacts
from entrack.source import Span


def same_shape(
    scope: Scope, model: Model | None, other: Model | None, span: Span, what: str, *, whole: bool = False
) -> bool:
    """Whether `what` of one model can be named in another; so too while either is not on this machine. `whole`: it is
    more than heads."""
    if (
        model is None
        or other is None
        or model.facts is None
        or other.facts is None
        or _shape(model.facts, whole=whole) == _shape(other.facts, whole=whole)
    ):
        return True
    scope.report(
        "E620",
        f"{what} belongs to a model of another shape",
        span,
        f"`{other.name}` has {_said(other.facts, whole=whole)}, `{model.name}` has {_said(model.facts, whole=whole)}",
        f"find or write these {'sites' if whole else 'heads'} in `{model.name}`",
    )
    return False


def _shape(facts: ModelFacts, *, whole: bool) -> tuple[int, ...]:
    more = (facts.d_model, facts.d_mlp) if whole else ()
    return facts.layers, facts.heads, facts.d_head, *more


def _said(facts: ModelFacts, *, whole: bool) -> str:
    more = f", width {facts.d_model}, {facts.d_mlp} neurons" if whole else ""
    return f"{facts.layers} layers x {facts.heads} heads{more}"
