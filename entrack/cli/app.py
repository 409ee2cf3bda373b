"""The commands. Each is a few lines: read, call `api`, show; what can fail is caught in one place
(`exit_codes.failures`)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from entrack.circuit_files.forms import Form as CircuitForm
from entrack.cli import artifact, exit_codes, fast_path, runs
from entrack.cli.cache import cache
from entrack.cli.exit_codes import failures, leave, refuse, say, tell
from entrack.cli.heartbeat import BEAT
from entrack.cli.models import models
from entrack.cli.new import new
from entrack.cli.options import (
    Accepted,
    Device,
    FigureWidthName,
    Gpus,
    GpusPerWorker,
    JobTime,
    Json,
    MemoryBytes,
    On,
    Params,
    Price,
    Reference,
    Remote,
    RemoteReadOnly,
    SlurmOptions,
    SpecPath,
    StandIn,
    StoreFolder,
    Threads,
    Workers,
    memory_given,
    params,
)
from entrack.cli.watch import watch
from entrack.highlight.shown import Form, shown_as
from entrack.version import __version__

app = typer.Typer(
    name="entrack",
    help="A small language for experiments on the insides of language models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(cache, name="cache")
app.add_typer(models, name="models")
app.command()(artifact.lock)
app.command()(artifact.pack)
app.command()(artifact.unpack)
app.command()(watch)
app.command()(new)


@app.command()
def run(
    spec: SpecPath,
    p: Params = None,
    store: StoreFolder = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="write results, tables and figures into this folder")
    ] = None,
    as_json: Json = False,
    pdf: Annotated[
        bool, typer.Option("--pdf", help="draw figures as PDF too, beside PNG and SVG (with --out)")
    ] = False,
    figure_width: FigureWidthName = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="exit with status 1 when a claim fails or is undecided")
    ] = False,
    locked: Annotated[
        bool, typer.Option("--locked", help="only if all is as SPEC.lock says: files, models, versions, steps")
    ] = False,
    pack: Annotated[
        Path | None, typer.Option("--from", metavar="PACK", help="take what a pack has before anything is computed")
    ] = None,
    reference: Reference = False,
    device: Device = None,
    threads: Threads = None,
    memory: MemoryBytes = None,
    accept: Accepted = None,
    gpus_per_worker: GpusPerWorker = 1,
    remote: Remote = None,
    remote_read_only: RemoteReadOnly = False,
    workers: Workers = None,
    on: On = None,
    time: JobTime = None,
    gpus: Gpus = None,
    slurm: SlurmOptions = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="with --on slurm: print the script of a job, and submit and run nothing")
    ] = False,
) -> None:
    """Run a spec, or the spec in a pack, and show its tables and claims. What the store has is not computed again."""
    with failures(as_json=as_json):
        given = params(p)
        options = {
            "reference": reference,
            "device": device,
            "threads": threads,
            "memory": memory_given(memory),
            "gpus_per_worker": gpus_per_worker,
            "remote": remote,
            "remote_read_only": remote_read_only,
            "workers": workers,
            "on": on,
            "time": time,
            "gpus": gpus,
            "slurm": tuple(slurm or ()),
            **({} if accept is None else {"accept": accept}),
        }
        if remote_read_only and remote is None:
            refuse("--remote-read-only is for a remote: name it with --remote")
        if dry_run and as_json:
            refuse("--dry-run prints the script of a job, which is not JSON")
        if dry_run:
            from entrack.workers.cluster import cluster_given, job_script

            sys.stdout.write(job_script(cluster_given(on, workers, time, gpus, slurm or ())))
            return
    runs.run(
        spec,
        given,
        options,
        store=store,
        out=out,
        pack=pack,
        as_json=as_json,
        pdf=pdf,
        figure_width=figure_width,
        strict=strict,
        locked=locked,
    )


@app.command()
def check(spec: SpecPath, p: Params = None, stand_in: StandIn = None) -> None:
    """Say everything that is wrong with a spec, before a weight is read."""
    fast_path.check(spec, params(p), stand_in)


@app.command()
def fmt(
    specs: Annotated[list[Path], typer.Argument(metavar="SPEC...", show_default=False)],
    only_check: Annotated[
        bool, typer.Option("--check", help="change nothing; exit with status 1 when something would change")
    ] = False,
    to_stdout: Annotated[bool, typer.Option("--stdout", help="print the text instead of writing the file")] = False,
) -> None:
    """Write specs in the one style there is. Comments stay."""
    fast_path.fmt(specs, only_check=only_check, to_stdout=to_stdout)


@app.command()
def plan(
    spec: SpecPath,
    p: Params = None,
    stand_in: StandIn = None,
    store: StoreFolder = None,
    as_json: Json = False,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="say for each kind of step what is not computed, why, and what it would have cost"
        ),
    ] = False,
    memory: MemoryBytes = None,
    accept: Accepted = None,
    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            metavar="NAME",
            help="whose times: a device that steps in the store were computed on (default: this machine's)",
        ),
    ] = None,
    price: Price = None,
    gpus_per_worker: GpusPerWorker = 1,
) -> None:
    """Show what a run would compute - steps, forward passes, bytes, time - and what the store has of it."""
    with failures(as_json=as_json):
        if explain and (device is not None or price is not None):
            refuse("--device and --price are of the time that a plan takes, which --explain does not show")
        if explain and gpus_per_worker != 1:
            refuse("--gpus-per-worker is of where models stand, which --explain does not show")
        given, most = params(p), memory_given(memory) if explain or gpus_per_worker != 1 else None
    fast_path.plan(
        spec,
        given,
        stand_in,
        store=store,
        accept=accept,
        as_json=as_json,
        explain=explain,
        memory=most,
        device=device,
        price=price,
        gpus_per_worker=gpus_per_worker,
    )


@app.command()
def verify(
    spec: SpecPath,
    p: Params = None,
    store: StoreFolder = None,
    sample: Annotated[
        str,
        typer.Option(
            "--sample",
            metavar="N|N%",
            help="how many of the stored steps, or what share of them (then at least one of each kind)",
        ),
    ] = "5%",
    everything: Annotated[bool, typer.Option("--all", help="all stored steps")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="another seed, another sample")] = 0,
    minutes: Annotated[
        float | None,
        typer.Option("--minutes", metavar="N", min=0, help="of a pack: compute outcomes again for so long"),
    ] = None,
    beside: Annotated[
        Path | None,
        typer.Option("--models", metavar="DIR", help="of a pack: where its local models are (default: beside it)"),
    ] = None,
    receipt: Annotated[
        Path | None, typer.Option("--receipt", metavar="FILE", help="of a pack: write what was found into this file")
    ] = None,
    paper: Annotated[
        Path | None,
        typer.Option("--paper", metavar="TEX", help="of a pack: hold the numbers of this LaTeX paper against it, too"),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="with --paper: status 1 for numbers that come from nowhere, too")
    ] = False,
    as_json: Json = False,
    reference: Reference = False,
    device: Device = None,
    threads: Threads = None,
    memory: MemoryBytes = None,
    accept: Accepted = None,
    gpus_per_worker: GpusPerWorker = 1,
    workers: Workers = None,
) -> None:
    """Compute a sample of what the store has of a spec again, and compare. Changes nothing. Exit status 1 when
    something does not match.

    Of a pack (SPEC.etz): derive all that it says again from the outcomes in it; with --minutes or --all, compute
    outcomes again with the models too."""
    if runs.is_pack(spec):
        with failures(as_json=as_json):
            if p or store is not None or accept is not None:
                refuse("a pack is verified as it is: -p, --store and --accept are for a spec")
            if strict and paper is None:
                refuse("--strict is for a paper: name it with --paper")
        options = {
            "receipt": receipt,
            "paper": paper,
            "strict": strict,
            "models": beside,
            "reference": reference,
            "device": device,
            "threads": threads,
            "memory": memory_given(memory),
            "gpus_per_worker": gpus_per_worker,
            "workers": workers,
        }
        level = 3 if everything else 2 if minutes is not None else 1
        return artifact.verify_pack(spec, level, None if everything else minutes, options, as_json=as_json)
    with failures(as_json=as_json) as shown:
        if minutes is not None or strict or any(each is not None for each in (beside, receipt, paper)):
            refuse("--minutes, --models, --receipt, --paper and --strict are for a pack")
        from entrack import api
        from entrack.cli.progress import ProgressBar
        from entrack.cli.verify import document, failed, gathered, share_given, view

        loaded, wanted = api.checked(api.read(spec), params(p)), 1.0 if everything else share_given(sample)
        tell(loaded.problems, loaded.sources)
        found: list[Any] = []
        with ProgressBar() as bar:
            opened = api.open_store(api.store_folder(store), bar, inspect=True)
            verification = loaded.verify(
                opened,
                wanted,
                seed=seed,
                reference=reference,
                watcher=bar,
                device=device,
                threads=threads,
                memory=memory_given(memory),
                accept=accept or "any",
                gpus_per_worker=gpus_per_worker,
                workers=workers,
            )
            stopped = gathered(verification.compared, found)
        shown.give(document, view, str(spec), verification.stored, verification.sampled, found, seed)
        if stopped:
            leave(exit_codes.INTERRUPTED)
        if not verification.stored:
            say(f"the store has nothing of {spec} that could be verified; run it first")
        if failed(found) or not verification.stored:
            leave(exit_codes.CLAIM_FAILED)


@app.command()
def prompts(
    spec: SpecPath,
    name: Annotated[
        str, typer.Argument(metavar="TASK", help="a task, alternate or desideratum of the spec", show_default=False)
    ],
    n: Annotated[int, typer.Option("-n", min=1, max=100_000, help="how many")] = 5,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="NAME", help="whose tokenizer (default: the first model that is here)"),
    ] = None,
    purpose: Annotated[
        str,
        typer.Option(
            "--for",
            metavar="PURPOSE",
            help="measure, discover, mean, sample, train, validate, confirm or certify: which draw of the prompts",
        ),
    ] = "measure",
    p: Params = None,
    as_json: Json = False,
) -> None:
    """Show prompts with their positions and answers marked."""
    with failures(as_json=as_json) as shown:
        from entrack import api
        from entrack.cli.prompts import prompt_table, prompts_json, trouble

        loaded = api.checked(api.read(spec), params(p))
        why = trouble(loaded, name, model, purpose)
        if why:
            refuse(why)
        realised, tokens = loaded.prompts(name, n, model, purpose)
        if as_json:
            shown.document(prompts_json(realised))
        else:
            shown.show(prompt_table(realised, tokens))


@app.command()
def explain(code: Annotated[str, typer.Argument(metavar="CODE", help="such as E201", show_default=False)]) -> None:
    """Explain the code of a diagnostic, with an example and its fix."""
    with failures() as shown:
        from entrack.diagnostics.pages import codes, page
        from entrack.diagnostics.suggest import did_you_mean

        text = page(code.upper())
        if text is None:
            refuse(f"no diagnostic has the code {code}; {did_you_mean(code.upper(), codes())}")
        if sys.stdout.isatty():
            from rich.markdown import Markdown

            shown.show(Markdown(text))
        else:
            sys.stdout.write(text)


@app.command()
def highlight(
    spec: SpecPath,
    to: Annotated[
        Form, typer.Option("--to", help="colours of a terminal, HTML, or LaTeX for fancyvrb and xcolor")
    ] = Form.TERMINAL,
) -> None:
    """Print a spec in colours. A spec with errors has colours too."""
    with failures():
        from entrack import api

        sys.stdout.buffer.write(shown_as(api.read(spec).text, to).encode())


@app.command()
def lsp(
    stdio: Annotated[bool, typer.Option("--stdio", help="on standard input and output, as always")] = True,
) -> None:
    """Serve an editor: the language server, on standard input and output."""
    with failures():
        BEAT.silent()
        try:
            from entrack.language_server.serve import serve
        except ModuleNotFoundError as missing:
            refuse(f"the language server needs {(missing.name or '').partition('.')[0]}: pip install 'entrack[lsp]'")
        serve()


@app.command()
def export(
    circuit: Annotated[str, typer.Argument(metavar="CIRCUIT", help="a discovery, or one group of it: cir, cir.movers")],
    source: Annotated[Path, typer.Option("--from", metavar="FILE", help="results.json of a run", show_default=False)],
    to: Annotated[CircuitForm, typer.Option("--to", help="in which form", show_default=False)],
) -> None:
    """Print a circuit that a run found as another tool's file, as CSV, or as a spec that others include."""
    with failures():
        from entrack.cli.circuits import exported

        exported(circuit, source, to)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="a circuit of another tool", show_default=False)],
    to: Annotated[CircuitForm, typer.Option("--to", help="in which form")] = CircuitForm.ET,
    form: Annotated[
        CircuitForm | None, typer.Option("--form", help="the file's form (default: what it looks like)")
    ] = None,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="what the circuit is called")] = "imported",
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="what the spec calls its model")] = "base",
    position: Annotated[
        str, typer.Option("--at", metavar="NAME", help="the position of groups for which the file names none")
    ] = "last",
) -> None:
    """Print another tool's circuit as a spec that others include, or in another form."""
    with failures():
        from entrack.cli.circuits import imported

        imported(file, to, form, name, model, position)


def version(value: bool) -> None:
    """Print the version and end."""
    if value:
        print(f"entrack {__version__}")
        raise typer.Exit


@app.callback()
def main_options(
    show: Annotated[bool, typer.Option("--version", callback=version, is_eager=True, help="show the version")] = False,
) -> None:
    """A small language for experiments on the insides of language models."""
