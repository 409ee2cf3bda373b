"""`python -m benchmarks --size quick`: measure, print a table, and write benchmarks/results.json."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.crew import Place, crew
from benchmarks.profile import profiled
from benchmarks.records import merged
from benchmarks.rounds import measured
from benchmarks.sizes import SIZES
from benchmarks.table import show
from benchmarks.tasks import Size, read
from benchmarks.world import HOPS, build

FULL = ("ours", "floor", "plain", "published")
CONTENDERS = {
    **dict.fromkeys(HOPS, (*FULL, "transformer_lens")),
    "mask step": FULL,
    "circuits": FULL,
    "interchange": (*FULL, "pyvene"),
}
WIDTH = 160
RESULTS = Path(__file__).parent / "results.json"


def main(
    size: Annotated[str, typer.Option(help=f"one of {', '.join(SIZES)}")] = "quick",
    only: Annotated[list[str] | None, typer.Option(help="a piece of work; may be given again")] = None,
    who: Annotated[list[str] | None, typer.Option(help="a contender; may be given again")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="rounds after the first, which also makes what is kept")] = 2,
    threads: Annotated[int, typer.Option(min=1)] = 1,
    device: Annotated[str, typer.Option()] = "cpu",
    out: Annotated[Path, typer.Option(help="where the records go; those of other work stay")] = RESULTS,
    keep: Annotated[Path | None, typer.Option(help="a folder that keeps the random models for another run")] = None,
    peers: Annotated[Path | None, typer.Option(help="a Python in which the peers are installed")] = None,
    profile: Annotated[str | None, typer.Option(help="a piece of work: measure nothing, show where its time goes, in ours and in the floor")] = None,
) -> None:
    """Measure entrack against other ways to compute the same."""
    console, start = Console(width=WIDTH), time.perf_counter()

    def say(what: str) -> None:
        console.print(f"{time.perf_counter() - start:6.1f} s  {what}", style="dim", highlight=False)

    if profile is not None:
        with folder(keep, SIZES[size]) as at:
            print(profiled(at, profile, who or ("ours", "floor"), device, threads))
        return
    with folder(keep, SIZES[size]) as at, crew(Place(at, device, threads, peers)) as hands:
        for row in only or CONTENDERS:
            contenders = [name for name in CONTENDERS[row] if not who or name in who]
            records = measured(hands, SIZES[size], read(at / "tasks" / f"{row}.json"), contenders, repeats, say)
            show(console, [one for one in merged(out, records) if one["size"] == size and one["work"] == row])
    console.print(f"{SIZES[size].words()}; {time.perf_counter() - start:.0f} s in all; written to {out}", highlight=False)


@contextmanager
def folder(keep: Path | None, size: Size) -> Iterator[Path]:
    """The world, in a folder that stays or in one that goes."""
    with tempfile.TemporaryDirectory() as temporary:
        at = (keep or Path(temporary)) / size.name
        build(at, size)
        yield at


typer.run(main)
