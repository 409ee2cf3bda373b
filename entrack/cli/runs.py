"""What `entrack run` runs - a spec, held to its lock where that is asked for, or the spec in a pack - and what it shows
and writes. Nothing here reads a command line."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from entrack.cli import exit_codes, garbage
from entrack.cli.exit_codes import failures, leave, refuse, say, tell
from entrack.execution.reuse_policy import ReusePolicy
from entrack.frozen import frozen

if TYPE_CHECKING:
    from entrack.artifact.content import Content
    from entrack.artifact.lock import Lock
    from entrack.events import Watcher
    from entrack.models.supplied import Supplied
    from entrack.results import Results
    from entrack.spec import Spec
    from entrack.store.base import Store

SUFFIX = ".etz"
ENGINE = ("device", "threads", "memory", "gpus_per_worker", "workers", "on", "gpus")
"""The options of `Spec.run` that say with what is computed."""


def run(
    spec: Path,
    given: Mapping[str, float],
    options: Mapping[str, Any],
    *,
    store: Path | None = None,
    out: Path | None = None,
    pack: Path | None = None,
    as_json: bool = False,
    pdf: bool = False,
    figure_width: str | None = None,
    strict: bool = False,
    locked: bool = False,
) -> None:
    """Run a spec, or the spec in a pack, with params `given` and the options of `Spec.run`; show what it found, and
    write it into `out`."""
    with failures(as_json=as_json) as shown:
        from entrack.cli.claims import what_failed
        from entrack.cli.progress import ProgressBar
        from entrack.events import one_at_a_time

        if locked and (pack is not None or is_pack(spec)):
            refuse("--locked is for a spec and a store of your own: a pack has its lock, and `verify` holds it")
        with runner(spec, given, store, pack, locked=locked) as runnable, ProgressBar() as bar:
            garbage.often()
            results = runnable.run(one_at_a_time(bar), options)
        if as_json:
            from entrack.report.document import document

            shown.document(document(results))
        else:
            from entrack.report.tables import report

            shown.show(report(results))
        if out is not None:
            from entrack.cli.artifacts import listed

            written = write(results, runnable.spec, out, pdf=pdf, width=figure_width)
            say(f"wrote {len(written)} files into {out}: {listed(written, out)}")
        if strict and not results.passed:
            say(what_failed(results.claims))
            leave(exit_codes.CLAIM_FAILED)


def write(results: Results, spec: Spec, out: Path, *, pdf: bool = False, width: str | None = None) -> tuple[Path, ...]:
    """Write what a run found into a folder. Raises OSError."""
    from entrack.cli.artifacts import kept_figures, write_all

    # figures are drawn into files; matplotlib would refuse to load for a name that it does not know
    os.environ.pop("MPLBACKEND", None)
    return write_all(results, spec, out, pdf=pdf, width=width, kept=kept_figures())


def is_pack(path: Path) -> bool:
    """Whether a file is a pack and not a spec."""
    from entrack.artifact.archive import is_archive

    return path.suffix == SUFFIX or is_archive(path)


@frozen
class Runnable:
    """A spec, and what runs it with a watcher and options."""

    spec: Spec
    run: Callable[[Watcher, Mapping[str, Any]], Results]


@contextmanager
def runner(
    path: Path, given: Mapping[str, float], store: Path | None, pack: Path | None, *, locked: bool
) -> Iterator[Runnable]:
    """What runs a spec, or the spec in a pack; through the outcomes of a `pack` where one is named. Raises SpecError,
    LockMissing, LockRefused, PackRefused."""
    from entrack import api

    with ExitStack() as files:
        if is_pack(path):
            inside = files.enter_context(_unfolded(path, given))
            yield Runnable(inside.spec, _of_pack(inside, given, store, path.parent))
            return
        content = None if pack is None else files.enter_context(_unfolded(pack, {}))
        lock, supplied = lock_held(path, locked=locked)
        spec = api.checked(api.read(path), given, supplied=supplied).keeping()
        tell(spec.problems, spec.sources)

        def run(bar: Watcher, options: Mapping[str, Any]) -> Results:
            own: Store = api.open_store(api.store_folder(store), bar)
            if content is not None:
                from entrack.artifact.outcomes import Layered

                own, options = Layered(content.store, own), {"accept": ReusePolicy.ANY, **options}
            if lock is None:
                return spec.run(own, watcher=bar, **options)
            with held(lock, spec, api.open_store(api.store_folder(store), inspect=True), bar, options):
                return spec.run(own, watcher=bar, **options)

        yield Runnable(spec, run)


def _of_pack(
    content: Content, given: Mapping[str, float], store: Path | None, beside: Path
) -> Callable[[Watcher, Mapping[str, Any]], Results]:
    from entrack import api
    from entrack.artifact.run_pack import run_content

    def run(bar: Watcher, options: Mapping[str, Any]) -> Results:
        own = api.open_store(api.store_folder(store), bar)
        return run_content(content, given, own, beside, {**options, "watcher": bar})

    return run


@contextmanager
def _unfolded(pack: Path, given: Mapping[str, float]) -> Iterator[Content]:
    from entrack.artifact.archive import opened
    from entrack.artifact.content import unfolded
    from entrack.artifact.verify import hold_to_manifest

    with closing(opened(pack)) as archive:
        hold_to_manifest(archive)
        with unfolded(archive, given) as content:
            tell(content.spec.problems, content.spec.sources)
            yield content


def lock_held(spec: Path, *, locked: bool) -> tuple[Lock | None, Supplied]:
    """The lock of a spec, where it is asked for, and what it says of models. Raises LockMissing, LockRefused."""
    from entrack.models.supplied import NOTHING_SUPPLIED

    if not locked:
        return None, NOTHING_SUPPLIED
    from entrack.artifact.facts import supplied_by
    from entrack.artifact.lock import path_of, read

    found = read(path_of(spec))
    return found, supplied_by(found)


@contextmanager
def held(lock: Lock, spec: Spec, store: Store, watcher: Watcher, options: Mapping[str, Any]) -> Iterator[None]:
    """A run, if nothing has moved since a lock was written: looked at before, and after it. Raises LockDrift."""
    from entrack.artifact.lock import path_of
    from entrack.artifact.locked import hold_after, hold_before
    from entrack.plan.executor_kind import ExecutorKind
    from entrack.run import fetched, repository_of

    name, kind = path_of(Path(spec.source.name)).name, ExecutorKind.of(reference=options["reference"])
    engine = {option: options[option] for option in ENGINE if option in options}
    repository = repository_of(store, options.get("accept"), kind=kind, **{"workers": None, **engine})
    hold_before(lock, name, fetched(spec.checked_spec, watcher), repository)
    yield
    hold_after(lock, name, spec.checked_spec, repository)
