"""Ctrl-C in this process: ways to send it, and ways to lose it."""

from __future__ import annotations

import ctypes
import gc
import random
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

# --- ways to interrupt: each takes work that may be repeated, and says what came of it ---------------------------


def at_an_instant(work: Callable[[], object], chance: random.Random, seconds: float) -> BaseException | None:
    """A real signal at a random instant, from another thread; the work is repeated until it was sent."""
    sent, main = threading.Event(), threading.get_ident()

    def send(after: float) -> None:
        time.sleep(after)
        signal.pthread_kill(main, signal.SIGINT)
        sent.set()

    sender = threading.Thread(target=send, args=(chance.uniform(0, seconds),))
    try:
        sender.start()
        while sender.is_alive() or sent.is_set():
            late = sent.is_set()
            work()
            assert not late, "a call came to its end after the interrupt was sent"
    except KeyboardInterrupt as caught:
        return caught
    finally:
        with suppress(KeyboardInterrupt):  # of a case that failed before it was sent
            sender.join(60)
    return None


def at_an_event(work: Callable[[], object], chance: random.Random, events: int) -> BaseException | None:
    """At one of so many events, drawn."""
    return at_the_event(work, chance.randrange(events))


def at_the_event(work: Callable[[], object], left: int) -> BaseException | None:
    """At the start of some Python function, or at the end of some call of a function in C, after so many others: where
    Python looks for signals."""

    def look(frame: FrameType, event: str, _: object) -> None:
        nonlocal left
        if event in ("call", "c_return"):
            left -= 1
            if left == -1:
                sys.setprofile(None)
                handler: Any = signal.getsignal(signal.SIGINT)
                handler(signal.SIGINT, frame)

    try:
        sys.setprofile(look)
        work()
    except KeyboardInterrupt as caught:
        return caught
    finally:
        sys.setprofile(None)
    return None


def events_of(work: Callable[[], object]) -> int:
    """How many places there are to interrupt it at."""
    seen = 0

    def look(frame: FrameType, event: str, _: object) -> None:
        nonlocal seen
        seen += event in ("call", "c_return")

    sys.setprofile(look)
    try:
        work()
    finally:
        sys.setprofile(None)
    return seen


# --- ways to lose an interrupt -----------------------------------------------------------------------------------


def interrupt(*_: object) -> None:
    signal.raise_signal(signal.SIGINT)


def caught_by_all() -> None:
    try:  # noqa: SIM105  # as it is written by those who do it
        interrupt()
    except BaseException:
        pass


def left_in_a_finally() -> None:
    try:
        interrupt()
    finally:
        return  # noqa: B012  # that is what is tried


def made_another_error() -> None:
    try:
        interrupt()
    except BaseException:
        raise RuntimeError("made of an interrupt") from None


def in_a_finaliser() -> None:
    class Finalised:
        def __del__(self) -> None:
            interrupt()

    Finalised()


def in_a_weak_reference() -> None:
    class Referred:
        pass

    one = Referred()
    reference = weakref.ref(one, interrupt)
    del one
    assert reference() is None


def in_the_collector() -> None:
    gc.callbacks.append(interrupt)
    try:
        gc.collect(0)
    finally:
        gc.callbacks.remove(interrupt)


def in_a_callback_from_c() -> None:
    ctypes.CFUNCTYPE(None)(interrupt)()


LOSING: tuple[Callable[[], None], ...] = (
    caught_by_all,
    left_in_a_finally,
    made_another_error,
    in_a_finaliser,
    in_a_weak_reference,
    in_the_collector,
    in_a_callback_from_c,
)
