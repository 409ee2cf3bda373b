"""How a command ends: output, messages, and the exit status of each kind of failure (`failures.py`)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from attrs import define

from entrack.cli.failures import (
    CLAIM_FAILED,
    DONE,
    ENVIRONMENT_ERROR,
    INTERNAL,
    INTERRUPTED,
    NOT_TRIED,
    SPEC_ERROR,
    Failure,
    Refused,
    document,
    failure,
    is_wrong_call,
)
from entrack.diagnostics.escape import clip
from entrack.errors import ArgumentError

if TYPE_CHECKING:
    from rich.console import Console

    from entrack.diagnostics import Diagnostic
    from entrack.source import Source

__all__ = [
    "CLAIM_FAILED",
    "DONE",
    "ENVIRONMENT_ERROR",
    "INTERNAL",
    "INTERRUPTED",
    "NOT_TRIED",
    "SPEC_ERROR",
    "Output",
    "failures",
    "leave",
    "refuse",
    "say",
    "screen",
    "tell",
    "tell_failure",
]
LONGEST = 4000
NARROWEST, WIDEST = 40, 500
"""Columns: in fewer a table has no room, and text would be lost; more are a mistake."""


@define
class Output:
    """What a command prints. With `as_json` that is one document, also when it fails; `printed` says that it was."""

    as_json: bool = False
    printed: bool = False

    def show(self, view: Any) -> None:
        """Text for a person."""
        screen().print(view)

    def give(self, document: Callable[..., Any], view: Callable[..., Any], *of: Any) -> None:
        """The document of something, or what a person sees of it."""
        if self.as_json:
            self.document(document(*of))
        else:
            self.show(view(*of))

    def document(self, whole: Any) -> None:
        """The one JSON document: a text that is one, or what becomes one."""
        import json

        text = whole if isinstance(whole, str) else json.dumps(whole, indent=1)
        self.printed = True
        print(text, end="" if text.endswith("\n") else "\n")


@contextmanager
def failures(*, as_json: bool = False) -> Iterator[Output]:
    """Turn what a stage raises into words on stderr, a document where one is wanted, and an exit status."""
    out = Output(as_json)
    try:
        yield out
    except (Exception, KeyboardInterrupt) as error:
        if is_wrong_call(error):
            raise  # `main.main` says it, as for all arguments
        leave(tell_failure(error, out))


def tell_failure(error: BaseException, out: Output) -> int:
    """Say what failed. -> the exit status. An interruption is said by `main.main`, which is the last that anybody
    hears."""
    failed = failure(error)
    if failed.status == INTERNAL and os.environ.get("ENTRACK_TRACEBACK"):
        sys.excepthook(type(error), error, error.__traceback__)
    if failed.problems:
        tell(failed.problems, failed.sources)
    elif isinstance(error, Refused):
        say(failed.message)
    elif isinstance(error, ArgumentError):
        say(f"error: {failed.message}")
    elif failed.status != INTERRUPTED and not is_wrong_call(error):
        say(f"error: {failed.name}: {failed.message}")
    _print_failure(failed, out)
    return failed.status


def _print_failure(failed: Failure, out: Output) -> None:
    if not out.as_json or out.printed:
        return
    try:
        out.document(document(failed))
        sys.stdout.flush()
    except OSError:
        pass  # it is the output that failed


def screen(*, stderr: bool = False) -> Console:
    """A console that animates and colours only on a terminal, and obeys NO_COLOR."""
    from rich.console import Console

    console = Console(
        stderr=stderr, highlight=False, soft_wrap=not (sys.stderr if stderr else sys.stdout).isatty(), width=_columns()
    )
    if not NARROWEST <= console.width <= WIDEST:
        console.width = min(max(console.width, NARROWEST), WIDEST)
    return console


def _columns() -> int | None:
    """The width that COLUMNS asks for; 80 where it makes no sense, None where it is not set."""
    asked = os.environ.get("COLUMNS")
    if asked is None:
        return None
    return int(asked) if asked.isascii() and asked.isdigit() and 0 < len(asked) < 6 and int(asked) else 80


def tell(problems: Sequence[Diagnostic], sources: Mapping[str, Source]) -> None:
    """Diagnostics on stderr."""
    from entrack.diagnostics.render import render_all

    if problems:
        screen(stderr=True).print(render_all(problems, sources))


def say(text: str) -> None:
    """A line on stderr, shown and never obeyed. In one piece: a sign of life may come from another thread."""
    sys.stderr.write(clip(text, LONGEST) + "\n")
    sys.stderr.flush()


def refuse(why: str) -> NoReturn:
    """End a command whose call cannot be obeyed."""
    raise Refused(why)


def leave(status: int) -> NoReturn:
    raise SystemExit(status)
