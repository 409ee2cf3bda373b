"""The one page that knows the order of stages: text -> checked -> plan -> run -> results. Only here do problems become
exceptions.

spec = entrack.load("specs/quickstart.et", n=20)      # SpecError when something is wrong with it
results = spec.run()                                   # StoreError, EngineError, ModelMissing when the world fails; all
are EntrackErrors results["faithful"].to_pandas()
"""

from __future__ import annotations

import errno
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING, Any

from attrs import frozen

from entrack import __version__, arguments, interrupts
from entrack.address import address
from entrack.budget import PROMPTS, Limit, Spent, so_far, times_over, within
from entrack.check.check import Checked
from entrack.check.check import check as check_source
from entrack.check.resolved import Model, PatchAct
from entrack.diagnostics import Diagnostic, errors
from entrack.diagnostics.over_budget import told
from entrack.error_text import reason
from entrack.errors import ArgumentError, EntrackError, unknown
from entrack.events import Damaged, ModelFetching, Watcher, unwatched
from entrack.models.key import ModelSource
from entrack.models.locate import ModelMissing, fetch, key_of, locate, tokenizer_file
from entrack.results import Provenance, Results
from entrack.source import Source, Span
from entrack.syntax.content import content
from entrack.syntax.equivalence import held_against
from entrack.syntax.format import format_program
from entrack.syntax.limits import MOST_BYTES, MOST_DIGITS
from entrack.syntax.parse import parse
from entrack.system import address_space, machine_memory

if TYPE_CHECKING:
    from entrack.execution.cache_explain import StepStatus
    from entrack.execution.coordinator import Coordinator
    from entrack.execution.local import Compute
    from entrack.execution.repository import Repository
    from entrack.execution.reuse_policy import ReusePolicy
    from entrack.execution.survey import Survey
    from entrack.plan.executor_kind import ExecutorKind
    from entrack.plan.explain import Explanation
    from entrack.plan.lower.context import Known
    from entrack.plan.lower.program import Lowerer
    from entrack.plan.plan import Plan
    from entrack.prompts.tokenise import TokenisedPrompts
    from entrack.prompts.tokenizer import Tokenizer
    from entrack.store.base import Store
    from entrack.verification.recompute import Compared

SAMPLED = 0.5
"""Of what a command may do, what `check` does to draw a sample of the prompts."""
TOLERANCE = (
    "float32: probabilities within 1e-4 of the reference executor, with any threads and memory; "
    "byte-identical on one machine with the same versions, threads and memory"
)

LEAST_ADDRESSES = 1.2e9
"""Bytes that torch, transformers and nnsight map when they are loaded, and some."""

MOST_NUMBER = 10**MOST_DIGITS - 1
"""No number of a spec has more digits, and none that is given for one."""
PURPOSES = ("measure", "discover", "mean")


class SpecError(EntrackError):
    """A spec has errors. `problems` are the diagnostics; the message is what the command line would print."""

    def __init__(self, problems: tuple[Diagnostic, ...], sources: Mapping[str, Source]) -> None:
        from entrack.diagnostics.render import render_all

        super().__init__("\n" + render_all(problems, sources).plain)
        self.problems, self.sources = problems, sources


class SpecMissing(EntrackError):
    """The file of a spec cannot be read; the message says why."""


@frozen
class Planned:
    """A plan and the warnings of making it."""

    plan: Plan
    problems: tuple[Diagnostic, ...]


@frozen
class Verification:
    """How many steps are stored, by kind, how many of them are compared, and the comparisons, made as they are asked
    for."""

    stored: Mapping[str, int]
    sampled: int
    compared: Iterator[Compared]


def load(path: str | os.PathLike[str], /, **params: float) -> Spec:
    """A spec from a file, with some of its params set otherwise. Raises ArgumentError, SpecMissing and SpecError."""
    return loads(read(path), **params)


def loads(source: Source | str, /, **params: float) -> Spec:
    """A spec from its text. Files that it names are looked for in the folder of the source's name. Raises
    ArgumentError and SpecError."""
    return checked(
        source if isinstance(source, Source) else Source("spec.et", arguments.text(source, "source")), params
    )


def checked(given: Source, params: Mapping[str, float], stand_in: Path | None = None) -> Spec:
    """A spec without errors. Raises ArgumentError and SpecError.

    `stand_in` is a folder with a config.json and a tokenizer.json for every model that is not here: such a spec can be
    planned, not run.
    """
    spec = _spec(given, params, stand_in)
    if errors(spec.problems):
        raise SpecError(spec.problems, spec.sources)
    return spec


def read(path: str | os.PathLike[str]) -> Source:
    """The text of a spec. Raises ArgumentError and SpecMissing."""
    arguments.path(path, "path")
    try:
        raw = _whole_file(path)
    except (OSError, ValueError) as error:
        raise SpecMissing(f"{str(path)[:500]} cannot be read: {reason(error)}") from None
    if len(raw) > MOST_BYTES:
        raise SpecMissing(f"{path} is no spec: it has more than {MOST_BYTES:,} bytes")
    try:
        return Source(str(path), raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise SpecMissing(f"{path} is not UTF-8 text") from None


def _whole_file(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a file, and some more than the most that is read. Raises OSError, and ValueError for what is no
    file: a pipe would never end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as stream:
        mode = os.fstat(descriptor).st_mode
        if S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not S_ISREG(mode):
            raise ValueError("it is a pipe or a device, not a file")
        return stream.read(MOST_BYTES + 1)


def check(
    source: Source, params: Mapping[str, float], stand_in: Path | None = None
) -> tuple[tuple[Diagnostic, ...], Mapping[str, Source]]:
    """All that is wrong with a spec, down to its prompts where its models' tokenizers are here. Imports no torch."""
    with within():
        spec = _spec(source, params, stand_in)
        if errors(spec.problems):
            return spec.problems, spec.sources
        return (*spec.problems, *spec.prompt_problems()), spec.sources


def _spec(source: Source, params: Mapping[str, float], stand_in: Path | None) -> Spec:
    """What the checker makes of a text, right or wrong. Raises ArgumentError."""
    arguments.instance(source, Source, "source", "a Source")
    arguments.offering(params, ("keys", "items"), "params", "a mapping from names to numbers")
    arguments.optional(stand_in, arguments.path, "stand_in")
    values = {
        arguments.text(name, "a param's name"): arguments.number(value, f"param {name}", MOST_NUMBER)
        for name, value in params.items()
    }
    return Spec(
        source, check_source(source, values, None if stand_in is None else Path(stand_in)), stand_in is not None
    )


def formatted(source: Source) -> tuple[str | None, tuple[Diagnostic, ...]]:
    """The one canonical text of a spec, or None and its syntax errors. Raises Miswritten rather than give another
    program."""
    arguments.instance(source, Source, "source", "a Source")
    with within():
        try:
            program, problems = parse(source)
            if errors(problems):
                return None, problems
            text = format_program(source, program)
        except Spent as spent:
            return None, (told(spent, Span(source.name, 0, 1)),)
    held_against(program, Source(source.name, text))  # not counted: it is as much as was read and written before
    return text, problems


def open_store(
    folder: str | os.PathLike[str], watcher: Watcher = unwatched, read_only: bool = False, inspect: bool = False
) -> Store:
    """The store in a folder. `read_only`: it is somebody's publication; `inspect`: nothing of it is changed,
    whatever is found. Raises StoreError."""
    from entrack.store.disk import DiskStore

    arguments.folder(folder, "folder")
    arguments.function(watcher, "watcher")
    arguments.flag(read_only, "read_only")
    arguments.flag(inspect, "inspect")
    return DiskStore(
        folder,
        on_damage=lambda damage: watcher(Damaged(damage.address or "", damage.message)),
        read_only=read_only,
        inspect=inspect,
    )


def store_folder(given: str | os.PathLike[str] | None = None) -> Path:
    """Where the store is: as given, else `ENTRACK_STORE`, else `cache/` of the checkout round the working folder,
    else `cache/` here."""
    if given is not None:
        return Path(arguments.path(given, "store"))
    if os.environ.get("ENTRACK_STORE"):
        return Path(os.environ["ENTRACK_STORE"])
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "grammars" / "entrack.lark").is_file():
            return folder / "cache"
    return here / "cache"


class Spec:
    """A spec that has been checked. Immutable; everything that happens, happens in `plan` and `run`."""

    def __init__(self, source: Source, checked: Checked, stands_in: bool = False) -> None:
        arguments.instance(source, Source, "source", "a Source (entrack.load and entrack.loads make a Spec)")
        arguments.instance(
            checked, Checked, "checked", "what the checker made of it (entrack.load and entrack.loads make a Spec)"
        )
        arguments.flag(stands_in, "stands_in")
        self.source = source
        self._stands_in = stands_in
        self.resolved = checked.resolved
        self.problems = checked.problems
        self.sources = checked.sources

    @property
    def root(self) -> Path:
        return Path(self.source.name).parent

    @property
    def address(self) -> str:
        """The address of what the spec says: its texts with params, not its comments or layout."""
        return address(
            [
                1,
                sorted(address(content(parse(source)[0])) for source in self.sources.values()),
                dict(self.resolved.params),
            ]
        )

    @interrupts.watched()
    def plan(self, download: bool = False, hashed: bool = True) -> Planned:
        """The plan, before a weight is read. Raises SpecError for prompts that cannot be, ModelMissing for files that
        are not here.

        With `hashed` False weight files are not even hashed: such a plan has no addresses.
        """
        arguments.flag(download, "download")
        arguments.flag(hashed, "hashed")
        with within(planning=True):
            return _lowered(self._lowerer(download, hashed), None, self.sources)

    def _lowerer(self, download: bool, hashed: bool) -> Lowerer:
        from entrack.plan.lower.program import Lowerer

        models = {name: model for name, model in self.resolved.models.items() if name in self.used_models}
        # two names of one model are one model: its files are hashed once
        named = {model.named: model for model in models.values()}
        found = {given: self._source(model, download) for given, model in named.items()}
        hashes = {given: key_of(given, source, hashed) for given, source in found.items()}
        sources = {name: found[model.named] for name, model in models.items()}
        keys = {name: hashes[model.named] for name, model in models.items()}
        tokenizers = {name: self._read_tokenizer(name, source) for name, source in sources.items()}
        return Lowerer(self.resolved, keys, sources, tokenizers)

    def _read_tokenizer(self, model: str, source: ModelSource) -> Tokenizer:
        """A model's tokenizer. Raises SpecError where its file cannot be used, ModelMissing where there is none."""
        from entrack.prompts.tokenizer import BadTokenizer, tokenizer

        try:
            return tokenizer(tokenizer_file(source))
        except BadTokenizer as bad:
            span = self.resolved.models[model].span
            raise SpecError(
                (
                    Diagnostic(
                        "E434",
                        str(bad),
                        span,
                        "its tokenizer cannot be used",
                        "take the tokenizer.json that belongs to the model",
                    ),
                ),
                self.sources,
            ) from None

    def _source(self, model: Model, download: bool) -> ModelSource:
        if self._stands_in and model.source is not None:
            return model.source
        return (fetch if download else locate)(model.named, self.root)

    @cached_property
    def used_models(self) -> frozenset[str]:
        """The models that something is computed with."""
        resolved = self.resolved
        measured = {cell.model for measure in resolved.measures for cell in measure.cells}
        interventions = {
            id(cell.intervention): cell.intervention for measure in resolved.measures for cell in measure.cells
        }.values()
        donors = {
            act.model
            for intervention in interventions
            for act in intervention.acts
            if isinstance(act, PatchAct) and act.model
        }
        found = {discovery.model for discovery in resolved.discoveries}
        return frozenset(
            measured
            | donors
            | found
            | {mask.model for mask in resolved.masks}
            | {given.model for given in resolved.examinations}
        )

    @interrupts.watched()
    def survey(
        self,
        store: Store,
        accept: ReusePolicy | str | None = None,
        device: str | None = None,
        tell: Callable[[Limit], None] = lambda limit: None,
    ) -> tuple[Plan, Survey]:
        """The plan, as far as a store tells what depends on results, and how it stands against it. Computes nothing.

        `tell` hears of the first limit of work that the plan goes beyond and `check` would not.
        """
        arguments.function(tell, "tell")
        with within(planning=True, tell=tell):
            plan, _, survey = self.surveyed(_repository(store, False, accept, device, None))
        return plan, survey

    @interrupts.watched()
    def addresses(self, store: Store) -> frozenset[str]:
        """The addresses of all entries of a store that this spec may take on this machine: as they are, and with its
        own stack."""
        return frozenset(
            action.address
            for accept in ("any", "same-stack")
            for action in self.surveyed(_repository(store, False, accept, None, None))[1].actions
        )

    @interrupts.watched()
    def looked(
        self, store: Store, accept: ReusePolicy | str | None = None, reference: bool = False, device: str | None = None
    ) -> tuple[StepStatus, ...]:
        """Each step of this spec, and whether a store has its value. Computes nothing."""
        from entrack.execution.cache_explain import step_statuses

        repository = _repository(store, reference, accept, device, None)
        return step_statuses(*self.surveyed(repository), repository)

    def surveyed(self, repository: Repository) -> tuple[Plan, Coordinator, Survey]:
        """The plan as far as a shelf tells, the walk that looked, and what it saw. Computes nothing."""
        from entrack.execution.coordinator import Coordinator

        lowerer = self._lowerer(download=False, hashed=not self._stands_in)
        plan = _lowered(lowerer, None, self.sources).plan
        executor = Coordinator(plan, repository)
        survey = executor.survey()
        while (
            plan.deferred
            and executor.actions
            and len((more := _lowered(lowerer, executor, self.sources).plan).nodes) > len(plan.nodes)
        ):
            plan = more
            executor.extend(plan)
            survey = executor.survey()
        return plan, executor, survey

    @interrupts.watched()
    def run(
        self,
        store: Store | str | os.PathLike[str] | None = None,
        *,
        reference: bool = False,
        watcher: Watcher = unwatched,
        device: str | None = None,
        threads: int | None = None,
        memory: int | None = None,
        accept: ReusePolicy | str | None = None,
    ) -> Results:
        """Run the spec through a store (default: `store_folder()`). What the store has is not computed again.

        `reference` runs the reference executor: one full forward pass per variant. `memory` is what may be taken beside
        the models themselves, in bytes (default: half of what the machine or its GPU has). `accept` says which stored
        values are taken (`exact`, `same-stack`, `any`; default: `same-stack`, and `any` from a store that cannot be
        written). Raises ArgumentError, SpecError, ModelMissing, StoreError, EngineError, NotANumber, and
        KeyboardInterrupt: what was finished is in the store then.
        """
        arguments.function(watcher, "watcher")
        from entrack.analysis.build_results import assemble
        from entrack.execution.coordinator import Coordinator
        from entrack.execution.local import LocalExecutor

        opened = (
            open_store(store_folder(store), watcher) if store is None or isinstance(store, str | os.PathLike) else store
        )
        repository = _repository(opened, reference, accept, device, threads, memory)
        spec = self._fetched(watcher)
        lowerer = spec._lowerer(download=True, hashed=True)
        plan = _lowered(lowerer, None, self.sources).plan
        compute = _lazily(plan, repository.kind, watcher, device, threads, memory)
        executor = Coordinator(plan, repository, LocalExecutor(repository, compute, watcher), watcher)
        executor.run()
        while plan.deferred:
            plan = _lowered(lowerer, executor, self.sources).plan
            executor.extend(plan)
            executor.run()
        return assemble(spec.resolved, plan, executor, lambda: spec._provenance(plan, executor, repository))

    @interrupts.watched()
    def verify(
        self,
        store: Store,
        sample: int | float = 0.05,
        *,
        seed: int = 0,
        reference: bool = False,
        watcher: Watcher = unwatched,
        device: str | None = None,
        threads: int | None = None,
        memory: int | None = None,
        accept: ReusePolicy | str = "any",
    ) -> Verification:
        """Compute a sample of the stored steps again: so many (an int) or such a share (a float). Changes nothing in
        the store.

        `reference` computes them with the reference executor; `accept` says which stored values are verified. The
        comparisons are made as they are asked for. Raises ArgumentError, SpecError, ModelMissing, StoreError;
        EngineError while comparing.
        """
        arguments.function(watcher, "watcher")
        arguments.flag(reference, "reference")
        arguments.whole(seed, "seed", 0, MOST_NUMBER)
        sample = _sample(sample)
        from entrack.plan.cache_key import kind
        from entrack.plan.executor_kind import ExecutorKind
        from entrack.verification.recompute import recomputed, sampled

        plan, executor, survey = self.surveyed(_repository(store, False, accept, device, threads, memory))
        lost = {
            id for id in survey.missing if executor.lost(id)
        }  # what was seen to be damaged is said, whatever is sampled
        stored = [id for id in plan.steps if id in survey.found or id in lost]
        drawn = {*sampled(plan, stored, sample, seed), *lost}
        ids = [id for id in stored if id in drawn]
        compute = _lazily(plan, ExecutorKind.of(reference=reference), watcher, device, threads, memory)
        return Verification(
            Counter(kind(plan.nodes[id]) for id in stored), len(ids), recomputed(plan, executor, ids, compute, watcher)
        )

    def _fetched(self, watcher: Watcher) -> Spec:
        """This spec, checked again now that its models have come: some mistakes only a config.json can tell. Raises
        ModelMissing, SpecError."""
        if all(self.resolved.models[name].facts for name in self.used_models):
            return self
        for name in sorted(self.used_models):
            watcher(ModelFetching(str(self.resolved.models[name].named)))
            fetch(self.resolved.models[name].named, self.root)
        return loads(self.source, **{name: self.resolved.params[name] for name in self.resolved.changed_params})

    @interrupts.watched()
    def prompts(
        self, name: str, count: int, model: str | None = None, purpose: str = "measure"
    ) -> tuple[TokenisedPrompts, Tokenizer]:
        """The first `count` prompts of a task, alternate or desideratum, for a model's tokenizer (default: the first
        model here).

        Raises UnknownName for a name that is not there, ArgumentError, SpecError, and ModelMissing where no model of
        the spec is here.
        """
        from entrack.check.resolved import Population
        from entrack.prompts.tokenise import tokenise

        if arguments.text(name, "name") not in (known := (*self.resolved.tasks, *self.resolved.alternates)):
            raise unknown("the spec has no task, alternate or desideratum", name, known)
        if model is not None and arguments.text(model, "model") not in self.resolved.models:
            raise unknown("the spec has no model", model, self.resolved.models)
        count = arguments.whole(count, "count", 1, PROMPTS.most)
        arguments.choice(purpose, "purpose", PURPOSES)
        alternate = self.resolved.alternates.get(name)
        task = alternate.task if alternate else self.resolved.tasks[name]
        tokens = self._tokenizer(model)
        span = task.syntax.name_span if alternate is None else alternate.span
        population = Population(task, alternate, task.parameters, self.resolved.seed, count, purpose, name, span)
        try:
            with within(planning=True):
                realised, problems = tokenise(population, count, tokens, self.resolved.params)
        except Spent as spent:
            raise SpecError((told(spent, span),), self.sources) from None
        if errors(problems):
            raise SpecError(problems, self.sources)
        return realised, tokens

    def prompt_problems(self) -> tuple[Diagnostic, ...]:
        """What is wrong with the prompts, as far as files that are here can tell: a sample of the spec is planned,
        nothing is run."""
        here = [name for name in self.used_models if self.resolved.models[name].source is not None]
        if set(here) != set(self.used_models) or not here:
            return ()
        try:
            return self._sampled()
        except SpecError as error:  # a tokenizer that cannot be used
            return error.problems
        except ModelMissing as missing:
            first = next(iter(sorted(here)))
            return (
                Diagnostic(
                    "W501", str(missing), self.resolved.models[first].span, "prompts are not checked", "`run` needs it"
                ),
            )

    def _sampled(self) -> tuple[Diagnostic, ...]:
        """What is wrong with a plan of some prompts of each population: of one, and then of as many as these tell
        that there is time for."""
        from attrs import evolve

        from entrack.plan.builder import Sketch
        from entrack.plan.lower.preview import sample

        lowerer, before = evolve(self._lowerer(download=False, hashed=False), nodes=Sketch), so_far()
        _, problems = evolve(lowerer, resolved=sample(self.resolved, 1)).lower()
        more = 1 if any(problem.code == "E707" for problem in problems) else times_over(before, SAMPLED)
        return evolve(lowerer, resolved=sample(self.resolved, more)).lower()[1] if more > 1 else problems

    def _tokenizer(self, model: str | None) -> Tokenizer:
        names = [model] if model else list(self.resolved.models)
        missing: ModelMissing | SpecError | None = None
        for name in names:
            try:
                return self._read_tokenizer(name, locate(self.resolved.models[name].named, self.root))
            except (ModelMissing, SpecError) as error:
                missing = error
        raise missing or ModelMissing("the spec declares no model, and prompts need a tokenizer")

    def _provenance(self, plan: Plan, executor: Coordinator, repository: Repository) -> Provenance:
        from entrack.execution.read_run_record import read_run_record
        from entrack.execution.reuse_report import reuse_report

        models = {
            name: {
                "source": plan.sources[key].description,
                "revision": plan.sources[key].revision,
                "digest": address(key),
                "dtype": key.dtype,
                "attention": key.attention,
                "layers": key.facts.layers,
                "heads": key.facts.heads,
                "key_value_heads": key.facts.key_value_heads,
            }
            for name, key in plan.models.items()
        }
        told = [read_run_record(action.how) for action in executor.actions]
        made = {
            tuple(
                (name, how.get(name)) for name in ("executor", "torch", "transformers", "nnsight", "device", "threads")
            )
            for how in told
        }
        return Provenance(
            spec=self.source.name,
            spec_address=self.address,
            language=1,
            entrack=__version__,
            models=models,
            seed=self.resolved.seed,
            params=dict(self.resolved.params),
            changed_params=self.resolved.changed_params,
            steps=len(plan.steps),
            computed=executor.computed,
            found=len(executor.actions) - executor.computed,
            known_zero=executor.zeros,
            screened_out=executor.screened_out,
            realised=tuple(dict(entry) for entry in sorted(made, key=str)),
            tolerance=TOLERANCE,
            accept=repository.accept.value,
            reused=reuse_report(executor.found, repository.environment),
        )


def _repository(
    store: Store,
    reference: bool,
    accept: ReusePolicy | str | None,
    device: str | None,
    threads: int | None,
    memory: int | None = None,
) -> Repository:
    """The store as a run sees it. A store that cannot be written is a published one: it is taken as it is, unless
    told otherwise."""
    from entrack.execution.environment import Environment
    from entrack.execution.repository import Repository
    from entrack.execution.reuse_policy import ReusePolicy
    from entrack.plan.executor_kind import ExecutorKind

    arguments.offering(store, ("find", "load", "put", "computing", "addresses"), "store", "a folder or an open store")
    arguments.flag(reference, "reference")
    arguments.optional(accept, arguments.choice, "accept", [policy.value for policy in ReusePolicy])
    arguments.optional(device, arguments.text, "device")
    threads = arguments.optional(threads, arguments.whole, "threads", 1, MOST_NUMBER)
    memory = arguments.optional(memory, arguments.whole, "memory", 1, MOST_NUMBER)
    default = ReusePolicy.SAME_STACK if getattr(store, "writable", True) else ReusePolicy.ANY
    return Repository(
        store,
        ExecutorKind.of(reference=reference),
        default if accept is None else ReusePolicy(accept),
        Environment(device, threads, memory),
    )


def _sample(given: int | float) -> int | float:
    """How many steps (an int) or what share of them (a float) are verified."""
    found = arguments.number(given, "sample", MOST_NUMBER)
    if found <= 0 or (isinstance(found, float) and found > 1):
        raise ArgumentError(
            "sample is a number of steps, such as 20, or a share of them, such as 0.05; this is "
            f"{arguments.shown(found)}"
        )
    return found


def _lowered(lowerer: Lowerer, known: Known | None, sources: Mapping[str, Source]) -> Planned:
    plan, problems = lowerer.lower(known)
    if errors(problems):
        raise SpecError(problems, sources)
    return Planned(plan, problems)


def explained(plan: Plan, survey: Survey, memory: int | None = None) -> Explanation:
    """What of a plan is not computed, and why. Loads nothing."""
    from entrack.execution.survey import Survey
    from entrack.plan.explain import explanation
    from entrack.plan.plan import Plan
    from entrack.plan.schedule import Memory

    arguments.instance(plan, Plan, "plan", "a Plan, as `Spec.survey` gives")
    arguments.instance(survey, Survey, "survey", "a Survey, as `Spec.survey` gives")
    memory = arguments.optional(memory, arguments.whole, "memory", 1, MOST_NUMBER)
    return explanation(
        plan,
        {*survey.found},
        {*survey.zero},
        {*survey.screened_out},
        Memory.of(machine_memory() // 2 if memory is None else memory),
    )


def _lazily(
    plan: Plan, kind: ExecutorKind, watcher: Watcher, device: str | None, threads: int | None, memory: int | None
) -> Compute:
    """The engine, made when the first step has to be computed: torch is imported then and not before."""
    engines: list[Any] = []

    def compute(step: Any, inputs: Any) -> tuple[Any, Any]:
        if not engines:
            _need_surroundings()
            from entrack.engine.engine import Engine
            from entrack.plan.schedule import Memory

            engines.append(
                Engine(
                    plan.sources,
                    executor=kind,
                    device=device,
                    threads=threads,
                    watcher=watcher,
                    memory=None if memory is None else Memory.of(memory),
                )
            )
        computed = engines[0].compute(step, inputs)
        return computed.tensors, computed.how

    return compute


def _need_surroundings() -> None:
    """What torch and transformers cannot do without, and end in their own ways where it is not there. Raises
    EngineError."""
    from entrack.engine.errors import EngineError, OutOfMemory

    if sys.flags.optimize > 1:
        raise EngineError(
            "models need the docstrings of Python's modules, which PYTHONOPTIMIZE=2 and -OO leave out: run "
            "without these"
        )
    if address_space() < LEAST_ADDRESSES:
        has = f"this process may have {address_space() / 1e9:.1f} GB: see `ulimit -v`"
        raise OutOfMemory(f"computing needs {LEAST_ADDRESSES / 1e9:g} GB of addresses beside the models, and {has}")
