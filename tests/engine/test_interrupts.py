"""Ctrl-C that cannot get lost: who is asked, when it is raised, and what is put back."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import FrameType
from typing import Any

import pytest
import torch
from stress.ctrl_c import LOSING, at_the_event, events_of, interrupt
from transformers.modeling_utils import local_torch_dtype
from transformers.utils.generic import ContextManagers

from entrack import interrupts


@pytest.fixture(autouse=True)
def _usual() -> Iterator[None]:
    before, hook = signal.signal(signal.SIGINT, signal.default_int_handler), sys.unraisablehook
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert sys.unraisablehook is hook and not interrupts._State.depth
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("lose", LOSING, ids=lambda lose: lose.__name__)
def test_what_is_swallowed_is_raised_at_the_next_check(lose: Callable[[], None]) -> None:
    reached = False
    with pytest.raises(KeyboardInterrupt), interrupts.watched():
        lose()
        reached = True
        interrupts.check()
        raise AssertionError("not raised")
    assert reached == (lose.__name__ != "made_another_error")


@pytest.mark.parametrize("lose", LOSING, ids=lambda lose: lose.__name__)
def test_what_is_swallowed_is_raised_at_the_end(lose: Callable[[], None], capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), interrupts.watched():
        lose()
    assert capfd.readouterr() == ("", "")  # nor does Python print what a finaliser raised


def test_a_command_that_left_in_time_was_interrupted_all_the_same() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts.watched():
        LOSING[0]()
        raise SystemExit(0)


def test_each_stay_begins_anew() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts.watched():
        interrupt()
    with interrupts.watched():
        interrupts.check()


def test_an_inner_stay_does_not_forget() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts.watched():
        LOSING[0]()
        with interrupts.watched():
            interrupts.check()
            raise AssertionError("not raised")


def test_an_interrupt_outside_is_as_ever() -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupt()
    interrupts.check()


def test_a_handler_for_which_it_is_something_else() -> None:
    seen: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
    with interrupts.watched():
        interrupt()
        interrupts.check()
        Leaving(interrupt)
        interrupts.check()
    assert seen == [signal.SIGINT] * 2
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL])
def test_ignored_or_left_to_the_system_stays_so(handler: Any) -> None:
    signal.signal(signal.SIGINT, handler)
    with interrupts.watched():
        assert signal.getsignal(signal.SIGINT) is handler
    assert signal.getsignal(signal.SIGINT) is handler
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_a_handler_that_is_set_meanwhile_stays() -> None:
    def other(number: int, frame: FrameType | None) -> None:
        raise AssertionError

    with interrupts.watched():
        signal.signal(signal.SIGINT, other)
    assert signal.getsignal(signal.SIGINT) is other
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_other_threads_have_no_part_in_it() -> None:
    found: list[object] = []

    def work() -> None:
        with interrupts.watched():
            interrupts._State.seen = True
            interrupts.check()
            interrupts._State.seen = False
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert found == [signal.default_int_handler]


class Leaving:
    """Runs something while it leaves a `with`."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.done = False
        self.work = work
        with self:
            pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self.work()
        self.done = True


def test_a_with_is_left_before_it_is_raised() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts.watched():
        assert Leaving(interrupt).done
        interrupts.check()
        raise AssertionError("not raised")


def test_not_put_off_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang() -> None:
        interrupt()
        interrupt()  # at once: still put off
        monkeypatch.setattr(interrupts, "PATIENCE", 0.0)
        interrupt()
        raise AssertionError("not raised")

    with pytest.raises(KeyboardInterrupt), interrupts.watched():
        Leaving(hang)


def test_waiting_for_a_with_can_be_interrupted() -> None:
    @contextmanager
    def slow() -> Iterator[None]:
        interrupt()
        raise AssertionError("not raised")
        yield

    with pytest.raises(KeyboardInterrupt), interrupts.watched(), slow():
        pass


def test_as_a_decorator_it_keeps_what_it_decorates() -> None:
    @interrupts.watched()
    def add(a: int, b: int = 1) -> int:
        """Add."""
        assert signal.getsignal(signal.SIGINT) is interrupts._handle
        return a + b

    assert (add(1), add(1, b=2), add.__doc__) == (2, 3, "Add.")


def _in_a_stack() -> AbstractContextManager[object]:
    stack = ExitStack()
    stack.enter_context(torch.no_grad())
    return stack


SETTINGS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "gradients": torch.no_grad,
    "device": lambda: torch.device("meta"),
    "in a stack": _in_a_stack,
    "as transformers reads a model": lambda: ContextManagers(
        [local_torch_dtype(torch.float16, "M"), torch.device("meta")]
    ),
}


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_settings_of_torch_are_put_back_wherever_it_comes(setting: Callable[[], AbstractContextManager[Any]]) -> None:
    """At every place of entering and leaving such a `with`, one after the other."""

    def work() -> None:
        with interrupts.watched(), setting():
            interrupts.check()

    events = events_of(work)
    for place in range(events):
        caught = at_the_event(work, place)
        settings = torch.is_grad_enabled(), torch.empty(1).device.type, torch.get_default_dtype()
        assert settings == (True, "cpu", torch.float32), f"place {place} of {events}"
        del caught
