"""Sources of acts become the values that edits set: zero, a mean, or what is captured in a run on other prompts or of
another model, prompt by prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Never, assert_never

from attrs import frozen

from entrack.check.resolved import Alternate, Group, Population
from entrack.check.sources import FromAlternate, FromModel, MeanOver, SampleOf, Source, Zero
from entrack.diagnostics import Diagnostic, Label
from entrack.plan.builder import batch_of, batches
from entrack.plan.lower.context import Lowering, Unmakeable
from entrack.plan.lower.measured import Measured, Places, at_of, drawn, measured_prompts
from entrack.plan.steps import Capture, FromCapture, FromMean, FromZero, SumOutputs
from entrack.plan.steps import Source as Values
from entrack.prompts.tokenise import Prompt
from entrack.sites import SHARED, Part
from entrack.source import Span

SHOWN = 60
"""Characters of a prompt in a message."""


@frozen
class Donor:
    """A run that values are taken from: a model on one prompt for each that is measured. `name` is its name in a
    plan."""

    model: str
    prompts: tuple[Prompt, ...]
    name: str


Given = Donor | Zero | MeanOver
"""Where an act takes values from, once prompts are drawn: a run, or what is the same for all prompts."""


def given_by(source: Source, on: Measured, lowering: Lowering) -> Given:
    """Where a source takes values from, for all prompts that are measured. Raises Unmakeable."""
    match source:
        case SampleOf(of):
            return Donor(on.model, _sampled(of, on, lowering), f"sample of {of.label}")
        case FromAlternate(alternate):
            return Donor(on.model, _alternates(alternate, on, lowering), "alternates")
        case FromModel(model):
            return Donor(model, on.prompts, model)
        case Zero() | MeanOver():
            return source
        case _:
            assert_never(source)


def values_at(
    given: Given, group: Group, part: Part, on: Measured, places: Places, span: Span, lowering: Lowering
) -> Values:
    """What a part of the heads of a group takes at their position, in one batch."""
    if not isinstance(given, Donor):
        return _alike(given, on, places, span, lowering)
    heads = lowering.heads(group, on.model, on.draw)
    at = None if part in SHARED else at_of(group.position, given.prompts, places)
    capture = Capture(lowering.keys[given.model], batch_of(given.prompts, places), at, heads, part)
    of = "" if part is Part.OUTPUT else f"{part.value} of "
    return FromCapture(lowering.nodes.ref(capture, f"{on.name}: {of}{given.name} at {group.position}"))


def values_everywhere(given: Given, on: Measured, places: Places, span: Span, lowering: Lowering) -> Values:
    """What all heads take at every token, in one batch."""
    if not isinstance(given, Donor):
        return _alike(given, on, places, span, lowering)
    _token_by_token(given, on, places, span, lowering)
    capture = Capture(lowering.keys[given.model], batch_of(given.prompts, places), None)
    return FromCapture(lowering.nodes.ref(capture, f"{on.name}: {given.name} at every token"))


def _alike(given: Zero | MeanOver, on: Measured, places: Places, span: Span, lowering: Lowering) -> Values:
    """What is the same for all prompts, and for all targets."""
    match given:
        case Zero():
            return FromZero()
        case MeanOver(over):
            return mean_of(over, on, places, span, lowering)
        case _:
            assert_never(given)


def mean_of(over: Population, on: Measured, places: Places, span: Span, lowering: Lowering) -> FromMean:
    """The mean of head outputs over a population: as many prompts as are measured, where the spec does not say how
    many."""
    tokenised = lowering.prompts(over, on.model, over.count or on.population.count)
    known = lowering.means.get((on.model, id(tokenised)))
    if known is None:
        prompts, key = measured_prompts(over, tokenised.pairs), lowering.keys[on.model]
        sums = (
            lowering.nodes.ref(SumOutputs(key, batch_of(prompts, many)), f"mean over {over.label}")
            for many in batches(prompts)
        )
        known = lowering.means[on.model, id(tokenised)] = prompts, tuple(sums)
    else:
        lowering.nodes.again(len(known[1]))
    prompts, refs = known
    _one_length(prompts, on, places, span, lowering)
    return FromMean(refs)


# --- prompts -----------------------------------------------------------------------------------------------------


def _sampled(of: Population, on: Measured, lowering: Lowering) -> tuple[Prompt, ...]:
    """A partner for each measured prompt: that with its number, modulo how many there are. Another draw has others."""
    pairs = lowering.prompts(drawn(of, on.draw), on.model, of.count or on.population.count).pairs
    prompts = measured_prompts(of, pairs)
    return tuple(prompts[place % len(prompts)] for place in range(len(on.prompts)))


def _alternates(alternate: Alternate | None, on: Measured, lowering: Lowering) -> tuple[Prompt, ...]:
    pairs = lowering.paired(on.population, alternate, on.model).pairs
    return tuple(pair.alternate for pair in pairs if pair.alternate is not None)


def _one_length(prompts: Sequence[Prompt], on: Measured, places: Places, span: Span, lowering: Lowering) -> None:
    """A mean at each token makes sense when the prompts of the mean and those that take it have one length."""
    everything = (*prompts, *(on.prompts[place] for place in places))
    length = len(everything[0].token_ids)
    other = next((prompt for prompt in everything if len(prompt.token_ids) != length), None)
    if other is not None:
        label = f"{length} tokens in most, but {len(other.token_ids)} in {_short(other.text)!r}"
        _unlike("a mean at each token needs prompts of one token length", label, on, span, lowering)


def _token_by_token(donor: Donor, on: Measured, places: Places, span: Span, lowering: Lowering) -> None:
    """What is taken at each token is there when a prompt and the one that it takes from have one length."""
    pairs = ((on.prompts[place], donor.prompts[place]) for place in places)
    unlike = next((pair for pair in pairs if len(pair[0].token_ids) != len(pair[1].token_ids)), None)
    if unlike is not None:
        taker, giver = unlike
        label = f"from {_counted(giver)} to {_counted(taker)}"
        _unlike("values at each token need prompts of one token length", label, on, span, lowering)


def _unlike(message: str, label: str, on: Measured, span: Span, lowering: Lowering) -> Never:
    """Raises Unmakeable."""
    lowering.problems.append(
        Diagnostic(
            "E640",
            message,
            span,
            label,
            "let all values of a variable have as many tokens, or use `zero`",
            (Label(on.population.span, "measured on these"),),
        )
    )
    raise Unmakeable(on.name)


def _counted(prompt: Prompt) -> str:
    return f"{len(prompt.token_ids)} tokens in {_short(prompt.text)!r}"


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
