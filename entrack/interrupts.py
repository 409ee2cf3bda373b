"""Ctrl-C that cannot get lost: a flag beside the exception.

Python raises KeyboardInterrupt wherever the main thread happens to be. In a finaliser, in a callback from C, or below
somebody's `except BaseException`, it is swallowed and the work goes on. Within `watched()` a handler sets a flag as
well, and whoever works in a loop calls `check()`, which raises what got lost. Where an exception would leave a lock
held or a setting changed - a `with` that is being entered or left, an object that is being finalised - the handler puts
it off until the next `check()`.

The handler is there for as long as something runs, in the main thread only, where Python delivers signals. It hands
over to the handler that was there before, which decides what Ctrl-C means: a notebook's, a test's, or Python's own.

Work in another thread is broken off at the same places, by whoever started it: within `stopped_by(asked)`.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from types import CodeType, FrameType, TracebackType
from typing import Any, ParamSpec, Self, TypeVar

__all__ = ["check", "put_off_in", "stopped_by", "watched"]
Given = ParamSpec("Given")
Made = TypeVar("Made")
PATIENCE = 1.0
"""Seconds for which an interrupt is put off at most: then another Ctrl-C raises wherever it comes."""


class _State:
    """Of the process: how many `watched()` are entered, what was there before the first, and whether an interrupt
    has come."""

    depth = 0
    seen = False
    put_off = 0.0
    """Since when (monotonic) an interrupt waits for a `check()`; 0.0 while none does."""
    before: Callable[[int, FrameType | None], Any] = staticmethod(signal.default_int_handler)
    hook: Callable[[Any], Any] = staticmethod(sys.unraisablehook)


class _Thread(threading.local):
    """Of each thread: whether somebody wants it to stop."""

    asked: Callable[[], bool] = staticmethod(lambda: False)


_here = _Thread()
ENTERING, LEAVING = "__enter__", ("__exit__", "__del__")
BUSY = ("nnsight", "concurrent", "subprocess")
"""Packages that run a model, or wait for others, while a `with` of theirs is left."""
SHORT = ("torch", "transformers")
"""Packages that change settings of the process, and wait for nobody, while a `with` of theirs is entered."""
_whole: set[CodeType] = set()


def put_off_in(*functions: Any) -> None:
    """Put an interrupt off while one of these Python functions runs. They are short and do not wait."""
    _whole.update(function.__code__ for function in functions)


def check() -> None:
    """Raise KeyboardInterrupt in the main thread where an interrupt has come and nobody has seen it, and in another
    that is asked to stop. Costs next to nothing."""
    if _State.seen and _State.depth and threading.current_thread() is threading.main_thread():
        _deliver()
    if _here.asked():
        raise KeyboardInterrupt


@contextmanager
def stopped_by(asked: Callable[[], bool]) -> Iterator[None]:
    """In this thread, `check()` raises KeyboardInterrupt from when `asked()` is true."""
    before, _here.asked = _here.asked, asked
    try:
        yield
    finally:
        _here.asked = before


def _deliver() -> None:
    waited, _State.put_off = _State.put_off, 0.0
    if waited:
        _State.before(signal.SIGINT, sys._getframe())
        _State.seen = False  # whoever was there before has dealt with it
        return
    raise KeyboardInterrupt


class watched:  # a context manager that is written as a word, as those of contextlib are
    """While this is entered, an interrupt is seen: by its exception, at the next `check()`, or at the end. May be
    nested; also a decorator.

    An error that was made of an interrupt on the way leaves as KeyboardInterrupt. Does nothing in other threads than
    the main one, and where Ctrl-C is ignored or left to the system.
    """

    _here = False

    def __call__(self, function: Callable[Given, Made]) -> Callable[Given, Made]:
        @wraps(function)
        def inner(*given: Given.args, **named: Given.kwargs) -> Made:
            with watched():
                return function(*given, **named)

        return inner

    def __enter__(self) -> Self:
        here = threading.current_thread() is threading.main_thread()
        self._here = here and (_State.depth > 0 or _install())
        _State.depth += self._here
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._here:
            return
        _State.depth -= 1
        if not _State.depth:
            _restore()
        try:
            if _State.seen and (kind is None or not issubclass(kind, KeyboardInterrupt | GeneratorExit)):
                _deliver()
        finally:
            _State.seen = _State.seen and _State.depth > 0


put_off_in(watched.__enter__, watched.__exit__, _deliver)
put_off_in(ExitStack._push_cm_exit)  # type: ignore[attr-defined]  # what was entered would never be left


def _install() -> bool:
    """Take the place of the handler that is there; whether there was one to take the place of."""
    before = signal.getsignal(signal.SIGINT)
    if before is _handle:  # an earlier stay was broken off before it could put things back
        before = _State.before
    if not callable(before):  # ignored, left to the system, or not Python's
        return False
    _State.seen, _State.put_off, _State.before = False, 0.0, before
    try:
        signal.signal(signal.SIGINT, _handle)
    except ValueError:  # an interpreter inside another one is sent no signals
        return False
    if sys.unraisablehook is not _unraisable:
        _State.hook = sys.unraisablehook
        sys.unraisablehook = _unraisable
    return True


def _restore() -> None:
    """Put things back as they were, unless somebody else has changed them since."""
    if sys.unraisablehook is _unraisable:
        sys.unraisablehook = _State.hook
    if signal.getsignal(signal.SIGINT) is _handle:  # the last of all: from here on nothing is put off
        signal.signal(signal.SIGINT, _State.before)


def _handle(number: int, frame: FrameType | None) -> None:
    earlier, _State.seen = _State.seen, True  # first of all: what comes next may raise, and be lost
    if _is_bad_place(frame) and (not _State.put_off or time.monotonic() - _State.put_off < PATIENCE):
        _State.put_off = _State.put_off or time.monotonic()
        return
    _State.put_off = 0.0
    _State.before(number, frame)
    _State.seen = earlier  # it did not raise: Ctrl-C means something else here


def _is_bad_place(frame: FrameType | None) -> bool:
    """Whether an exception would do harm here, or not come through. What a `with` calls as it is entered may wait,
    so that does not count, but for `with`s that are known to be short."""
    if frame is not None and frame.f_code.co_name == ENTERING:
        return True
    while frame is not None:
        name, package = frame.f_code.co_name, str(frame.f_globals.get("__name__")).split(".")[0]
        leaving, entering = name in LEAVING and package not in BUSY, name == ENTERING and package in SHORT
        if leaving or entering or frame.f_code in _whole:
            return True
        frame = frame.f_back
    return False


def _unraisable(found: Any) -> None:
    """What Python does with an exception that a finaliser or a callback from C raised: one of Ctrl-C is kept for the
    next `check()`."""
    if found.exc_type is not None and issubclass(found.exc_type, KeyboardInterrupt):
        _State.seen = True
    else:
        _State.hook(found)
