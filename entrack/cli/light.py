"""The commands that are typed all day, `check` and `fmt`: what they do, and their plain forms without the weight of a command line.

Reading arguments as typer does costs more than checking a spec. `plainly` knows only `check SPEC` and `fmt [--check] [--stdout]
SPEC...`; everything else, and every mistake, goes the long way.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from entrack.cli import exits
from entrack.cli.exits import failures, leave, say, tell

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
            leave(exits.SPEC_ERROR)
        say(f"{spec}: no errors")


def fmt(specs: Sequence[Path], only_check: bool = False, to_stdout: bool = False) -> None:
    """Write specs in the one style there is."""
    with failures():
        changed, broken = [], False
        for spec in specs:
            text, differs = _formatted(spec)
            broken = broken or text is None
            if text is not None and to_stdout:
                sys.stdout.buffer.write(text.encode())  # a spec is UTF-8, whatever the terminal is
            elif text is not None and differs:
                changed.append(spec)
                if not only_check:
                    _replace(spec, text)
        for spec in changed:
            say(f"{spec}: {'would be' if only_check else 'is'} formatted")
        if broken:
            leave(exits.SPEC_ERROR)
        if only_check and changed:
            leave(exits.CLAIM_FAILED)


def _formatted(spec: Path) -> tuple[str | None, bool]:
    """The spec in the one style, where it can be read, and whether that differs from what is there."""
    from entrack import api

    source = api.read(spec)
    text, problems = api.formatted(source)
    tell(problems, {source.name: source})
    return text, text != source.text


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
