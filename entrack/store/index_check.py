"""Compare the index with the action files and report differences. Changes nothing.

A row that is missing is no difference: a killed writer leaves that, and so does one that is writing now. A row of
another record, or of an address without an action file, is none that entrack leaves behind: it was changed, or the
action was.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping

from entrack.address import is_address
from entrack.frozen import frozen
from entrack.store import action_codec, folders, index_validation, read
from entrack.store.action_codec import MAX_RECORD
from entrack.store.base import Action, Damage
from entrack.store.layout import Layout
from entrack.store.location import Location

MOST = 1000
"""Differences that are looked for: an index that was planted may have any number."""
_LOOKS, _PAUSE = 3, 0.05
_ROWS = f"""
SELECT typeof(key) = 'text' AND length(key) = 64, substr(key, 1, 64), substr(value, 1, {MAX_RECORD + 1}),
    raw IS 1 AND mode IS 1 AND size IS 0 AND access_count IS 0 AND typeof(value) = 'blob'
    AND length(value) <= {MAX_RECORD}
    AND filename IS NULL AND tag IS NULL AND expire_time IS NULL
    AND typeof(store_time) = 'real' AND typeof(access_time) = 'real'
FROM Cache"""


@frozen
class Compared:
    """`rows` that are right, and what is wrong. `looked` is False where there is no index, or none that can be
    looked at now."""

    looked: bool
    rows: int = 0
    damage: tuple[Damage, ...] = ()


def compared(layout: Layout, actions: Mapping[str, bytes | None]) -> Compared:
    """The index against the records of the action files that were just read; None for a file that is damaged itself."""
    place = layout.index
    if not folders.exists(place) or index_validation.distrusted(place):
        return Compared(looked=False)
    try:
        if not index_validation.is_ours(place, to_read=True):
            return Compared(looked=True, damage=(Damage("index", place),))
        right, wrong = _split(place, actions)
        damage = tuple(_damage(layout, key) for key in _confirmed(layout, wrong))
        return Compared(looked=True, rows=right, damage=damage)
    except sqlite3.OperationalError:
        return Compared(looked=False)
    except sqlite3.DatabaseError:
        return Compared(looked=True, damage=(Damage("index", place),))


def _split(place: Location, actions: Mapping[str, bytes | None]) -> tuple[int, list[str]]:
    """How many rows are right, and the keys of those that are not."""
    right, wrong = 0, list[str]()
    for key, value in _rows(place):
        if value is not None and actions.get(key) == value:
            right += 1
        elif actions.get(key, b"") is not None:
            wrong.append(key)
        if len(wrong) == MOST:
            break
    return right, wrong


def _confirmed(layout: Layout, wrong: list[str]) -> list[str]:
    """Those that stay wrong: what is written or collected meanwhile differs for a moment only."""
    for _ in range(_LOOKS):
        if wrong:
            time.sleep(_PAUSE)
            now = {key: _record(layout, key) for key in wrong}
            wrong = [key for key, value in _rows(layout.index) if key in now and (value is None or value != now[key])]
    return wrong


def _record(layout: Layout, key: str) -> bytes | None:
    action = read.read_action(layout, key) if is_address(key) else None
    return action_codec.encode(action) if isinstance(action, Action) else None


def _rows(place: Location) -> Iterator[tuple[str, bytes | None]]:
    """Key and record of each row; None for a row that is not as we write them."""
    with index_validation.connected(place, to_read=True) as connection:
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        for is_text, key, value, as_written in connection.execute(_ROWS):
            yield str(key), value if is_text and as_written else None


def _damage(layout: Layout, key: str) -> Damage:
    return Damage("index row", layout.index, address=key if is_address(key) else None)
