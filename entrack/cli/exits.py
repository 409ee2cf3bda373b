"""Exit statuses, and how each way to fail is said: a diagnostic for a wrong spec, one named line for a world that failed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from entrack.cli import interrupted
from entrack.diagnostics.render import render_all
from entrack.diagnostics.visible import clip

if TYPE_CHECKING:
    from rich.console import Console

LONGEST = 4000
DONE, CLAIM_FAILED, SPEC_ERROR, WORLD_ERROR, INTERRUPTED = 0, 1, 2, 3, interrupted.STATUS


def screen(stderr: bool = False) -> Console:
    """A console that animates and colours only on a terminal, and obeys NO_COLOR."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=not (sys.stderr if stderr else sys.stdout).isatty())


@contextmanager
def failures() -> Iterator[None]:
    """Turn what a stage raises into words on stderr and an exit status."""
    try:
        yield
    except KeyboardInterrupt:
        leave(INTERRUPTED)  # `start.main` says it
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        leave(DONE)
    except Exception as error:
        _spec_error(error)
        named = _world(error)
        if named is None:
            raise
        say(f"error: {named}")
        leave(WORLD_ERROR)


def _spec_error(error: Exception) -> None:
    from entrack.api import SpecError

    if isinstance(error, SpecError):
        screen(stderr=True).print(render_all(error.problems, error.sources))
        leave(SPEC_ERROR)


def say(text: str) -> None:
    """A line on stderr, shown and never obeyed."""
    print(clip(text, LONGEST), file=sys.stderr)


def leave(status: int) -> NoReturn:
    raise SystemExit(status)


def _world(error: Exception) -> str | None:
    """The named message of a world that failed; None for a mistake in entrack itself."""
    for name in (*_worlds(), _system):
        message = name(error)
        if message is not None:
            return message
    return None


def _worlds() -> Iterator[Callable[[Exception], str | None]]:
    from entrack.api import SpecMissing
    from entrack.models.find import ModelMissing
    from entrack.store.errors import StoreError

    kinds: list[type[Exception]] = [SpecMissing, ModelMissing, StoreError]
    if "entrack.engine.errors" in sys.modules:
        kinds.append(sys.modules["entrack.engine.errors"].EngineError)
    if "entrack.findings.outcomes" in sys.modules:
        kinds.append(sys.modules["entrack.findings.outcomes"].NotANumber)
    yield lambda error: f"{type(error).__name__}: {error}" if isinstance(error, tuple(kinds)) else None


def _system(error: Exception) -> str | None:
    if isinstance(error, MemoryError):
        return "OutOfMemory: there is not enough memory for this"
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        return f"{type(error).__name__}: {error.strerror or error}{where}"
    return None
