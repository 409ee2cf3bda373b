"""Fast path of `check`, `fmt`, `run` and `plan`, the commands that are typed most often: they run without loading the
full command line.

Reading arguments as typer does costs more than checking a spec. `plainly` knows only `check SPEC`, `fmt [--check]
[--stdout] SPEC...`, and `run SPEC` and `plan SPEC` with folders and flags; everything else, and every mistake, goes the
long way.
"""

from __future__ import annotations

import codecs
import os
import stat
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from entrack.cli import exit_codes, garbage
from entrack.cli.exit_codes import Output, failures, leave, say, tell, tell_failure
from entrack.cli.failures import need_memory

if TYPE_CHECKING:
    from entrack.budget import Limit
    from entrack.execution.reuse_policy import ReusePolicy
    from entrack.kept import Kept
    from entrack.source import Source

RUN_FLAGS = {"--json": "as_json", "--pdf": "pdf", "--strict": "strict"}
PLAN_FLAGS = {"--json": "as_json", "--explain": "explain"}
SAME, CHANGED, BROKEN, FAILED = "same", "changed", "broken", "failed"
FLAGS = {"--check": "only_check", "--stdout": "to_stdout"}


def plainly(arguments: Sequence[str]) -> Callable[[], None] | None:
    """What to do, when the arguments have a plain form; else None."""
    command, *rest = arguments or [""]
    if command == "run":
        return _on_a_store(run, {"--store": "store", "--out": "out"}, RUN_FLAGS, rest)
    if command == "plan":
        return _on_a_store(plan, {"--store": "store"}, PLAN_FLAGS, rest)
    specs = [Path(argument) for argument in rest if not argument.startswith("-")]
    flags = [argument for argument in rest if argument.startswith("-")]
    if command == "check" and len(specs) == 1 and not flags:
        return partial(check, specs[0], {}, None)
    if command == "fmt" and specs and all(flag in FLAGS for flag in flags):
        return partial(fmt, specs, **{FLAGS[flag]: True for flag in flags})
    return None


def _on_a_store(
    work: Callable[..., None], folders: Mapping[str, str], flags: Mapping[str, str], words: Sequence[str]
) -> Callable[[], None] | None:
    """What works on one spec, with options that name a folder, which stands apart, or nothing; each once."""
    specs: list[str] = []
    given: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        if word in flags and flags[word] not in given:
            given[flags[word]] = True
        elif word in folders and folders[word] not in given and _is_a_name(folder := next(rest, "")):
            given[folders[word]] = Path(folder)
        elif _is_a_name(word) and not specs:
            specs.append(word)
        else:
            return None
    return partial(work, Path(specs[0]), {}, **given) if specs else None


def _is_a_name(word: str) -> bool:
    return word != "" and not word.startswith("-")


def run(spec: Path, params: Mapping[str, float], **options: Any) -> None:
    """Run a spec with nothing said of the engine. What is loaded is not looked at again for garbage."""
    need_memory()
    import entrack.run  # noqa: F401  # most of what is loaded
    from entrack.cli import runs

    garbage.loaded()
    runs.run(spec, params, {}, **options)


def plan(
    spec: Path,
    params: Mapping[str, float],
    stand_in: Path | None = None,
    *,
    store: Path | None = None,
    accept: ReusePolicy | None = None,
    as_json: bool = False,
    explain: bool = False,
    memory: int | None = None,
    device: str | None = None,
    price: float | None = None,
    gpus_per_worker: int = 1,
) -> None:
    """Show what a run would compute."""
    need_memory()
    with garbage.hardly_ever(), failures(as_json=as_json) as shown:
        from entrack import api
        from entrack.cli.plans import plan_json, plan_table
        from entrack.diagnostics.over_budget import passed

        garbage.loaded()

        def tell_passed(limit: Limit) -> None:
            say(passed(limit))

        loaded = api.checked(api.read(spec), params, stand_in).keeping()
        opened = api.open_store(api.store_folder(store), inspect=True)
        if explain:
            from entrack.cli.plan_explain import explained_json, explained_view

            planned, survey = loaded.survey(opened, accept, tell=tell_passed)
            shown.give(explained_json, explained_view, api.explained(planned, survey, memory))
        else:
            from entrack.cli.plan_places import places_of
            from entrack.compile import models_of

            forecast = loaded.forecast(opened, accept, device, tell_passed)
            places = None
            if gpus_per_worker != 1:
                models = models_of(loaded.checked_spec, download=False, hashed=True)
                places = places_of(models, gpus_per_worker, memory)
            shown.give(plan_json, plan_table, forecast, price, places)


def check(spec: Path, params: Mapping[str, float], stand_in: Path | None) -> None:
    """Say everything that is wrong with a spec."""
    with failures():
        from entrack.kept_checks import found_sound, kept_checks

        plain, kept = not params and stand_in is None, kept_checks()
        if not (plain and found_sound(kept, spec)):
            _check(spec, params, stand_in, kept if plain else None)
        say(f"{spec}: no errors")


def _check(spec: Path, params: Mapping[str, float], stand_in: Path | None, kept: Kept | None) -> None:
    from entrack import api
    from entrack.diagnostics import errors
    from entrack.kept_checks import keep_sound
    from entrack.prompts.kept_prompts import kept_prompts

    garbage.loaded()
    problems, checked = api.looked_over(api.read(spec), params, stand_in, kept_prompts())
    tell(problems, checked.sources)
    if errors(problems):
        leave(exit_codes.SPEC_ERROR)
    decided_by = None if problems or kept is None else checked.checked_spec.decided_by
    if kept is not None and decided_by is not None:
        keep_sound(kept, spec, *decided_by)


def fmt(specs: Sequence[Path], *, only_check: bool = False, to_stdout: bool = False) -> None:
    """Write specs in the one style there is. A file that cannot be read, written or formatted is said, and the next
    one comes."""
    from entrack import api  # noqa: F401  # most of what is loaded

    garbage.loaded()
    with failures():
        outcomes = [_one(spec, only_check=only_check, to_stdout=to_stdout) for spec in specs]
        for spec, outcome in zip(specs, outcomes, strict=True):
            if outcome == CHANGED:
                say(f"{spec}: {'would be' if only_check else 'is'} formatted")
        for wanted, status in ((FAILED, exit_codes.ENVIRONMENT_ERROR), (BROKEN, exit_codes.SPEC_ERROR)):
            if wanted in outcomes:
                leave(status)
        if only_check and CHANGED in outcomes:
            leave(exit_codes.CLAIM_FAILED)


def _one(spec: Path, *, only_check: bool, to_stdout: bool) -> str:
    """Format one spec. What came of it."""
    from entrack import api
    from entrack.cli.rewrite import rewrite
    from entrack.syntax.equivalence import Miswritten

    try:
        source = api.read(spec)
        text, problems = api.formatted(source)
        tell(problems, {source.name: source})
        if text is None:
            return BROKEN
        differs = text != source.text or _marked(spec, source)
        if differs and not only_check and not to_stdout:
            rewrite(spec, source.text, text)
    except (OSError, api.SpecMissing, Miswritten) as error:
        tell_failure(error, Output())
        return FAILED
    if to_stdout:
        sys.stdout.buffer.write(text.encode())  # a spec is UTF-8, whatever the terminal is
        return SAME
    return CHANGED if differs else SAME


def _marked(spec: Path, source: Source) -> bool:
    """Whether a file begins with a byte order mark, which is no part of a spec's text."""
    status = os.stat(spec)
    return stat.S_ISREG(status.st_mode) and status.st_size == len(source.text.encode()) + len(codecs.BOM_UTF8)
