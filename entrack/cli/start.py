"""Where the `entrack` command starts: the light commands at once, all others through `app.py`."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import NoReturn

from entrack import interrupts
from entrack.cli import interrupted


def main() -> None:
    """The entry point of the `entrack` command."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr is: a terminal that lacks a letter is shown its number
    try:
        with interrupts.watched():
            _act()
    except KeyboardInterrupt:  # while modules are loaded, or one that got lost
        _interrupted()
    except SystemExit as leaving:  # `exits.failures`, or typer before and after it
        if leaving.code == interrupted.STATUS:
            _interrupted()
        raise
    finally:
        # All is done and said: a Ctrl-C now would only interrupt Python in tidying up, which says so at length.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _act() -> None:
    from entrack.cli.light import plainly

    act = plainly(sys.argv[1:])
    if act is not None:
        return act()
    from entrack.cli.app import app

    app()


def _interrupted() -> NoReturn:
    """Say so, and leave without Python's tidying up, which takes a second once torch is loaded. What was kept needs none."""
    print(interrupted.SAID, file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(interrupted.STATUS)
