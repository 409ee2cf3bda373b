"""`%%entrack`: a spec in a cell, run where it stands; and `%entrack`, a command about a spec's file.

What is wrong with a spec is shown as `entrack check` shows it, and the cell ends with one line: no traceback, but of
what is a mistake in entrack.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from IPython.display import Markdown, display

from entrack import api
from entrack.cli.failures import INTERNAL, failure
from entrack.errors import ArgumentError, EntrackError, unknown
from entrack.notebook.asked import Asked, asked
from entrack.notebook.views import PlanInStore, Problems
from entrack.source import Source
from entrack.spec import Spec

RESULTS, SPEC = "results", "spec"
"""The variables that a cell sets, where it does not say another name for the first."""
INTERRUPTED = "interrupted: what was finished is kept; the same cell goes on from there"


class CellEnded(EntrackError):
    """A cell could not be done; the message says why, in a line."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class Magic:
    """The magic of one IPython shell."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell

    def entrack(self, line: str, cell: str | None = None) -> object:
        """A spec in a cell: checked, run, its results shown.

            %%entrack [NAME] [--PARAM NUMBER | -p PARAM=NUMBER]... [--check | --plan] [options of `entrack run`]

        Results go into the variable NAME, or `results`, and the spec into `spec`. `--check` says what is wrong with the
        spec, `--plan` what it would cost; neither runs it. Files that the spec names are looked for in the notebook's
        folder. Options: --store DIR, --workers N, --device NAME, --threads N, --memory BYTES, --accept POLICY,
        --reference, --remote URL, --remote-read-only, --gpus-per-worker N, --on CLUSTER, --time, --gpus N, --slurm.

            %entrack run|check|plan|fmt FILE, %entrack explain CODE

        The same of a spec's file: `run` gives its results; `fmt` writes the file in the one style there is.
        """
        with _ended_in_a_line():
            given = asked(line)
            if cell is not None:
                return self._cell(given, cell)
            command, *words = given.words or ("",)
            if command not in COMMANDS:
                raise unknown("%entrack has no command", command, COMMANDS)
            if len(words) != 1:
                raise ArgumentError(f"%entrack {command} takes {'a CODE' if command == 'explain' else 'a FILE'}")
            return COMMANDS[command](self, words[0], given)

    def _cell(self, given: Asked, cell: str) -> object:
        name = _name(given.words)
        source = Source(self._path(), f"\n{cell}")  # its lines are numbered as those of the cell
        if given.check:
            return _checked(source, given)
        if given.plan:
            return self._planned(source, given)
        spec = self._spec(source, given)
        results = self._run(spec, given)
        self._shell.user_ns[name] = results
        return results

    def _path(self) -> str:
        """What the cell is called, in the notebook's folder."""
        cell = f"cell {self._shell.displayhook.prompt_count}"
        folder = notebook_folder(self._shell.user_ns, Path(self._shell.starting_dir))
        return cell if folder == Path.cwd() else str(folder / cell)

    def _spec(self, source: Source, given: Asked) -> Spec:
        spec = api.checked(source, given.params)
        self._shell.user_ns[SPEC] = spec
        if spec.problems:
            display(Problems(spec.problems, spec.sources))  # type: ignore[no-untyped-call]
        return spec

    def _run(self, spec: Spec, given: Asked) -> object:
        with _progress(self._shell) as bar:
            return spec.run(api.open_store(api.store_folder(given.store), bar), watcher=bar, **given.options)

    def _planned(self, source: Source, given: Asked) -> PlanInStore:
        store = api.open_store(api.store_folder(given.store), inspect=True)
        return PlanInStore(*self._spec(source, given).survey(store, given.options.get("accept")))

    # commands about files

    def _run_file(self, path: str, given: Asked) -> object:
        return self._run(self._spec(api.read(path), given), given)

    def _check_file(self, path: str, given: Asked) -> Problems:
        return _checked(api.read(path), given)

    def _plan_file(self, path: str, given: Asked) -> PlanInStore:
        return self._planned(api.read(path), given)

    def _format_file(self, path: str, given: Asked) -> None:
        from entrack.cli.rewrite import rewrite

        source = api.read(path)
        text, problems = api.formatted(source)
        if text is None:
            raise api.SpecError(problems, {source.name: source})
        if text != source.text:
            rewrite(Path(path), source.text, text)
        print(f"{path}: {'is formatted' if text != source.text else 'was formatted'}")

    def _explain(self, code: str, given: Asked) -> None:
        from entrack.diagnostics.pages import codes, page

        text = page(code.upper())
        if text is None:
            raise unknown("no diagnostic has the code", code, codes())
        display(Markdown(text))  # type: ignore[no-untyped-call]


COMMANDS: Mapping[str, Callable[[Magic, str, Asked], object]] = {
    "run": Magic._run_file,
    "check": Magic._check_file,
    "plan": Magic._plan_file,
    "fmt": Magic._format_file,
    "explain": Magic._explain,
}


def notebook_folder(variables: Mapping[str, object], start: Path) -> Path:
    """The folder of the notebook: as VS Code says, as Jupyter's server says, else where the kernel was started."""
    for said in (variables.get("__vsc_ipynb_file__"), os.environ.get("JPY_SESSION_NAME")):
        if isinstance(said, str) and os.path.isabs(said) and Path(said).parent.is_dir():
            return Path(said).parent
    return start


def _name(words: tuple[str, ...]) -> str:
    """The variable that results go into. Raises ArgumentError."""
    if len(words) > 1 or not all(word.isidentifier() for word in words):
        raise ArgumentError(f"%%entrack takes the name of one variable for the results; this is {' '.join(words)!r}")
    return words[0] if words else RESULTS


def _checked(source: Source, given: Asked) -> Problems:
    problems, sources = api.check(source, given.params)
    return Problems(problems, sources)


def _progress(shell: Any) -> Any:
    """Below a cell, or, where IPython runs on a terminal, a bar there."""
    if hasattr(shell, "kernel"):
        from entrack.notebook.progress import CellProgress

        return CellProgress()
    from entrack.cli.progress import ProgressBar

    return ProgressBar()


@contextmanager
def _ended_in_a_line() -> Iterator[None]:
    """Show what is wrong with a spec; anything that went wrong ends the cell with a line."""
    try:
        yield
    except KeyboardInterrupt:
        raise CellEnded(INTERRUPTED) from None
    except api.SpecError as error:
        display(Problems(error.problems, error.sources))  # type: ignore[no-untyped-call]
        raise CellEnded(failure(error).message) from None
    except Exception as error:
        failed = failure(error)
        if failed.status == INTERNAL:
            raise
        words = failed.message if isinstance(error, ArgumentError) else f"{failed.name}: {failed.message}"
        raise CellEnded(words) from None
