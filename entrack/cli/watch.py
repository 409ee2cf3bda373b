"""`entrack watch`, as it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from entrack.cli.exit_codes import failures
from entrack.cli.options import (
    Accepted,
    Device,
    MemoryBytes,
    Params,
    SpecPath,
    StoreFolder,
    Threads,
    memory_given,
    params,
)


def watch(
    spec: SpecPath,
    p: Params = None,
    store: StoreFolder = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="write results, tables and figures here after each run")
    ] = None,
    device: Device = None,
    threads: Threads = None,
    memory: MemoryBytes = None,
    accept: Accepted = None,
) -> None:
    """Check and run a spec at each save of it, or of a file that it reads, and show what changed. Ctrl-C ends."""
    with failures():
        from entrack.cli.watching import Watching

        engine = {"accept": accept, "device": device, "threads": threads, "memory": memory_given(memory)}
        Watching(spec, params(p), store, out, engine).on_and_on()
