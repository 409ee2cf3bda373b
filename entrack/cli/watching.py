"""What `entrack watch` does: a spec is checked and run at each save, and what changed since the last run is shown.

The process stays, and with it the models that it has loaded. A save while a run goes on ends it between two steps; what
was finished is in the store, and the next run begins there.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from entrack.cli import garbage, runs
from entrack.cli.changes import changes_view
from entrack.cli.exit_codes import Output, screen, tell, tell_failure
from entrack.cli.heartbeat import BEAT
from entrack.cli.progress import ProgressBar
from entrack.cli.saves import Saves
from entrack.diagnostics import Diagnostic, errors
from entrack.diagnostics.escape import visible
from entrack.events import Event, RunStarted, StepDone, StepStarted, unwatched
from entrack.results import Results
from entrack.spec import Spec
from entrack.spec_files import read

BETWEEN_STEPS = (RunStarted, StepStarted, StepDone)
"""Events at which nothing is in the middle of something."""


class Superseded(KeyboardInterrupt):
    """Something was saved: what is being computed is asked for no more. A run is left as it is by Ctrl-C."""


class Watching:
    """A spec that is run again and again in one process."""

    def __init__(
        self, path: Path, given: Mapping[str, float], store: Path | None, out: Path | None, engine: Mapping[str, Any]
    ) -> None:
        from entrack.execution.environment import Environment
        from entrack.plan.executor_kind import ExecutorKind
        from entrack.workers.room import wide_threads
        from entrack.workers.worker import Computing, Settings

        self._path, self._given, self._store, self._out, self._engine = path, given, store, out, engine
        self._saves = Saves([path])
        asked = Environment(engine["device"], engine["threads"], engine["memory"], 1, wide_threads(0))
        self._watcher: Any = unwatched
        self._computing = Computing(Settings(ExecutorKind.OPTIMISED, asked), lambda event: self._watcher(event))
        self._problems: tuple[Diagnostic, ...] = ()
        self._before: Results | None = None
        self._saved: Sequence[Path] = ()
        """What was saved last, of the files that are read."""

    def on_and_on(self) -> None:
        """Until Ctrl-C, which raises KeyboardInterrupt. Raises SpecMissing where there is no spec to begin with."""
        read(self._path)
        while True:
            BEAT.again()
            self._saves.begin()
            try:
                self._once()
            except Superseded:
                _line("ended between two steps: what was finished is kept")
            except Exception as error:
                tell_failure(error, Output())
                _line("waiting for a save")
            BEAT.silent()
            self._saved = [path for path in self._saves.next_save() if not path.is_dir()]
            saved, gone = ([str(path) for path in self._saved if path.exists() is there] for there in (True, False))
            for paths, what in ((saved, "saved"), (gone, "gone")):
                if paths:
                    _line(f"{', '.join(paths)}: {what}")

    def _once(self) -> None:
        """Check and run what is there now. Raises all that a run does, and Superseded."""
        began = time.monotonic()
        spec = self._checked()
        if spec is None:
            return
        results = self._run(spec)
        self._show(results)
        if self._out is not None:
            runs.write(results, spec, self._out)
        _line(f"{_summary(results)}, {time.monotonic() - began:.1f} s; waiting for a save (Ctrl-C ends)")

    def _checked(self) -> Spec | None:
        """The spec, where it has no errors. These are said once: the folder changes for other reasons too."""
        from entrack.check.check import check
        from entrack.compile import count_tokens

        source = read(self._path)
        checked = check(source, self._given, tokens=count_tokens)
        wrong = errors(checked.problems)
        files = (self._path, *checked.files)
        self._saves.look_at([*files, *{path.parent for path in files}] if wrong else files)
        news = checked.problems != self._problems
        self._problems = checked.problems
        if news:
            tell(checked.problems, checked.texts)
        if wrong and (news or self._saved):
            still = "" if news else " as before"
            _line(f"{self._path}: {len(wrong)} error{'s' * (len(wrong) != 1)}{still}; waiting for a save")
        return None if wrong else Spec(source, checked)

    def _run(self, spec: Spec) -> Results:
        from entrack import api
        from entrack.run import repository_of, run_spec, with_engine

        garbage.often()
        with ProgressBar() as bar:
            self._watcher = bar
            opened = api.open_store(api.store_folder(self._store), bar)
            repository = repository_of(opened, **self._engine)
            return run_spec(spec.checked_spec, repository, self._superseding(bar), engine=with_engine(self._computing))

    def _superseding(self, bar: ProgressBar) -> Any:
        """A watcher that ends a run between two steps, once something is saved."""

        def watcher(event: Event) -> None:
            bar(event)
            if isinstance(event, BETWEEN_STEPS) and self._saves.changed():
                raise Superseded

        return watcher

    def _show(self, results: Results) -> None:
        from entrack.report.tables import report
        from entrack.results.changes import changes

        console = screen()
        before, self._before = self._before, results
        if before is None:
            console.print(report(results))
        else:
            found = changes(before, results)
            console.print(changes_view(found) if found else "no number changed")


def _summary(results: Results) -> str:
    held, claims, made = sum(claim.passed for claim in results.claims), results.claims, results.provenance
    said = [f"{held} of {len(claims)} claims hold"] if claims else []
    return ", ".join([*said, f"{made.computed} steps computed, {made.found} found in the store"])


def _line(text: str) -> None:
    """A line with the time of day."""
    print(f"{time.strftime('%H:%M:%S')}  {visible(text)}", flush=True)
