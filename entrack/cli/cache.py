"""`entrack cache`: what the store holds, whether it is whole, and how to make it smaller."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entrack.cli.exit_codes import CLAIM_FAILED, Output, failures, leave, refuse, say
from entrack.cli.options import Accepted, Json, Params, StandIn, StoreFolder, params
from entrack.cli.units import bytes_given
from entrack.diagnostics.escape import visible

if TYPE_CHECKING:  # the store is not imported at start-up
    from entrack.execution.cache_explain import StepStatus
    from entrack.store.base import Store
    from entrack.store.disk import DiskStore

cache = typer.Typer(
    help="The store of results: what it holds, whether it is whole, and how to make it smaller.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@cache.command()
def ls(
    store: StoreFolder = None, n: Annotated[int, typer.Option("-n", min=1, help="how many entries to list")] = 20
) -> None:
    """List entries: address, bytes, what it is, how it was made."""
    from rich.text import Text

    from entrack.cli.table import table

    with failures() as shown:
        from entrack.execution.read_run_record import read_run_record

        opened = _open(store)
        stats = opened.stats()
        entries = table("address", "bytes", "what", "executor", "seconds", right=("bytes", "seconds"))
        for place, address in enumerate(opened.addresses()):
            if place == n:
                break
            action = opened.find(address)
            if action is not None:
                how = read_run_record(action.how)
                what, executor = (Text(visible(str(how.get(name, "")))) for name in ("what", "executor"))
                entries.add_row(address[:16], f"{action.size:,}", what, executor, f"{how.get('seconds', 0):.3f}")
        shown.show(entries)
        say(
            f"{stats.entries} entries, {stats.bytes:,} bytes in {_folder(store)}"
            + (f"; {n} shown" if stats.entries > n else "")
        )


@cache.command()
def show(
    address: Annotated[str, typer.Argument(help="an address, or how it begins", show_default=False)],
    store: StoreFolder = None,
) -> None:
    """Show one entry: how it was made, and the arrays in it."""
    with failures() as shown:
        opened = _open(store)
        whole = _whole(opened, address)
        action = opened.find(whole)
        tensors = opened.load(whole)
        arrays = {
            name: {"dtype": str(array.dtype), "shape": list(array.shape)} for name, array in (tensors or {}).items()
        }
        how = dict(action.how) if action else {}
        shown.document(
            {
                "address": whole,
                "object": action.object if action else None,
                "size": action.size if action else None,
                "how": how,
                "arrays": arrays,
            }
        )


@cache.command()
def why(
    target: Annotated[
        str,
        typer.Argument(
            metavar="SPEC|ADDRESS", help="a .et file, or how the address of an entry begins", show_default=False
        ),
    ],
    step: Annotated[
        str | None,
        typer.Argument(
            metavar="[STEP]", help="a number, words of what it is for, or how its address begins", show_default=False
        ),
    ] = None,
    diff: Annotated[
        Path | None, typer.Option("--diff", metavar="SPEC", help="compare the steps with those of another spec")
    ] = None,
    p: Params = None,
    stand_in: StandIn = None,
    store: StoreFolder = None,
    reference: Annotated[bool, typer.Option("--reference", help="the steps of the reference executor")] = False,
    accept: Accepted = None,
    n: Annotated[int, typer.Option("-n", min=1, help="how many steps to list")] = 20,
    as_json: Json = False,
) -> None:
    """Say what a result is known by: the key of a spec's steps part by part, whether the store has them, and what
    else is nearest."""
    with failures(as_json=as_json) as shown:
        from entrack import api

        opened = _open(store)
        if not Path(target).exists() and is_address(target):
            return _tell_entry(shown, opened, target)
        looked = [
            api.checked(api.read(spec), params(p), stand_in).looked(opened, accept, reference=reference)
            for spec in (target, diff)
            if spec is not None
        ]
        if diff is not None:
            return _tell_difference(shown, target, diff, looked, step)
        _tell_steps(shown, target, looked[0], step, n, opened)


@cache.command()
def verify(store: StoreFolder = None) -> None:
    """Hash every entry again, and compare the index with the entries. Changes nothing. Exit status 1 when something
    is damaged."""
    with failures():
        from entrack.store.verify import verify as verify_store

        report = verify_store(_disk(store, inspect=True))
        for damage in report.damage:
            say(damage.message)
        unindexed = f", {report.unindexed} not in the index" if report.unindexed else ""
        say(
            f"{report.actions} entries, {report.objects} objects, {report.bytes:,} bytes: "
            f"{len(report.damage)} damaged, {len(report.orphans)} without an entry" + unindexed
        )
        if report.damage:
            leave(CLAIM_FAILED)


@cache.command()
def gc(
    store: StoreFolder = None,
    max_size: Annotated[
        str | None,
        typer.Option("--max-size", metavar="BYTES", help="such as 500M or 2G: oldest entries go until it fits"),
    ] = None,
    keep_spec: Annotated[
        list[Path] | None,
        typer.Option("--keep-spec", metavar="SPEC", help="keep what this spec needs; may be repeated"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would go")] = False,
) -> None:
    """Remove entries: all but what the kept specs need, or the oldest until the store is small enough. Never happens
    by itself."""
    with failures():
        from entrack.store.gc import collect

        if max_size is None and not keep_spec:
            refuse("say what may go: --max-size 2G, or --keep-spec SPEC, or both")
        max_bytes = None if max_size is None else bytes_given("--max-size", max_size)
        opened = _disk(store, inspect=dry_run)
        roots = {address for spec in keep_spec or [] for address in _needed(spec, opened)}
        report = collect(opened, roots, max_bytes, dry_run=dry_run)
        say(
            f"{'would remove' if dry_run else 'removed'} {len(report.actions)} entries, "
            f"{report.freed_bytes:,} bytes; {report.kept} entries, {report.kept_bytes:,} bytes stay"
        )


@cache.command()
def doctor(store: StoreFolder = None) -> None:
    """Look at the store's surroundings: file system, SQLite, permissions, free space, leftovers. Exit status 1 when
    something is wrong."""
    with failures():
        from entrack.store.doctor import doctor as examine

        checks = examine(_folder(store))
        for check in checks:
            print(
                visible(
                    f"{'ok  ' if check.good else 'BAD '} {check.name}: {check.found}"
                    + (f" - {check.advice}" if check.advice else "")
                )
            )
        if not all(check.good for check in checks):
            leave(CLAIM_FAILED)


def _tell_entry(shown: Output, opened: Store, begins: str) -> None:
    from entrack.cli.cache_explain import entry
    from entrack.cli.cache_explain_json import entry_json

    action = opened.find(_whole(opened, begins))
    if action is None:
        refuse(f"the value of {begins} is there no more")
    shown.give(entry_json, entry, action)


def _tell_steps(
    shown: Output, name: str, steps: Sequence[StepStatus], asked: str | None, n: int, opened: Store
) -> None:
    from entrack.cli.cache_explain import chosen, listing, one, summary
    from entrack.cli.cache_explain_json import steps_json
    from entrack.execution.cache_explain import compared

    wanted = steps if asked is None else chosen(steps, asked)
    if not wanted:
        refuse(
            f"no step of {name} is called {asked!r}: say its number from 1 to {len(steps)}, words of what it "
            "is for, or how its address begins"
        )
    known, unkeyed = compared(wanted, opened, steps)
    if shown.as_json:
        shown.document(steps_json(known, unkeyed))
    elif len(known) == 1:
        shown.show(one(known[0], len(steps), unkeyed))
    elif asked is None or (len(known) > n and len({step.what for step in known}) > 1):
        shown.show(summary(name, known, unkeyed))
    else:
        shown.show(listing(known, n, unkeyed))


def _tell_difference(
    shown: Output, first: str, second: Path, looked: Sequence[Sequence[StepStatus]], asked: str | None
) -> None:
    from entrack.cli.cache_difference import difference
    from entrack.cli.cache_explain_json import difference_json
    from entrack.execution.cache_explain import matched

    pairs = [pair for pair in matched(*looked) if asked is None or asked in pair.what]
    if shown.as_json:
        shown.document(difference_json(pairs))
    else:
        shown.show(difference(first, str(second), pairs))


def _whole(opened: Store, begins: str) -> str:
    """The one address that begins so; else an error is said."""
    hits = [known for known in opened.addresses() if known.startswith(begins)]
    if len(hits) != 1:
        refuse(f"{len(hits)} entries begin with {begins!r}")
    return hits[0]


def is_address(text: str) -> bool:
    """Whether a text can be how an address begins."""
    return 0 < len(text) <= 64 and set(text) <= set("0123456789abcdef")


def _folder(store: Path | None) -> Path:
    from entrack.api import store_folder

    return store_folder(store)


def _open(store: Path | None) -> Store:
    from entrack.api import open_store

    return open_store(_folder(store), inspect=True)


def _disk(store: Path | None, *, inspect: bool) -> DiskStore:
    from entrack.store.disk import DiskStore

    return DiskStore(_folder(store), on_damage=lambda damage: say(damage.message), inspect=inspect)


def _needed(spec: Path, opened: Store) -> frozenset[str]:
    """The addresses of all steps of a spec that the store has."""
    from entrack import api

    return api.load(spec).addresses(opened)
