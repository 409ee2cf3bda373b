"""Sources of acts become the values that edits set: zero, a mean, or what is captured in a run on other prompts or of
another model, prompt by prompt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Never, assert_never

from attrs import evolve

from entrack.check.resolved import Alternate, Population, Where
from entrack.check.sources import FromAlternate, FromClean, FromModel, FromOriginal, MeanOver, SampleOf, Source, Zero
from entrack.diagnostics import Diagnostic, Label
from entrack.frozen import frozen
from entrack.model_config import ModelFacts
from entrack.plan.builder import batch_of, batches
from entrack.plan.lower.context import Lowering, Unmakeable
from entrack.plan.lower.measured import Measured, Places, at_of, drawn, span_lengths
from entrack.plan.steps import At, Capture, FromCapture, FromMean, FromZero, SumOutputs
from entrack.plan.steps import Source as Values
from entrack.prompts.tokenise import Prompt, measured_prompts
from entrack.sites import SHARED, Part, Site
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


@frozen
class Aim:
    """Sites of one part, which an act is about, at the tokens of a position in the prompts of a batch."""

    position: Where
    part: Part
    at: At


Given = Donor | Zero | MeanOver
"""Where an act takes values from, once prompts are drawn: a run, or what is the same for all prompts."""


def given_by(source: Source, on: Measured, lowering: Lowering) -> Given:
    """Where a source takes values from, for all prompts that are measured. Raises Unmakeable."""
    match source:
        case SampleOf(of):
            return Donor(on.model, on.beside(_sampled(of, on, lowering)), f"sample of {of.label}")
        case FromAlternate(alternate):
            return Donor(on.model, on.beside(_alternates(alternate, on, lowering)), "alternates")
        case FromOriginal():
            pairs = lowering.prompts(on.population, on.model).pairs
            return Donor(on.model, on.beside(tuple(pair.original for pair in pairs)), "originals")
        case FromClean():
            return Donor(on.model, on.prompts, "clean runs")
        case FromModel(model):
            return Donor(model, on.prompts, model)
        case Zero() | MeanOver():
            return source
        case _:
            assert_never(source)


def values_at(given: Given, aim: Aim, on: Measured, places: Places, span: Span, lowering: Lowering) -> Values:
    """What sites of one part take at a position, in one batch."""
    if not isinstance(given, Donor):
        return _alike(given, aim.part, on, places, span, lowering, followed=aim.position is None)
    if not isinstance(aim.position, str):
        _token_by_token(given, on, places, span, lowering)
    _span_by_span(given, aim, on, places, span, lowering)
    everywhere = aim.at.reads is not None and aim.part in SHARED
    at = None if everywhere else at_of(aim.position, given.prompts, places)
    capture = Capture(lowering.keys[given.model], batch_of(given.prompts, places), at, aim.at.sites, aim.part)
    of = "" if aim.part is Part.OUTPUT else f"{aim.part.value} of "
    return FromCapture(lowering.nodes.ref(capture, f"{on.name}: {of}{given.name} at {_said(aim.position)}"))


def values_everywhere(given: Given, part: Part, on: Measured, places: Places, span: Span, lowering: Lowering) -> Values:
    """What all sites of a part take at every token, in one batch."""
    if not isinstance(given, Donor):
        return _alike(given, part, on, places, span, lowering, followed=True)
    _token_by_token(given, on, places, span, lowering)
    capture = Capture(lowering.keys[given.model], batch_of(given.prompts, places), None, part=part)
    of = "" if part is Part.OUTPUT else f"{part.value} of "
    return FromCapture(lowering.nodes.ref(capture, f"{on.name}: {of}{given.name} at every token"))


def by_part(sites: Iterable[Site], facts: ModelFacts) -> Iterator[tuple[Part, tuple[Site, ...]]]:
    """Sites as steps name them, part by part: one edit is of one part, and of whole layers or of what is in them."""
    known = dict.fromkeys(facts.canonical(site) for site in sites)
    kinds = dict.fromkeys((site.part, site.index is None) for site in known)
    for part, whole in kinds:
        yield part, tuple(site for site in known if (site.part, site.index is None) == (part, whole))


def _alike(
    given: Zero | MeanOver,
    part: Part,
    on: Measured,
    places: Places,
    span: Span,
    lowering: Lowering,
    *,
    followed: bool,
) -> Values:
    """What is the same for all prompts, and for all sites of a part. `followed`: at the tokens of the word that follows
    the prompts too."""
    match given:
        case Zero():
            return FromZero()
        case MeanOver(over):
            word = on.prompts[places[0]].follows if followed else ()
            return mean_of(over, on, places, span, lowering, part, word)
        case _:
            assert_never(given)


def mean_of(
    over: Population,
    on: Measured,
    places: Places,
    span: Span,
    lowering: Lowering,
    part: Part = Part.OUTPUT,
    word: tuple[int, ...] = (),
) -> FromMean:
    """The mean of a part over a population: as many prompts as are measured, where the spec does not say how many, each
    followed by the tokens of a `word`."""
    tokenised = lowering.prompts(on.like(over), on.model, over.count or on.population.count)
    known = lowering.means.get((on.model, id(tokenised), part, word))
    if known is None:
        key = lowering.keys[on.model]
        prompts = tuple(prompt.followed_by(word) for prompt in measured_prompts(over, tokenised.pairs))
        sums = (
            lowering.nodes.ref(SumOutputs(key, batch_of(prompts, many), part), f"mean over {over.label}")
            for many in batches(prompts)
        )
        lengths = frozenset(prompt.length for prompt in prompts)
        known = lowering.means[on.model, id(tokenised), part, word] = prompts, lengths, tuple(sums)
    else:
        lowering.nodes.again(len(known[2]))
    prompts, lengths, refs = known
    if len(lengths.union([on.prompts[place].length for place in places])) > 1:
        _unlike_length(prompts, on, places, span, lowering)
    return FromMean(refs)


# --- prompts -----------------------------------------------------------------------------------------------------


def _sampled(of: Population, on: Measured, lowering: Lowering) -> tuple[Prompt, ...]:
    """A partner for each measured prompt: that with its number, modulo how many there are. Another draw has others."""
    like = evolve(on.like(drawn(of, on.draw)), window=on.population.window)
    pairs = lowering.prompts(like, on.model, of.count or on.population.count).pairs
    prompts = measured_prompts(of, pairs)
    return tuple(prompts[place % len(prompts)] for place in range(on.count))


def _alternates(alternate: Alternate | None, on: Measured, lowering: Lowering) -> tuple[Prompt, ...]:
    pairs = lowering.paired(on.population, alternate, on.model).pairs
    return tuple(pair.alternate for pair in pairs if pair.alternate is not None)


def _unlike_length(prompts: Sequence[Prompt], on: Measured, places: Places, span: Span, lowering: Lowering) -> None:
    """A mean at each token makes sense when the prompts of the mean and those that take it have one length."""
    first, *others = (*prompts, *(on.prompts[place] for place in places))
    other = next(prompt for prompt in others if prompt.length != first.length)
    label = f"{first.length} tokens in most, but {other.length} in {_short(other.text)!r}"
    _unlike("a mean at each token needs prompts of one token length", label, on, span, lowering)


def _token_by_token(donor: Donor, on: Measured, places: Places, span: Span, lowering: Lowering) -> None:
    """What is taken at each token is there when a prompt and the one that it takes from have one length."""
    pairs = ((on.prompts[place], donor.prompts[place]) for place in places)
    unlike = next((pair for pair in pairs if pair[0].length != pair[1].length), None)
    if unlike is not None:
        taker, giver = unlike
        label = f"from {_counted(giver)} to {_counted(taker)}"
        _unlike("values at each token need prompts of one token length", label, on, span, lowering)


def _span_by_span(donor: Donor, aim: Aim, on: Measured, places: Places, span: Span, lowering: Lowering) -> None:
    """What is taken in a span is there when it has as many tokens in the prompt that it is taken from."""
    taken, given = span_lengths(aim.position, on.prompts), span_lengths(aim.position, donor.prompts)
    if taken is None or given is None:
        return
    place = next((place for place in places if taken[place] != given[place]), None)
    if place is not None:
        label = f"{given[place]} tokens in {_short(donor.prompts[place].text)!r}, "
        label += f"{taken[place]} in {_short(on.prompts[place].text)!r}"
        message = f"the span `{aim.position}` needs as many tokens where values are taken from"
        help = "let all values of the variable have as many tokens, or name one token of it"
        _unlike(message, label, on, span, lowering, code="E641", help=help)


def no_such_token(token: int, shortest: Prompt, longest: Prompt, on: Measured, span: Span, lowering: Lowering) -> Never:
    """Raises Unmakeable."""
    if shortest.length != longest.length:
        label = f"{_counted(shortest)}, {_counted(longest)}"
        message = "tokens that are named by their numbers need prompts of one length"
        help = "let all values of a variable have as many tokens, or loop over positions"
    else:
        label, help = f"the prompts have {shortest.length}, counted from 0", "loop over fewer, or `in tokens`"
        message = f"there is no token {token}"
    _unlike(message, label, on, span, lowering, code="E642", help=help)


def _said(position: Where) -> str:
    return "every token" if position is None else "a token" if isinstance(position, int) else position


def _unlike(
    message: str,
    label: str,
    on: Measured,
    span: Span,
    lowering: Lowering,
    *,
    code: str = "E640",
    help: str = "let all values of a variable have as many tokens, or use `zero`",
) -> Never:
    """Raises Unmakeable."""
    lowering.problems.append(
        Diagnostic(
            code,
            message,
            span,
            label,
            help,
            (Label(on.population.span, "measured on these"),),
        )
    )
    raise Unmakeable(on.name)


def _counted(prompt: Prompt) -> str:
    return f"{prompt.length} tokens in {_short(prompt.text)!r}"


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
