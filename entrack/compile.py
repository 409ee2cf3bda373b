"""Compiling: a checked spec, the models' files and their tokenizers -> a plan; and how it stands against a store.

Here problems of prompts and tokenizers become exceptions. Nothing reads a weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, field

from entrack.address import address
from entrack.budget import Spent, so_far, times_over, within
from entrack.check.certificates import CERTIFY
from entrack.check.check import Checked
from entrack.check.evidence import CONFIRM
from entrack.check.resolved import AddAct, MeanOf, Model, Population, ProjectAct, Resolved, SetAct
from entrack.check.sources import DRAWN_FOR, FromModel
from entrack.diagnostics import Diagnostic, errors
from entrack.diagnostics.over_budget import told
from entrack.errors import EntrackError
from entrack.frozen import frozen
from entrack.kept import NOT_KEPT, Kept
from entrack.models.fetch import fetch
from entrack.models.key import ModelKey, ModelSource
from entrack.models.locate import ModelMissing, is_builtin, key_of, locate, tokenizer_file
from entrack.source import Source, Span
from entrack.syntax.content import content
from entrack.syntax.parse import parse

if TYPE_CHECKING:
    from entrack.execution.coordinator import Coordinator
    from entrack.execution.repository import Repository
    from entrack.execution.survey import Survey
    from entrack.plan.lower.context import Known
    from entrack.plan.lower.program import Lowerer, More
    from entrack.plan.plan import Plan
    from entrack.prompts.tokenise import TokenisedPrompts
    from entrack.prompts.tokenizer import Tokenizer

PURPOSES = ("measure", "discover", *DRAWN_FOR, "train", "validate", CONFIRM, CERTIFY)
"""What prompts are drawn for."""
SAMPLED = 0.5
"""Of what a command may do, what `check` does to draw a sample of the prompts."""


class SpecError(EntrackError):
    """A spec has errors. `problems` are the diagnostics; the message is what the command line would print."""

    def __init__(self, problems: tuple[Diagnostic, ...], sources: Mapping[str, Source]) -> None:
        from entrack.diagnostics.render import render_all

        super().__init__("\n" + render_all(problems, sources).plain)
        self.problems, self.sources = problems, sources

    def _render_traceback_(self) -> list[str]:
        """How IPython shows it: as the command line would, each place with its line."""
        from entrack.diagnostics.render import in_colours, render_all

        return [in_colours(render_all(self.problems, self.sources))]


@frozen
class Planned:
    """A plan and the warnings of making it."""

    plan: Plan
    problems: tuple[Diagnostic, ...]

    def __repr__(self) -> str:
        return f"<Planned: {self.plan!r}>"


@frozen(slots=False)
class CheckedSpec:
    """What the checker made of a text. `stands_in`: its models are stood in for by a folder without weights, so that
    it can be planned, not run. `prompts` and `runs` are where prompts, and what runs found, are kept."""

    source: Source
    checked: Checked
    stands_in: bool = field(default=False, kw_only=True)
    prompts: Kept = field(default=NOT_KEPT, kw_only=True)
    runs: Kept = field(default=NOT_KEPT, kw_only=True)

    @property
    def resolved(self) -> Resolved:
        return self.checked.resolved

    @property
    def sources(self) -> Mapping[str, Source]:
        return self.checked.texts

    @property
    def root(self) -> Path:
        """The folder that files and models are named from."""
        return Path(self.source.name).parent

    @property
    def address(self) -> str:
        """The address of what the spec says: its texts with params, not its comments or layout."""
        return address(
            [
                1,
                sorted(address(content(parse(source)[0])) for source in self.checked.sources.values()),
                dict(self.resolved.params),
            ]
        )

    @property
    def decided_by(self) -> tuple[Mapping[Path, str], tuple[Path, ...]] | None:
        """The texts of all files that were read, and the folders of its models; None where it has models that are not
        built in, of which whether they are here decides too, or reads files that are no texts."""
        sources = [model.source for model in self.resolved.models.values()]
        checked = self.checked
        if (
            checked.datasets
            or checked.contents
            or self.stands_in
            or any(one is None or not is_builtin(one) for one in sources)
        ):
            return None
        texts = {Path(source.name): source.text for source in (*checked.sources.values(), *checked.read)}
        return texts, tuple(
            path for one in sources if one for path in (one.folder, one.folder / "config.json", tokenizer_file(one))
        )

    @cached_property
    def used_models(self) -> frozenset[str]:
        """The models that something is computed with."""
        resolved = self.resolved
        cells = [cell for measure in resolved.measures for cell in measure.cells]
        interventions = {id(cell.intervention): cell.intervention for cell in cells}.values()
        donors = {
            act.source.model
            for intervention in interventions
            for act in intervention.acts
            if isinstance(act, SetAct) and isinstance(act.source, FromModel)
        }
        vectors = {
            term.model
            for intervention in interventions
            for act in intervention.acts
            if isinstance(act, AddAct | ProjectAct)
            for term in act.terms
            if isinstance(term, MeanOf)
        }
        examined = {given.model for given in resolved.examinations}
        found = {discovery.model for discovery in resolved.discoveries} | {mask.model for mask in resolved.masks}
        return frozenset(donors | vectors | examined | found | {cell.model for cell in cells})


@frozen
class Models:
    """Where the models of a spec are that something is computed with, and their content, by name."""

    sources: Mapping[str, ModelSource]
    keys: Mapping[str, ModelKey]


def models_of(spec: CheckedSpec, *, download: bool, hashed: bool, used: frozenset[str] | None = None) -> Models:
    """The models `used`, by default those that something is computed with, located. Raises ModelMissing."""
    _need_rows(spec)
    names = spec.used_models if used is None else used
    models = {name: model for name, model in spec.resolved.models.items() if name in names}
    # two names of one model are one model: its files are hashed once
    named = {model.named: model for model in models.values()}
    found = {given: _source(spec, model, download=download) for given, model in named.items()}
    hashes = {given: key_of(given, source, hashed=hashed) for given, source in found.items()}
    return Models(
        {name: found[model.named] for name, model in models.items()},
        {name: hashes[model.named] for name, model in models.items()},
    )


def lowerer_for(spec: CheckedSpec, models: Models) -> Lowerer:
    """What makes plans of a spec: the tokenizers of its models are read. Raises SpecError, ModelMissing."""
    from entrack.plan.lower.program import Lowerer

    tokenizers = {name: _tokenizer(spec, name, source) for name, source in models.sources.items()}
    return Lowerer(spec.resolved, models.keys, models.sources, tokenizers, kept=spec.prompts)


def lowerer_of(spec: CheckedSpec, *, download: bool, hashed: bool, used: frozenset[str] | None = None) -> Lowerer:
    """The same for its models as they are located now. Raises SpecError, ModelMissing."""
    return lowerer_for(spec, models_of(spec, download=download, hashed=hashed, used=used))


def _need_rows(spec: CheckedSpec) -> None:
    """That all datasets are on this machine. Raises ModelMissing."""
    for dataset in spec.resolved.absent:
        raise ModelMissing(f"{dataset} is not on this machine yet; `entrack run` downloads it where the network allows")


def lowered(spec: CheckedSpec, lowerer: Lowerer, known: Known | None = None, more: More | None = None) -> Planned:
    """A plan, as far as what is known tells, with one batch `more` of cells of certified claims. Raises SpecError."""
    plan, problems = lowerer.lower(known, more or {})
    if errors(problems):
        raise SpecError(problems, spec.sources)
    return Planned(plan, problems)


def surveyed(
    spec: CheckedSpec, repository: Repository, lowerer: Lowerer | None = None
) -> tuple[Plan, Coordinator, Survey]:
    """The plan as far as a store tells, the run that looked, and what it saw. Computes nothing. `lowerer` is the
    spec's, where there is one already."""
    from entrack.execution.coordinator import Coordinator

    lowerer = lowerer or lowerer_of(spec, download=False, hashed=not spec.stands_in)
    run = Coordinator(lowered(spec, lowerer).plan, repository)
    survey = run.survey()
    while run.plan.deferred and run.actions:
        more = lowered(spec, lowerer, run).plan
        if len(more.nodes) == len(run.plan.nodes):
            break
        run.extend(more)
        survey = run.survey()
    while wanting := _wanted(spec, run):
        run.extend(lowered(spec, lowerer, run, wanting).plan)
        survey = run.survey()
    return run.plan, run, survey


def _wanted(spec: CheckedSpec, run: Coordinator) -> More:
    """The cells of certified claims that one batch more is wanted of, as far as a store tells."""
    from entrack.analysis.certificates import wanted

    whole = {
        number: planned
        for number, planned in run.plan.certificates.items()
        if all(run.tensors(id) is not None for id in planned.evaluations)
    }
    return wanted(spec.resolved, evolve(run.plan, certificates=whole), run)


# prompts


def prompts_of(
    spec: CheckedSpec, name: str, count: int, model: str | None, purpose: str
) -> tuple[TokenisedPrompts, Tokenizer]:
    """The first `count` prompts of a task, alternate or desideratum, for a model's tokenizer. Raises SpecError,
    ModelMissing."""
    from entrack.prompts.tokenise import tokenise

    resolved, alternate = spec.resolved, spec.resolved.alternates.get(name)
    task = alternate.task if alternate else resolved.tasks[name]
    span = task.syntax.name_span if alternate is None else alternate.span
    population = Population(task, alternate, task.parameters, resolved.seed, count, purpose, name, span)
    population = evolve(population, whole=_whole_words(resolved, task.name))
    _need_rows(spec)
    tokens = _first_tokenizer(spec, model)
    try:
        with within(planning=True):
            realised, problems = tokenise(population, count, tokens, resolved.params, resolved.allotments)
    except Spent as spent:
        raise SpecError((told(spent, span),), spec.sources) from None
    if errors(problems):
        raise SpecError(problems, spec.sources)
    return realised, tokens


def _whole_words(resolved: Resolved, task: str) -> bool:
    """Whether whole words of a task are measured, so that its words may begin alike."""
    cells = (cell for measure in resolved.measures for cell in measure.cells)
    return any(cell.population.whole for cell in cells if cell.population.task.name == task)


def count_tokens(
    population: Population, model: Model, params: Mapping[str, float]
) -> int | tuple[Diagnostic, ...] | None:
    """How many tokens the first prompt of a population has for a model, or why it cannot be made; None where the
    model's tokenizer is not here."""
    from entrack.prompts.tokenise import measured_prompts, tokenise
    from entrack.prompts.tokenizer import BadTokenizer, tokenizer

    if model.source is None:
        return None
    try:
        tokens = tokenizer(tokenizer_file(model.source))
    except BadTokenizer as bad:
        return (_unusable(bad, model.span),)
    except ModelMissing:
        return None
    realised, problems = tokenise(population, 1, tokens, params)
    counts = [len(prompt.token_ids) for prompt in measured_prompts(population, realised.pairs)]
    return counts[0] if counts else problems or None


def prompt_problems(spec: CheckedSpec) -> tuple[Diagnostic, ...]:
    """What is wrong with the prompts, as far as files that are here can tell: a sample of the spec is planned,
    nothing is run."""
    models = spec.resolved.models
    here = [name for name in spec.used_models if models[name].source is not None]
    if set(here) != set(spec.used_models) or not here or spec.resolved.absent:
        return ()
    try:
        return _sampled(spec)
    except SpecError as error:  # a tokenizer that cannot be used
        return error.problems
    except ModelMissing as missing:
        span = models[min(here)].span
        return (Diagnostic("W501", str(missing), span, "prompts are not checked", "`run` needs it"),)


def _sampled(spec: CheckedSpec) -> tuple[Diagnostic, ...]:
    """What is wrong with a plan of some prompts of each population: of one, and then of as many as these tell that
    there is time for."""
    from entrack.plan.builder import Sketch
    from entrack.plan.lower.preview import sample

    lowerer, before = evolve(lowerer_of(spec, download=False, hashed=False), nodes=Sketch), so_far()
    _, problems = evolve(lowerer, resolved=sample(spec.resolved, 1)).lower()
    more = 1 if any(problem.code == "E707" for problem in problems) else times_over(before, SAMPLED)
    return evolve(lowerer, resolved=sample(spec.resolved, more)).lower()[1] if more > 1 else problems


# files of models


def _source(spec: CheckedSpec, model: Model, *, download: bool) -> ModelSource:
    if model.source is not None and (spec.stands_in or spec.checked.supplied.sources is not None):
        return model.source
    return (fetch if download else locate)(model.named, spec.root)


def _first_tokenizer(spec: CheckedSpec, model: str | None) -> Tokenizer:
    """The tokenizer of a model, or of the first that is here."""
    names = [model] if model else list(spec.resolved.models)
    missing: ModelMissing | SpecError | None = None
    for name in names:
        try:
            return _tokenizer(spec, name, locate(spec.resolved.models[name].named, spec.root))
        except (ModelMissing, SpecError) as error:
            missing = error
    raise missing or ModelMissing("the spec declares no model, and prompts need a tokenizer")


def _tokenizer(spec: CheckedSpec, model: str, source: ModelSource) -> Tokenizer:
    """A model's tokenizer. Raises SpecError where its file cannot be used, ModelMissing where there is none."""
    from entrack.prompts.tokenizer import BadTokenizer, tokenizer

    try:
        return tokenizer(tokenizer_file(source))
    except BadTokenizer as bad:
        raise SpecError((_unusable(bad, spec.resolved.models[model].span),), spec.sources) from None


def _unusable(bad: Exception, span: Span) -> Diagnostic:
    help = "take the tokenizer.json that belongs to the model"
    return Diagnostic("E434", str(bad), span, "its tokenizer cannot be used", help)
