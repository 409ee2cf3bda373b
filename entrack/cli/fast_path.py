"""Fast path of `check` and `fmt`, the commands that are typed most often: they run without loading the full command
line.

Reading arguments as typer does costs more than checking a spec. `plainly` knows only `check SPEC` and `fmt [--check]
[--stdout] SPEC...`; everything else, and every mistake, goes the long way.
"""

from __future__ import annotations

import codecs
import os
import stat
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from entrack.cli import exit_codes
from entrack.cli.exit_codes import Output, failures, leave, say, tell, tell_failure

if TYPE_CHECKING:
    from entrack.source import Source

SAME, CHANGED, BROKEN, FAILED = "same", "changed", "broken", "failed"
FLAGS = {"--check": "only_check", "--stdout": "to_stdout"}


def plainly(arguments: Sequence[str]) -> Callable[[], None] | None:
    """What to do, when the arguments have a plain form; else None."""
    command, *rest = arguments or [""]
    specs = [Path(argument) for argument in rest if not argument.startswith("-")]
    flags = [argument for argument in rest if argument.startswith("-")]
    if command == "check" and len(specs) == 1 and not flags:
        return partial(check, specs[0], {}, None)
    if command == "fmt" and specs and all(flag in FLAGS for flag in flags):
        return partial(fmt, specs, **{FLAGS[flag]: True for flag in flags})
    return None


def check(spec: Path, params: Mapping[str, float], stand_in: Path | None) -> None:
    """Say everything that is wrong with a spec."""
    with failures():
        from entrack import api
        from entrack.diagnostics import errors

        problems, sources = api.check(api.read(spec), params, stand_in)
        tell(problems, sources)
        if errors(problems):
            leave(exit_codes.SPEC_ERROR)
        say(f"{spec}: no errors")


def fmt(specs: Sequence[Path], *, only_check: bool = False, to_stdout: bool = False) -> None:
    """Write specs in the one style there is. A file that cannot be read, written or formatted is said, and the next
    one comes."""
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
