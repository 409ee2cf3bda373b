"""`python -m benchmarks`: measure, print a table, and write benchmarks/results.json (docs/benchmarks.md)."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import torch
import typer
from attrs import evolve, frozen
from rich.console import Console

from benchmarks.crew import Crew, Failed, Place, crew
from benchmarks.discovery import discovery
from benchmarks.instant import WORK as INSTANT
from benchmarks.instant import instant
from benchmarks.profile import profiled
from benchmarks.race import WORK, race
from benchmarks.readme import README, written
from benchmarks.records import Record, merged, stored
from benchmarks.rounds import Different, Say, measured
from benchmarks.sizes import ALL, FULLY, SUITES, Suite
from benchmarks.study import ROOT, study
from benchmarks.table import show
from benchmarks.tasks import Size, read
from benchmarks.workers import WORK as WORKERS
from benchmarks.workers import workers
from benchmarks.world import HOPS, build

RESULTS = Path(__file__).parent / "results.json"
WIDTH = 180


@frozen
class Asked:
    """What is to be measured, as the command line says it."""

    only: tuple[str, ...]
    who: tuple[str, ...]
    repeats: int
    threads: int
    out: Path
    keep: Path | None
    peers: Path | None
    resume: bool

    def wants(self, size: str, work: str) -> bool:
        """Whether a piece of work was asked for, and is not there already in a run that is resumed."""
        there = self.resume and any((one["size"], one["work"]) == (size, work) for one in stored(self.out))
        return not there and (not self.only or work in self.only)


def main(
    size: Annotated[
        list[str] | None,
        typer.Option(help=f"one of {', '.join(SUITES)}, or full: {', '.join(FULLY)}; may be repeated (default: quick)"),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="a piece of work, such as 'hop 1', circuits or discovery; may be repeated")
    ] = None,
    who: Annotated[list[str] | None, typer.Option(help="a contender; may be repeated")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="rounds, after a first one that also makes what is kept")] = 2,
    prompts: Annotated[int | None, typer.Option(min=1, help="so many prompts instead of the size's own")] = None,
    threads: Annotated[int, typer.Option(min=1)] = 1,
    memory: Annotated[
        int | None,
        typer.Option(min=1, help="bytes within which ours is to stay beside its model (default: the size's own)"),
    ] = None,
    out: Annotated[Path, typer.Option(help="where the records go; those of other work stay")] = RESULTS,
    resume: Annotated[bool, typer.Option("--resume", help="leave out what is in the records already")] = False,
    keep: Annotated[Path | None, typer.Option(help="a folder that keeps the random models for another run")] = None,
    peers: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="a Python in which the peers are installed")
    ] = None,
    readme: Annotated[
        bool, typer.Option("--readme", help="measure nothing, put the records' ratios into the README")
    ] = False,
    profile: Annotated[
        str | None,
        typer.Option(help="a piece of work: measure nothing, show where its time goes, in ours and in the floor"),
    ] = None,
) -> None:
    """Measure entrack against other ways to compute the same."""
    if readme:
        README.write_text(written(README.read_text(encoding="utf-8"), stored(out)), encoding="utf-8")
        return
    console, start = Console(width=WIDTH), time.perf_counter()

    def say(what: str) -> None:
        console.print(f"{time.perf_counter() - start:6.1f} s  {what}", style="dim", highlight=False)

    known(
        only,
        (
            *ALL,
            "discovery",
            INSTANT,
            WORK,
            WORKERS,
            *(f"study {Path(spec).stem}" for suite in SUITES.values() for spec, _, _ in suite.studies),
        ),
        "work",
    )
    known(who, {one for contenders in ALL.values() for one in contenders}, "contender")
    known(None if profile is None else [profile], ALL, "work")
    asked = Asked(tuple(only or ()), tuple(who or ()), repeats, threads, out, keep, peers, resume)
    for suite in suites(size or ["quick"], prompts, memory, say):
        with folder(suite, asked) as at:
            if profile is not None:
                print(profiled(at, profile, who or ("ours", "floor"), suite.device, threads))
            else:
                measure(suite, at, asked, console, say)
    say("done" if profile is not None else f"done; written to {out}")


def known(names: list[str] | None, there: Iterable[str], what: str) -> None:
    """Raise BadParameter for a name that means nothing."""
    for name in names or ():
        if name not in there:
            raise typer.BadParameter(f"no {what} is called {name!r}: there are {', '.join(sorted(set(there)))}")


def suites(names: list[str], prompts: int | None, memory: int | None, say: Say) -> Iterator[Suite]:
    """The suites by name, on this machine."""
    for name in [one for given in names for one in (FULLY if given == "full" else (given,))]:
        if name not in SUITES:
            raise typer.BadParameter(f"no size is called {name!r}: there are {', '.join(SUITES)}, and full")
        suite = SUITES[name] if memory is None else evolve(SUITES[name], memory=memory)
        if suite.device == "cuda" and not torch.cuda.is_available():
            say(f"{name}: left out, there is no GPU")
            continue
        yield suite if prompts is None else evolve(suite, size=_with(suite, prompts))


def _with(suite: Suite, prompts: int) -> Size:
    return replace(suite.size, name=f"{suite.size.name}, {prompts} prompts", prompts=prompts)


@contextmanager
def folder(suite: Suite, asked: Asked) -> Iterator[Path]:
    """The world, in a folder that stays or in one that goes."""
    with tempfile.TemporaryDirectory() as temporary:
        at = (asked.keep or Path(temporary)) / suite.size.name
        build(at, suite.size, suite.device)
        yield at


def measure(suite: Suite, at: Path, asked: Asked, console: Console, say: Say) -> None:
    """All of a suite, written and shown piece by piece."""
    console.print(f"{suite.size.name}: {suite.size.words()}", highlight=False)
    name = suite.size.name

    def keep(work: str, make: Callable[[], list[Record]]) -> None:
        if not asked.wants(name, work):
            return
        try:
            records = make()
        except Failed as failed:
            say(f"{work}: given up, {failed}")
            return
        except Different as different:
            say(f"error: {different}")
            raise typer.Exit(1) from None
        merged(asked.out, records)
        wrote = {record.who for record in records}
        show(
            console,
            [one for one in stored(asked.out) if one["size"] == name and one["work"] == work and one["who"] in wrote],
        )

    with crew(Place(at, suite.device, asked.threads, asked.peers)) as hands:
        for work in suite.work:
            keep(work, partial(_work, suite, at, asked, hands, work, say))
    if set(HOPS) <= set(suite.work):
        keep(
            "discovery",
            lambda: discovery(suite.size, [read(at / "tasks" / f"{hop}.json") for hop in HOPS], stored(asked.out)),
        )
    if suite.studies:
        keep(INSTANT, partial(instant, name, asked.repeats, asked.threads, say))
        keep(WORK, partial(race, name, max(2, asked.repeats // 2), asked.threads, say))
        keep(WORKERS, partial(workers, name, asked.threads, say))
    for spec, options, plain in suite.studies:
        path = ROOT / spec
        keep(
            f"study {path.stem}",
            partial(study, name, path, options, plain, max(1, asked.repeats // 2), asked.threads, say),
        )


def _work(suite: Suite, at: Path, asked: Asked, hands: Crew, work: str, say: Say) -> list[Record]:
    contenders = [one for one in suite.work[work] if not asked.who or one in asked.who]
    return measured(
        hands, suite.size, read(at / "tasks" / f"{work}.json"), contenders, asked.repeats, say, suite.memory
    )


typer.run(main)
