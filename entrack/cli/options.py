"""The arguments that several commands share, and how the params of a spec are read from them."""

from __future__ import annotations

import re
from math import isfinite
from pathlib import Path
from typing import Annotated

import typer

from entrack.cli.units import bytes_given
from entrack.execution.reuse_policy import ReusePolicy
from entrack.report.figure_width import COLUMNS
from entrack.workers import MOST, MOST_GPUS

DEVICE = re.compile(r"cpu|mps|cuda(:[0-9]{1,3})?")


def device_given(given: str | None) -> str | None:
    """A device that entrack knows of, be it there or not. Raises BadParameter."""
    if given is not None and not DEVICE.fullmatch(given):
        raise typer.BadParameter(f"--device takes cpu, mps, cuda, or cuda: and the number of a GPU; this is {given!r}")
    return given


def figure_width_given(given: str | None) -> str | None:
    """The name of a width of figures. Raises BadParameter."""
    if given is not None and given not in COLUMNS:
        raise typer.BadParameter(f"--figure-width takes {', '.join(COLUMNS)}; this is {given!r}")
    return given


def price_given(given: float | None) -> float | None:
    """A price that is a number. Raises BadParameter."""
    if given is not None and not isfinite(given):
        raise typer.BadParameter("--price takes a number")
    return given


SpecPath = Annotated[Path, typer.Argument(metavar="SPEC", help="the .et file", show_default=False)]
Params = Annotated[
    list[str] | None,
    typer.Option("-p", metavar="NAME=VALUE", help="set a param of the spec otherwise; may be repeated"),
]
StandIn = Annotated[
    Path | None,
    typer.Option(
        "--stand-in", metavar="DIR", help="config.json and tokenizer.json in place of models that are not here"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="print one JSON document instead of text")]
StoreFolder = Annotated[
    Path | None,
    typer.Option("--store", metavar="DIR", help="where results are kept (default: ENTRACK_STORE, else cache/)"),
]
LEAST_MEMORY = 64 * 10**6
ACCEPT = (
    "which stored values to take: those made with exactly this stack, with the same major.minor "
    "versions and device, or any (default: same-stack)"
)
MemoryBytes = Annotated[
    str | None,
    typer.Option(
        "--memory",
        metavar="BYTES",
        help="beside the models themselves, such as 4G (default: half of what the machine has)",
    ),
]
Reference = Annotated[
    bool, typer.Option("--reference", help="one full forward pass per variant: slow, and obviously right")
]

Device = Annotated[
    str | None,
    typer.Option(
        "--device",
        metavar="NAME",
        callback=device_given,
        help="cpu, mps, cuda, cuda:1, ... (default: a GPU if there is one)",
    ),
]
FigureWidthName = Annotated[
    str | None,
    typer.Option(
        "--figure-width",
        metavar="|".join(COLUMNS),
        callback=figure_width_given,
        help="of a column of two, of a page of one column, of both columns, or for a slide (with --out; default: as "
        "each figure needs)",
    ),
]
Price = Annotated[
    float | None,
    typer.Option("--price", min=0, max=10**9, callback=price_given, help="of an hour of one device: say what it costs"),
]
MOST_THREADS = 1024
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads", min=1, max=MOST_THREADS, help="CPU threads (default: one for a small model, else torch's choice)"
    ),
]
GpusPerWorker = Annotated[
    int,
    typer.Option(
        "--gpus-per-worker",
        min=1,
        max=MOST_GPUS,
        metavar="N",
        help="place a model that one GPU has no room for over so many, from --device on",
    ),
]
Remote = Annotated[
    str | None,
    typer.Option(
        "--remote",
        metavar="URL",
        help="results that are shared, a URL or a folder: taken where the store has nothing, and given what is "
        "computed here",
    ),
]
RemoteReadOnly = Annotated[bool, typer.Option("--remote-read-only", help="give the remote nothing")]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=0,
        max=MOST,
        metavar="N",
        help="compute in N processes, with a GPU each where there are GPUs (default: one for each of several GPUs)",
    ),
]
On = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="CLUSTER",
        help="compute with workers of a cluster: dask://HOST:PORT, dask+tls://HOST:PORT, slurm, ray or ray://HOST:PORT",
    ),
]
JobTime = Annotated[
    str | None, typer.Option("--time", metavar="TIME", help="with --on slurm: for how long each job, such as 2h or 90m")
]
Gpus = Annotated[
    int | None,
    typer.Option("--gpus", min=0, max=MOST_GPUS, metavar="N", help="with --on slurm or ray: GPUs for each worker"),
]
SlurmOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--slurm", metavar="OPTIONS", help="with --on slurm: options of sbatch, as '-p gpu --mem=64G'; may be repeated"
    ),
]
Accepted = Annotated[ReusePolicy | None, typer.Option("--accept", help=ACCEPT)]


def params(given: list[str] | None) -> dict[str, float]:
    """Values by name. Raises BadParameter."""
    found: dict[str, float] = {}
    for item in given or []:
        name, _, value = item.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not name or number != number or number in (float("inf"), float("-inf")):
            raise typer.BadParameter(f"-p takes NAME=VALUE with a number, such as -p n=20; this is {item!r}")
        found[name] = int(number) if number == int(number) else number
    return found


def memory_given(given: str | None) -> int | None:
    """At least 64 MB: with less, no pass has room."""
    if given is None:
        return None
    budget = bytes_given("--memory", given)
    if budget < LEAST_MEMORY:
        raise typer.BadParameter(f"--memory needs at least 64M, beside the models themselves; this is {given!r}")
    return budget
