"""`entrack cache`: what the store holds, whether it is whole, and how to make it smaller."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entrack.cli.exits import CLAIM_FAILED, SPEC_ERROR, failures, leave, say, screen
from entrack.cli.sizes import bytes_given
from entrack.diagnostics.visible import visible

if TYPE_CHECKING:  # the store is not imported at start-up
    from entrack.store.base import Store
    from entrack.store.disk import DiskStore

cache = typer.Typer(help="The store of results: what it holds, whether it is whole, and how to make it smaller.", no_args_is_help=True, rich_markup_mode=None)
StoreFolder = Annotated[Path | None, typer.Option("--store", metavar="DIR", help="which store (default: ENTRACK_STORE, else cache/)")]


@cache.command()
def ls(store: StoreFolder = None, n: Annotated[int, typer.Option("-n", min=1, help="how many entries to list")] = 20) -> None:
    """List entries: address, bytes, what it is, how it was made."""
    from rich.table import Table
    from rich.text import Text

    with failures():
        opened = _open(store)
        stats = opened.stats()
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("address", "bytes", "what", "executor", "seconds"):
            table.add_column(heading, justify="right" if heading in ("bytes", "seconds") else "left")
        for place, address in enumerate(opened.addresses()):
            if place == n:
                break
            action = opened.find(address)
            if action is not None:
                how = action.how
                what, executor = (Text(visible(str(how.get(name, "")))) for name in ("what", "executor"))
                table.add_row(address[:16], f"{action.size:,}", what, executor, f"{how.get('seconds', 0):.3f}")
        screen().print(table)
        say(f"{stats.entries} entries, {stats.bytes:,} bytes in {_folder(store)}" + (f"; {n} shown" if stats.entries > n else ""))


@cache.command()
def show(address: Annotated[str, typer.Argument(help="an address, or how it begins", show_default=False)], store: StoreFolder = None) -> None:
    """Show one entry: how it was made, and the arrays in it."""
    import json

    with failures():
        opened = _open(store)
        hits = [known for known in opened.addresses() if known.startswith(address)]
        if len(hits) != 1:
            say(f"{len(hits)} entries begin with {address!r}")
            leave(SPEC_ERROR)
        action = opened.find(hits[0])
        tensors = opened.load(hits[0])
        arrays = {name: {"dtype": str(array.dtype), "shape": list(array.shape)} for name, array in (tensors or {}).items()}
        how = dict(action.how) if action else {}
        print(json.dumps({"address": hits[0], "object": action.object if action else None, "size": action.size if action else None, "how": how, "arrays": arrays}, indent=1))


@cache.command()
def verify(store: StoreFolder = None) -> None:
    """Hash every entry again. Exit status 1 when something is damaged."""
    with failures():
        from entrack.store.verify import verify as verify_store

        report = verify_store(_disk(store))
        for damage in report.damage:
            say(damage.message)
        say(f"{report.actions} entries, {report.objects} objects, {report.bytes:,} bytes: {len(report.damage)} damaged, {len(report.orphans)} without an entry")
        if report.damage:
            leave(CLAIM_FAILED)


@cache.command()
def gc(
    store: StoreFolder = None,
    max_size: Annotated[str | None, typer.Option("--max-size", metavar="BYTES", help="such as 500M or 2G: oldest entries go until it fits")] = None,
    keep_spec: Annotated[list[Path] | None, typer.Option("--keep-spec", metavar="SPEC", help="keep what this spec needs; may be repeated")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would go")] = False,
) -> None:
    """Remove entries: all but what the kept specs need, or the oldest until the store is small enough. Never happens by itself."""
    with failures():
        from entrack.store.gc import collect

        if max_size is None and not keep_spec:
            say("say what may go: --max-size 2G, or --keep-spec SPEC, or both")
            leave(SPEC_ERROR)
        opened = _disk(store)
        roots = {address for spec in keep_spec or [] for address in _needed(spec, opened)}
        report = collect(opened, roots, _bytes(max_size), dry_run)
        say(f"{'would remove' if dry_run else 'removed'} {len(report.actions)} entries, {report.freed_bytes:,} bytes; {report.kept} entries, {report.kept_bytes:,} bytes stay")


@cache.command()
def doctor(store: StoreFolder = None) -> None:
    """Look at the store's surroundings: file system, SQLite, permissions, free space, leftovers. Exit status 1 when something is wrong."""
    with failures():
        from entrack.store.doctor import doctor as examine

        checks = examine(_folder(store))
        for check in checks:
            print(visible(f"{'ok  ' if check.good else 'BAD '} {check.name}: {check.found}" + (f" - {check.advice}" if check.advice else "")))
        if not all(check.good for check in checks):
            leave(CLAIM_FAILED)


def _folder(store: Path | None) -> Path:
    from entrack.api import store_folder

    return store_folder(store)


def _open(store: Path | None) -> Store:
    from entrack.api import open_store

    return open_store(_folder(store))


def _disk(store: Path | None) -> DiskStore:
    from entrack.store.disk import DiskStore

    return DiskStore(_folder(store), on_damage=lambda damage: say(damage.message))


def _needed(spec: Path, opened: Store) -> frozenset[str]:
    """The addresses of all steps of a spec that the store has."""
    from entrack import api

    return api.load(spec).addresses(opened)


def _bytes(text: str | None) -> int | None:
    if text is None:
        return None
    return bytes_given("--max-size", text)
