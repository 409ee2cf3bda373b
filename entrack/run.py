"""Running: a checked spec through a store -> results. What the store has is not computed again.

The engine is made when the first step has to be computed: torch is imported then and not before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attrs import evolve

from entrack import arguments
from entrack.address import address
from entrack.budget import FILE_BYTES
from entrack.check.check import check
from entrack.compile import CheckedSpec, Models, SpecError, count_tokens, lowered, lowerer_for, models_of
from entrack.diagnostics import errors
from entrack.events import ModelFetching, RunFinished, RunStarted, Watcher
from entrack.execution.environment import Environment
from entrack.execution.repository import Repository
from entrack.execution.reuse_policy import ReusePolicy
from entrack.kept_runs import kept_run, witnessed
from entrack.models.fetch import fetch, fetch_dataset
from entrack.plan import cache_key
from entrack.plan.executor_kind import ExecutorKind
from entrack.plan.plan import Plan
from entrack.results import Provenance, Results
from entrack.store.base import Store
from entrack.syntax.limits import MOST_NUMBER
from entrack.version import __version__
from entrack.workers.room import Room, gpus_of, wide_threads, workers_given
from entrack.workers.worker import Computing, Settings

if TYPE_CHECKING:
    from entrack.execution.coordinator import Coordinator
    from entrack.execution.executor import Executor
    from entrack.execution.local import Compute
    from entrack.workers.base import Workers
    from entrack.workers.cluster import Cluster

TOLERANCE = (
    "float32: probabilities within 1e-4 of the reference executor, with any threads and memory; "
    "byte-identical on one machine with the same versions, threads and memory"
)
Employ = Callable[[Plan, Repository, Watcher], "Workers"]
"""Gives the workers of a run, once its plan is known."""
Engine = Callable[[Plan], "Compute"]
"""Gives what computes the bound steps of a plan in this process."""
LANGUAGE = 1
"""The version of the language."""


def repository_of(
    store: Store,
    accept: ReusePolicy | str | None,
    device: str | None = None,
    threads: int | None = None,
    memory: int | None = None,
    kind: ExecutorKind = ExecutorKind.OPTIMISED,
    gpus_per_worker: int = 1,
    workers: int | None = 0,
    on: str | None = None,
    gpus: int | None = None,
) -> Repository:
    """The store as a run sees it, with `workers` of this machine, or those of a cluster with so many `gpus` each: that
    values come from GPUs is known by these. A store that cannot be written is a published one: it is taken as it is,
    unless told otherwise. Raises ArgumentError."""
    arguments.offering(store, ("find", "load", "put", "computing", "addresses"), "store", "a folder or an open store")
    arguments.optional(accept, arguments.choice, "accept", [policy.value for policy in ReusePolicy])
    arguments.optional(device, arguments.text, "device")
    threads = arguments.optional(threads, arguments.whole, "threads", 1, MOST_NUMBER)
    memory = arguments.optional(memory, arguments.whole, "memory", 1, MOST_NUMBER)
    each = gpus or arguments.whole(gpus_per_worker, "gpus_per_worker", 1, MOST_NUMBER)
    device = "cuda" if gpus and device is None else device
    many = workers_given(workers, device, each) if on is None else 0
    default = ReusePolicy.SAME_STACK if getattr(store, "writable", True) else ReusePolicy.ANY
    policy = default if accept is None else ReusePolicy(accept)
    return Repository(store, kind, policy, Environment(device, threads, memory, each, wide_threads(many)))


def run_spec(
    given: CheckedSpec,
    repository: Repository,
    watcher: Watcher,
    employ: Employ | None = None,
    engine: Engine | None = None,
) -> Results:
    """Compile, run, and compile again with what is known, until nothing depends on results any more, and then until
    every certified claim is decided or has had its prompts. What `employ` gives computes; without, this process does,
    with what `engine` gives, or with an engine that is made for this run. Raises
    SpecError, ModelMissing, StoreError, EngineError, NotANumber, and KeyboardInterrupt."""
    spec = fetched(given, watcher)
    models = models_of(spec, download=True, hashed=True)
    kept = None if employ or engine else kept_run(spec, models, repository)
    if kept is None:
        return _run(spec, models, repository, watcher, employ, engine)
    found = kept.found()
    if isinstance(found, Results):
        took = found.provenance
        watcher(RunStarted(took.steps, took.found, 0))
        watcher(RunFinished(0, took.found, 0))
        return evolve(found, html=_html)
    seen, witness = witnessed(repository, kept.store)
    results = _run(spec, models, seen, watcher)
    kept.keep(witness, results)
    return results


def _html(results: Results) -> str:
    from entrack.report.html import results_html

    return results_html(results)


def _run(
    spec: CheckedSpec,
    models: Models,
    repository: Repository,
    watcher: Watcher,
    employ: Employ | None = None,
    engine: Engine | None = None,
) -> Results:
    from entrack.analysis.build_results import assemble
    from entrack.analysis.certificates import wanted
    from entrack.execution.coordinator import Coordinator

    lowerer = lowerer_for(spec, models)
    plan = lowered(spec, lowerer).plan
    with executing(plan, repository, watcher, employ, engine) as executor:
        run = Coordinator(plan, repository, executor, watcher)
        run.run()
        while plan.deferred:
            plan = lowered(spec, lowerer, run).plan
            run.extend(plan)
            run.run()
        while more := wanted(spec.resolved, plan, run):
            plan = lowered(spec, lowerer, run, more).plan
            run.extend(plan)
            run.run()
        results = assemble(spec.resolved, plan, run, lambda: provenance_of(spec, plan, run, repository))
    return evolve(results, html=_html)


@contextmanager
def executing(
    plan: Plan, repository: Repository, watcher: Watcher, employ: Employ | None, engine: Engine | None = None
) -> Iterator[Executor]:
    """The executor of a run: of the workers that `employ` gives, which are ended with it, or of this process."""
    if employ is None:
        from entrack.execution.local import LocalExecutor

        engine = engine or new_engine(repository.kind, watcher, repository.environment)
        yield LocalExecutor(repository, engine(plan), watcher)
        return
    from entrack.workers.executor import WorkersExecutor

    executor = WorkersExecutor(repository, employ(plan, repository, watcher), watcher)
    try:
        yield executor
    finally:
        executor.close()


@contextmanager
def computing(
    plan: Plan, kind: ExecutorKind, repository: Repository, watcher: Watcher, employ: Employ | None
) -> Iterator[tuple[Compute, int]]:
    """What computes the bound steps of a plan outside of a run, with an executor of this kind, and how many at once:
    the workers that `employ` gives, which are ended with it, or this process."""
    if employ is None:
        yield engine_of(plan, kind, watcher, repository.environment), 1
        return
    from entrack.workers.executor import computed

    workers = employ(plan, repository, watcher)
    try:
        yield (
            lambda step, inputs: computed(workers, step, inputs, plan.sources.get(step.model), cache_key.kind(step)),
            workers.at_once,
        )
    finally:
        workers.close()


def employed_here(many: int, kind: ExecutorKind | None = None) -> Employ | None:
    """So many workers on this machine, with this kind of executor, by default the repository's; None for none."""
    if not many:
        return None

    def employ(plan: Plan, repository: Repository, watcher: Watcher) -> Workers:
        from entrack.workers.processes import Processes

        asked = repository.environment
        there = gpus_of(asked.device, asked.gpus_per_worker)
        room = Room(many, plan.sources, asked.memory, on_gpus=bool(there))
        return Processes(room, Settings(kind or repository.kind, asked), there, watcher)

    return employ


def employed_on(cluster: Cluster) -> Employ:
    """The workers of a cluster."""
    return lambda plan, repository, watcher: cluster.workers_of(
        Settings(repository.kind, repository.environment), watcher
    )


def engine_of(plan: Plan, kind: ExecutorKind, watcher: Watcher, environment: Environment) -> Compute:
    """What computes the bound steps of a plan, in this process."""
    return new_engine(kind, watcher, environment)(plan)


def new_engine(kind: ExecutorKind, watcher: Watcher, environment: Environment) -> Engine:
    """An engine of this process."""
    return with_engine(Computing(Settings(kind, environment), watcher))


def with_engine(computing: Computing) -> Engine:
    """An engine that may have computed other plans, whose models it has in memory."""
    return lambda plan: lambda step, inputs: computing.compute(step, inputs, plan.sources.get(step.model))


def fetched(spec: CheckedSpec, watcher: Watcher, used: frozenset[str] | None = None) -> CheckedSpec:
    """The spec, checked again now that the models `used` (by default those that something is computed with) and its
    datasets have come: some mistakes only a config.json, or a row, can tell. Raises ModelMissing, SpecError."""
    resolved, names = spec.resolved, spec.used_models if used is None else used
    if all(resolved.models[name].facts for name in names) and not resolved.absent:
        return spec
    for dataset in resolved.absent:
        watcher(ModelFetching(str(dataset)))
        fetch_dataset(dataset, FILE_BYTES.most)
    for name in sorted(names):
        watcher(ModelFetching(str(resolved.models[name].named)))
        fetch(resolved.models[name].named, spec.root)
    params = {name: resolved.params[name] for name in resolved.changed_params}
    again = check(spec.source, params, tokens=count_tokens, supplied=spec.checked.supplied)
    if errors(again.problems):
        raise SpecError(again.problems, again.texts)
    return evolve(spec, checked=again)


def provenance_of(spec: CheckedSpec, plan: Plan, run: Coordinator, repository: Repository) -> Provenance:
    """Where the numbers of a run came from, once it has everything."""
    from entrack.execution.read_run_record import read_run_record
    from entrack.execution.reuse_report import reuse_report

    made = {
        tuple((name, how.get(name)) for name in ("executor", "torch", "transformers", "nnsight", "device", "threads"))
        for how in (read_run_record(action.how) for action in run.actions)
    }
    return Provenance(
        spec=spec.source.name,
        spec_address=spec.address,
        language=LANGUAGE,
        entrack=__version__,
        models=_models(plan),
        seed=spec.resolved.seed,
        params=dict(spec.resolved.params),
        changed_params=spec.resolved.changed_params,
        steps=len(plan.steps),
        computed=run.computed,
        found=len(run.actions) - run.computed,
        known_zero=run.zeros,
        screened_out=run.screened_out,
        decided=run.decided,
        realised=tuple(dict(entry) for entry in sorted(made, key=str)),
        tolerance=TOLERANCE,
        accept=repository.accept.value,
        reused=reuse_report(run.found, repository.environment),
    )


def _models(plan: Plan) -> dict[str, dict[str, Any]]:
    """What each model is: where its files are from, and its shape."""
    return {
        name: {
            "source": plan.sources[key].description,
            "revision": plan.sources[key].revision,
            "digest": address(key),
            "dtype": key.dtype,
            "attention": key.attention,
            "layers": key.facts.layers,
            "heads": key.facts.heads,
            "key_value_heads": key.facts.key_value_heads,
            "d_model": key.facts.d_model,
            "parallel": key.facts.parallel,
        }
        for name, key in plan.models.items()
    }
