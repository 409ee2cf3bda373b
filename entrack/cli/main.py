"""Entry point of the `entrack` command: `check` and `fmt` by the fast path, other commands through `app.py`."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn

from entrack import endings, interrupts
from entrack.cli import garbage, interrupted, streams

ENDS = {signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP"}
"""Signals that end a command, and whose default would do so without a word."""


def main() -> None:
    """The entry point of the `entrack` command."""
    streams.secure()
    try:
        with interrupts.watched():
            _listen()
            _act()
    except KeyboardInterrupt as error:  # while modules are loaded, or one that got lost
        _told(error)
        _interrupted()
    except SystemExit as leaving:  # `exit_codes.failures`, or typer before and after it
        if leaving.code == interrupted.STATUS:
            _interrupted()
        _flush(leaving.code)
    except Exception as error:  # before a command has begun, or after it has ended: arguments, packages, memory, output
        sys.exit(_told(error))
    else:
        _flush(0)
    finally:
        # All is done and said: a Ctrl-C now would only interrupt Python in tidying up, which says so at length.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _act() -> None:
    garbage.seldom()
    from entrack.cli.fast_path import plainly
    from entrack.cli.heartbeat import BEAT

    BEAT.start(sys.argv[1:])
    act = plainly(sys.argv[1:])
    if act is not None:
        return act()
    from entrack.cli.failures import need_memory

    need_memory()
    from entrack.cli.app import app

    garbage.loaded()
    sys.exit(app(standalone_mode=False))


def _told(error: BaseException) -> int:
    """Say what happened outside a command, also as a document. -> the exit status"""
    from entrack.cli.exit_codes import Output, tell_failure
    from entrack.cli.failures import is_wrong_call

    if is_wrong_call(error):
        wrong: Any = error
        wrong.show()
    return tell_failure(error, Output(_as_json() and not streams.printed()))


def _as_json() -> bool:
    return "--json" in sys.argv[1:]


def _flush(status: object) -> NoReturn:
    """Leave with a status, once what was printed is out of our hands."""
    garbage.leave()
    try:
        sys.stdout.flush()
    except OSError as error:
        status = _told(error)
    sys.exit(status)  # type: ignore[arg-type]  # what it was called with


def _listen() -> None:
    """Be told of the signals that end a command. A signal that is ignored (nohup) stays ignored."""
    for number in ENDS:
        with suppress(ValueError):  # not the main thread
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _ended)


def _ended(number: int, frame: FrameType | None) -> NoReturn:
    """Say so, end what others would keep, and leave at once: a store needs no tidying up, and nothing below may keep
    this from happening."""
    said = f"ended by {ENDS[signal.Signals(number)]}: what was finished is kept; the same command goes on from there"
    with suppress(OSError):
        os.write(2, f"{said}\n".encode())
    if _as_json() and not streams.printed():
        from entrack.cli.failures import Failure, document

        with suppress(OSError):
            import json

            os.write(1, (json.dumps(document(Failure("interrupted", 128 + number, said)), indent=1) + "\n").encode())
    endings.done()
    os._exit(128 + number)


def _interrupted() -> NoReturn:
    """Say so, and leave without Python's tidying up, which takes a second once torch is loaded. What was kept needs
    none."""
    with suppress(OSError):
        print(interrupted.SAID, file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(interrupted.STATUS)
