"""`entrack lock`, `pack` and `unpack`: a spec as a paper's artifact."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entrack.cli import exit_codes
from entrack.cli.exit_codes import failures, leave, say
from entrack.cli.options import Accepted, Device, Json, Params, SpecPath, StoreFolder, params

if TYPE_CHECKING:
    from entrack.artifact.lock import Lock, Moved
    from entrack.events import Watcher
    from entrack.execution.reuse_policy import ReusePolicy
    from entrack.models.supplied import Supplied
    from entrack.spec import Spec
    from entrack.store.base import Store


def lock(
    spec: SpecPath,
    p: Params = None,
    store: StoreFolder = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="write nothing; say what moved since, with status 1 when something did")
    ] = False,
    device: Device = None,
    accept: Accepted = None,
    as_json: Json = False,
) -> None:
    """Write down what a spec is made of, beside it as SPEC.lock: its files, its models' files and revisions, the
    steps of its plan, versions."""
    with failures(as_json=as_json) as shown:
        from entrack import api
        from entrack.artifact import facts
        from entrack.artifact.lock import moved, path_of, read
        from entrack.files import put
        from entrack.run import repository_of

        old = read(path_of(spec)) if diff else None
        loaded = api.checked(api.read(spec), params(p))
        opened = api.open_store(api.store_folder(store), inspect=True)
        new = facts.lock_of(loaded.checked_spec, repository_of(opened, accept, device))
        if old is None:
            put(path_of(spec), new.text.encode())
            say(f"wrote {path_of(spec)}: {_locked(new)}")
            return
        lines = moved(old, new)
        shown.give(_moved_json, _moved_text, lines)
        if lines:
            leave(exit_codes.CLAIM_FAILED)


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
def held(
    lock: Lock | None,
    spec: Spec,
    store: Store,
    watcher: Watcher,
    accept: ReusePolicy | None,
    device: str | None,
    *,
    reference: bool,
) -> Iterator[None]:
    """A run, if nothing has moved since a lock was written: looked at before, and after it. Raises LockDrift."""
    if lock is None:
        yield
        return
    from entrack.artifact.lock import path_of
    from entrack.artifact.locked import hold_after, hold_before
    from entrack.plan.executor_kind import ExecutorKind
    from entrack.run import fetched, repository_of

    name, kind = path_of(Path(spec.source.name)).name, ExecutorKind.of(reference=reference)
    repository = repository_of(store, accept, device, kind=kind)
    hold_before(lock, name, fetched(spec.checked_spec, watcher), repository)
    yield
    hold_after(lock, name, spec.checked_spec, repository)


def _locked(lock: Lock) -> str:
    many = (lock.facts.get("root all") or lock.facts["root known"]).partition(" ")[0]
    if "root all" in lock.facts:
        return f"{len(lock.facts)} lines, with the addresses of all {many} steps"
    known = f"the addresses of the {many} steps that are known before a run"
    return f"{len(lock.facts)} lines, with {known}; run, then lock again for all"


def _moved_json(lines: tuple[Moved, ...]) -> list[dict[str, str | None]]:
    return [{"key": line.key, "old": line.old, "new": line.new} for line in lines]


def _moved_text(lines: tuple[Moved, ...]) -> str:
    from rich.markup import escape

    return escape("\n".join(map(str, lines)) or "nothing moved")
