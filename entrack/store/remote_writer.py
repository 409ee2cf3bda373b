"""Values on their way to a remote, one after the other, in a thread that nobody waits for before the end."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque

from entrack import interrupts
from entrack.store import action_codec, layout, tensors
from entrack.store.base import Action, Store
from entrack.store.remote_connection import Connection, Failed
from entrack.store.remote_patience import TICK
from entrack.store.remote_place import action_name, object_name

GONE, BROKEN_OFF = "the own store has them no more", "it was broken off"
NO_THREAD = "this process may start no more threads"


class Writer:
    """Gives a remote the values of `own`. The object is written before its action, and neither where it is there
    already, unless `wrong` has its name."""

    def __init__(self, connection: Connection, own: Store, wrong: set[str]) -> None:
        self._connection, self._own, self._wrong = connection, own, wrong
        self._waiting: deque[Action] = deque()
        self._failed: list[Action] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopped = self._broken_off = self._is_writing = self._is_store = False
        self._refused = ""
        self.written = self.left = 0

    @property
    def why_left(self) -> str:
        """Why something is left."""
        health = self._connection.health
        return self._refused or health.left_alone or (BROKEN_OFF if self._broken_off else health.last or GONE)

    def add(self, action: Action) -> None:
        """Have an entry of the own store written."""
        with self._changed:
            self.left += 1
            self._waiting.append(action)
            self._changed.notify()
            if self._thread is None:
                self._start()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="entrack remote", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            self._refused = NO_THREAD

    def doubt(self) -> None:
        """Reading has been given up."""
        self._connection.health.doubt()

    def wait(self) -> None:
        """Until everything is written that can be: what failed is tried once more."""
        self._wait()
        with self._changed:
            self._waiting.extend(self._failed)
            self._changed.notify()
        self._wait()

    def _wait(self) -> None:
        while self._is_busy():
            interrupts.check()
            time.sleep(TICK)

    def stop(self) -> None:
        """Write nothing more."""
        with self._changed:
            self._broken_off = self._has_work()
            self._stopped = True
            self._changed.notify()

    def _run(self) -> None:
        while (action := self._next()) is not None:
            try:
                done = self._write(action)
            except Failed:
                done = False
                self._failed.append(action)
            except Exception:  # the own store cannot be read: a run that needs it says so
                done = False
            with self._changed:
                self._is_writing = False
                self.written, self.left = self.written + done, self.left - done

    def _next(self) -> Action | None:
        with self._changed:
            while not self._waiting and not self._gave_up():
                self._changed.wait(1.0)
            while (pause := self._connection.health.pause) and not self._stopped:
                self._changed.wait(pause)
            if self._gave_up():
                return None
            self._is_writing = True
            return self._waiting.popleft()

    def _gave_up(self) -> bool:
        return self._stopped or bool(self._refused or self._connection.health.left_alone)

    def _is_busy(self) -> bool:
        with self._changed:
            return self._has_work()

    def _has_work(self) -> bool:
        return not self._gave_up() and (self._is_writing or bool(self._waiting))

    def _write(self, action: Action) -> bool:
        """Whether the remote has the entry now. Raises Failed."""
        if not self._is_a_store():
            return False
        object_, entry = object_name(action.object), action_name(action.address)
        if object_ in self._wrong or self._connection.size(object_) != action.size:
            data = self._bytes(action)
            if data is None:
                return False
            self._connection.write(object_, data)
            self._wrong.discard(object_)
        if entry in self._wrong or self._connection.size(entry) is None:
            self._connection.write(entry, action_codec.encode(action))
            self._wrong.discard(entry)
        return True

    def _bytes(self, action: Action) -> bytes | None:
        value = self._own.load(action)
        data = None if value is None else tensors.encode(value)
        return data if data is not None and hashlib.sha256(data).hexdigest() == action.object else None

    def _is_a_store(self) -> bool:
        """Whether the remote is a store that may be written to; made one where it is none yet. Looked at once."""
        if not self._is_store:
            found = self._connection.read(layout.FORMAT_FILE, layout.MOST_FORMAT)
            self._refused = "" if found is None else layout.other_format(found)
            if found is None:
                self._connection.write(layout.FORMAT_FILE, layout.format_bytes())
            self._is_store = not self._refused
        return self._is_store
