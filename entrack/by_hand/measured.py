"""A spec's measure of logits that somebody else computed: the numbers that entrack would have of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from entrack.analysis.run_values import of_batch
from entrack.arguments import shown
from entrack.by_hand.prompts import PromptsInHand
from entrack.check.resolved import Measure, Metric
from entrack.compile import CheckedSpec, SpecError
from entrack.diagnostics import Diagnostic
from entrack.errors import ArgumentError, ArgumentTypeError
from entrack.plan.lower.asked import ADDED_UP, asked_of, rows, statistics_of
from entrack.plan.lower.context import Lowering, Unmakeable
from entrack.plan.lower.measure import asked_words
from entrack.plan.plan import Asked
from entrack.prompts.values import CannotDraw

if TYPE_CHECKING:
    from torch import Tensor

PerPrompt = NDArray[np.float64]


def measured_of(
    spec: CheckedSpec,
    measure: Measure,
    given: Mapping[str, Tensor],
    prompts: PromptsInHand,
    model: str,
    lowering: Lowering,
) -> PerPrompt:
    """A measure's metric, prompt by prompt, of `given` logits at the last token (prompt, vocabulary): `logits` of the
    intervention, and, where the metric needs them, of the `clean` and the `corrupted` run. Raises ArgumentError."""
    _of_logits(measure)
    metric, vocabulary = measure.metric, lowering.keys[model].facts.vocabulary
    wanted = _wanted(metric)
    for name in given.keys() - wanted:
        raise ArgumentError(f"{measure.name} needs no {name} logits")
    held = {name: _held(given.get(name), name, len(prompts), vocabulary) for name in wanted}
    asked = _asked(spec, metric, prompts, model, lowering)
    if metric.recovery is None:
        return _numbers(metric, asked, held["logits"], held.get("clean"))
    edited, clean, corrupted = (_numbers(metric, asked, held[name], None) for name in wanted)
    return np.asarray((edited - corrupted) / (clean - corrupted).mean())


def _of_logits(measure: Measure) -> None:
    """Raises ArgumentError for a measure of more than the logits at the last token."""
    metric = measure.metric
    if metric.at or metric.whole:
        what = "all tokens of whole words" if metric.whole else f"what stands at {', '.join(metric.at)}"
        raise ArgumentError(f"{measure.name} is of {what}, and not of the logits at the last token")


def _wanted(metric: Metric) -> tuple[str, ...]:
    """The runs whose logits a metric is of."""
    if metric.recovery is not None:
        return "logits", "clean", "corrupted"
    return ("logits", "clean") if metric.kind == "KL from clean" else ("logits",)


def _held(logits: Tensor | None, name: str, prompts: int, vocabulary: int) -> Tensor:
    """Logits of a run. Raises ArgumentError."""
    if logits is None and name != "logits":
        raise ArgumentError(f"this measure needs the {name} logits too: {name}=")
    shape = getattr(logits, "shape", None)
    if logits is None or shape is None or not hasattr(logits, "log_softmax"):
        raise ArgumentTypeError(f"{name} is a tensor of torch; this is {shown(logits)}")
    if tuple(shape) != (prompts, vocabulary):
        raise ArgumentError(
            f"{name} has the shape {tuple(shape)}; the logits at the last token of {prompts} prompts have "
            f"({prompts}, {vocabulary})"
        )
    return logits


def _asked(spec: CheckedSpec, metric: Metric, prompts: PromptsInHand, model: str, lowering: Lowering) -> Asked:
    """The tokens that each word of each prompt is told by. Raises SpecError where there are none."""
    told = prompts if metric.recovery is None else prompts.original
    of, before = asked_words(metric, told.population), len(lowering.problems)
    try:
        return asked_of(told.population, told.prompts, of, model, lowering, apart=metric.kind in ADDED_UP)
    except Unmakeable:
        raise SpecError(tuple(lowering.problems[before:]), spec.sources) from None
    except CannotDraw as trouble:
        problem = Diagnostic(trouble.code, trouble.message, told.population.span, trouble.label, trouble.help)
        raise SpecError((problem,), spec.sources) from None


def _numbers(metric: Metric, asked: Asked, logits: Tensor, clean: Tensor | None) -> PerPrompt:
    from entrack.engine.outcomes import Outcomes  # loads torch

    tokens = logits.new_tensor(rows(asked, range(len(asked)))).long()
    outcome = Outcomes.of(logits.detach(), tokens, statistics_of(metric), clean).arrays()
    return of_batch(metric.kind, outcome, asked, metric.top)
