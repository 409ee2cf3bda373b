"""A spec that has been checked, and what can be done with it. Arguments are checked here; the work is `compile.py`,
`run.py` and `verify.py`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from entrack import arguments, interrupts
from entrack.budget import PROMPTS, Limit, within
from entrack.check.check import Checked
from entrack.compile import PURPOSES, CheckedSpec, Planned, lowered, lowerer_of, prompt_problems, prompts_of, surveyed
from entrack.diagnostics import Diagnostic
from entrack.diagnostics.escape import visible
from entrack.errors import unknown
from entrack.events import Watcher, one_at_a_time, unwatched
from entrack.kept import NOT_KEPT, Kept, of_the_user
from entrack.source import Source
from entrack.stores import open_store, store_folder, with_remote
from entrack.syntax.limits import MOST_NUMBER

if TYPE_CHECKING:
    from entrack.by_hand.model import ModelInHand
    from entrack.execution.cache_explain import StepStatus
    from entrack.execution.coordinator import Coordinator
    from entrack.execution.forecast import Forecast
    from entrack.execution.repository import Repository
    from entrack.execution.reuse_policy import ReusePolicy
    from entrack.execution.survey import Survey
    from entrack.plan.executor_kind import ExecutorKind
    from entrack.plan.plan import Plan
    from entrack.prompts.tokenise import TokenisedPrompts
    from entrack.prompts.tokenizer import Tokenizer
    from entrack.results import Results
    from entrack.store.base import Store
    from entrack.verify import Verification

ONE = {
    "models": "model",
    "tasks": "task",
    "discoveries": "discovery",
    "masks": "mask",
    "measures": "measure",
    "claims": "claim",
}
"""Of the words for several."""


class Spec:
    """A spec that has been checked. Immutable; everything that happens, happens in `plan` and `run`."""

    def __init__(
        self,
        source: Source,
        checked: Checked,
        *,
        stands_in: bool = False,
        prompts: Kept = NOT_KEPT,
        runs: Kept = NOT_KEPT,
    ) -> None:
        arguments.instance(source, Source, "source", "a Source (entrack.load and entrack.loads make a Spec)")
        arguments.instance(
            checked, Checked, "checked", "what the checker made of it (entrack.load and entrack.loads make a Spec)"
        )
        arguments.flag(stands_in, "stands_in")
        self._spec = CheckedSpec(source, checked, stands_in=stands_in, prompts=prompts, runs=runs)
        self.source = source
        self.resolved = checked.resolved
        self.problems = checked.problems
        self.sources = checked.texts

    def __repr__(self) -> str:
        return f"<Spec {visible(self.source.name)}: {self.summary}>"

    @property
    def summary(self) -> str:
        """What the spec has, in a few words."""
        there = self.resolved
        counted = {
            "models": len(there.models),
            "tasks": len(there.tasks),
            "discoveries": len(there.discoveries),
            "masks": len(there.masks),
            "measures": len(there.measured),
            "claims": len(there.claims),
        }
        return ", ".join(f"{many:,} {ONE[word] if many == 1 else word}" for word, many in counted.items() if many)

    @property
    def checked_spec(self) -> CheckedSpec:
        """What the compiler takes."""
        return self._spec

    def keeping(self) -> Spec:
        """The same, which keeps its prompts, and what its runs find, in folders of the user's own, and takes what is
        kept there."""
        from entrack import kept_runs
        from entrack.prompts.kept_prompts import kept_prompts

        runs = of_the_user("runs", kept_runs.MOST)
        return Spec(self.source, self._spec.checked, stands_in=self._spec.stands_in, prompts=kept_prompts(), runs=runs)

    @property
    def root(self) -> Path:
        """The folder that files and models are named from."""
        return self._spec.root

    @property
    def address(self) -> str:
        """The address of what the spec says: its texts with params, not its comments or layout."""
        return self._spec.address

    @property
    def used_models(self) -> frozenset[str]:
        """The models that something is computed with."""
        return self._spec.used_models

    @interrupts.watched()
    def plan(self, *, download: bool = False, hashed: bool = True) -> Planned:
        """The plan, before a weight is read. Raises SpecError for prompts that cannot be, ModelMissing for files that
        are not here.

        With `hashed` False weight files are not even hashed: such a plan has no addresses.
        """
        arguments.flag(download, "download")
        arguments.flag(hashed, "hashed")
        with within(planning=True):
            return lowered(self._spec, lowerer_of(self._spec, download=download, hashed=hashed))

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
        from entrack.run import repository_of

        arguments.function(tell, "tell")
        with within(planning=True, tell=tell):
            plan, _, survey = surveyed(self._spec, repository_of(store, accept, device))
        return plan, survey

    @interrupts.watched()
    def forecast(
        self,
        store: Store,
        accept: ReusePolicy | str | None = None,
        device: str | None = None,
        tell: Callable[[Limit], None] = lambda limit: None,
    ) -> Forecast:
        """What a run would take: the cost of its steps, as far as a store tells, and how long they take by what others
        took on a device (`estimated`). Computes nothing. `tell` as in `survey`."""
        from entrack.kept_runs import forecast_of
        from entrack.run import repository_of

        arguments.function(tell, "tell")
        return forecast_of(
            self._spec, repository_of(store, accept), arguments.optional(device, arguments.text, "device"), tell
        )

    @interrupts.watched()
    def addresses(self, store: Store) -> frozenset[str]:
        """The addresses of all entries of a store that this spec may take on this machine: as they are, and with its
        own stack."""
        from entrack.run import repository_of

        seen = [self.surveyed(repository_of(store, accept))[1] for accept in ("any", "same-stack")]
        return frozenset(action.address for run in seen for action in run.actions)

    @interrupts.watched()
    def looked(
        self,
        store: Store,
        accept: ReusePolicy | str | None = None,
        device: str | None = None,
        *,
        reference: bool = False,
    ) -> tuple[StepStatus, ...]:
        """Each step of this spec, and whether a store has its value. Computes nothing."""
        from entrack.execution.cache_explain import step_statuses
        from entrack.run import repository_of

        repository = repository_of(store, accept, device, kind=_kind(reference))
        return step_statuses(*self.surveyed(repository), repository)

    def surveyed(self, repository: Repository) -> tuple[Plan, Coordinator, Survey]:
        """The plan as far as a store tells, the run that looked, and what it saw. Computes nothing."""
        return surveyed(self._spec, repository)

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
        gpus_per_worker: int = 1,
        remote: str | os.PathLike[str] | None = None,
        remote_read_only: bool = False,
        workers: int | None = None,
        on: str | None = None,
        time: str | None = None,
        gpus: int | None = None,
        slurm: Sequence[str] = (),
    ) -> Results:
        """Run the spec through a store (default: `store_folder()`). What the store has is not computed again.

        `reference` runs the reference executor: one full forward pass per variant. `memory` is what may be taken beside
        the models themselves, in bytes (default: half of what the machine or its GPU has). `accept` says which stored
        values are taken (`exact`, `same-stack`, `any`; default: `same-stack`, and `any` from a store that cannot be
        written). A model that one GPU has no room for is placed over `gpus_per_worker`. `remote` is the URL or folder
        of results that are shared: asked for what the store does not have, and given what is computed here, unless
        `remote_read_only`. `workers` is how many processes of this machine compute (default: one for each GPU where
        there are several, else none: this process computes). `on` says whose workers compute instead: those of a Dask
        scheduler (`dask://host:port`), of Ray (`ray`, `ray://host:port`), or of `workers` jobs of Slurm (`slurm`) for a
        `time` such as 2h, with `gpus` each and options of sbatch (`slurm`). Raises ArgumentError, SpecError,
        ModelMissing, StoreError, EngineError, NotANumber, and KeyboardInterrupt: what was finished is in the store
        then.
        """
        from entrack.run import employed_here, employed_on, repository_of, run_spec
        from entrack.workers import MOST
        from entrack.workers.cluster import cluster_given
        from entrack.workers.room import workers_given

        arguments.function(watcher, "watcher")
        arguments.optional(device, arguments.text, "device")
        arguments.optional(workers, arguments.whole, "workers", 0, MOST)
        arguments.whole(gpus_per_worker, "gpus_per_worker", 1, MOST_NUMBER)
        cluster = cluster_given(on, workers, time, gpus, slurm)
        if cluster is not None:
            cluster.hold(accept, gpus_per_worker)
        many = workers_given(workers, device, gpus_per_worker) if cluster is None else 0
        watcher = one_at_a_time(watcher) if many or cluster else watcher
        opened = (
            open_store(store_folder(store), watcher) if store is None or isinstance(store, str | os.PathLike) else store
        )
        employ = employed_here(many) if cluster is None else employed_on(cluster)
        with with_remote(opened, remote, watcher, read_only=remote_read_only) as shared:
            repository = repository_of(
                shared, accept, device, threads, memory, _kind(reference), gpus_per_worker, many, on, gpus
            )
            return run_spec(self._spec, repository, watcher, employ)

    async def run_async(self, store: Store | str | os.PathLike[str] | None = None, **options: Any) -> Results:
        """What `run` gives for the same arguments, run in a thread of its own while the event loop goes on.

        Several may go on at once; they take turns, step by step. Where the task that awaits it is cancelled, the run is
        broken off between two forward passes or steps, and what was finished is in the store. Raises what `run` raises,
        and CancelledError. `watcher` is called from that thread.
        """
        from entrack.awaiting import in_thread

        return await in_thread(partial(self.run, store, **options))

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
        gpus_per_worker: int = 1,
        workers: int | None = None,
    ) -> Verification:
        """Compute a sample of the stored steps again: so many (an int) or such a share (a float). Changes nothing in
        the store.

        `reference` computes them with the reference executor; `accept` says which stored values are verified;
        `workers` is how many processes compute, as in `run`. The comparisons are made as they are asked for. Raises
        ArgumentError, SpecError, ModelMissing, StoreError; EngineError while comparing.
        """
        from entrack.run import employed_here, repository_of
        from entrack.verify import sample_given, verify_spec
        from entrack.workers import MOST
        from entrack.workers.room import workers_given

        arguments.function(watcher, "watcher")
        again = _kind(reference)
        arguments.whole(seed, "seed", 0, MOST_NUMBER)
        wanted = sample_given(sample)
        each = arguments.whole(gpus_per_worker, "gpus_per_worker", 1, MOST_NUMBER)
        many = workers_given(arguments.optional(workers, arguments.whole, "workers", 0, MOST), device, each)
        repository = repository_of(store, accept, device, threads, memory, gpus_per_worker=each, workers=many)
        hears = one_at_a_time(watcher) if many else watcher
        return verify_spec(self._spec, repository, wanted, seed, again, hears, employed_here(many, again))

    @interrupts.watched()
    def prompts(
        self, name: str, count: int, model: str | None = None, purpose: str = "measure"
    ) -> tuple[TokenisedPrompts, Tokenizer]:
        """The first `count` prompts of a task, alternate or desideratum, for a model's tokenizer (default: the first
        model here).

        Raises UnknownName for a name that is not there, ArgumentError, SpecError, and ModelMissing where no model of
        the spec is here.
        """
        if arguments.text(name, "name") not in (known := (*self.resolved.tasks, *self.resolved.alternates)):
            raise unknown("the spec has no task, alternate or desideratum", name, known)
        if model is not None and arguments.text(model, "model") not in self.resolved.models:
            raise unknown("the spec has no model", model, self.resolved.models)
        count = arguments.whole(count, "count", 1, PROMPTS.most)
        arguments.choice(purpose, "purpose", PURPOSES)
        return prompts_of(self._spec, name, count, model, purpose)

    @interrupts.watched()
    def model(
        self,
        name: str,
        *,
        watcher: Watcher = unwatched,
        device: str | None = None,
        gpus_per_worker: int = 1,
    ) -> ModelInHand:
        """A model of the spec in memory, for what the language cannot say: as nnsight sees it, with the spec's prompts,
        positions, heads and measures. What is missing is downloaded; weights are checked as those of a run are. They
        stay in memory until the model is closed (`with spec.model("base") as base:`).

        Raises UnknownName for a model that the spec does not declare, ArgumentError, SpecError, ModelMissing,
        EngineError.
        """
        from entrack.by_hand.model import ModelInHand
        from entrack.execution.environment import Environment

        if arguments.text(name, "name") not in self.resolved.models:
            raise unknown("the spec has no model", name, self.resolved.models)
        arguments.function(watcher, "watcher")
        arguments.optional(device, arguments.text, "device")
        each = arguments.whole(gpus_per_worker, "gpus_per_worker", 1, MOST_NUMBER)
        return ModelInHand.load(self._spec, name, Environment(device, gpus_per_worker=each), watcher)

    def prompt_problems(self) -> tuple[Diagnostic, ...]:
        """What is wrong with the prompts, as far as files that are here can tell: a sample of the spec is planned,
        nothing is run."""
        return prompt_problems(self._spec)


def _kind(reference: object) -> ExecutorKind:
    """The executor that the keyword `reference` asks for. Raises ArgumentError."""
    from entrack.plan.executor_kind import ExecutorKind

    return ExecutorKind.of(reference=arguments.flag(reference, "reference"))
