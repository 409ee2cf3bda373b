"""What the files of a remote can be asked for: read whole or not at all, and never more of one than was asked for;
written whole or not at all.

Nothing here decides what a file is worth, or how long one waits for it: `remote.py` does. What an operation raises is
what its file system raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from entrack.store import layout

Beat = Callable[[], None]
"""Called when something has come. Raises where nobody waits for the rest."""


class NotThere(OSError):
    """The folder of a remote is not there; the message says what can be done."""


class Place(Protocol):
    """Files by names with `/`, which are made of digests and addresses only."""

    def read(self, name: str, most: int, beat: Beat) -> bytes | None:
        """The bytes of a file: of one that has more than `most`, so many and one more. None where there is none."""

    def size(self, name: str) -> int | None:
        """Bytes of a file; None where there is none."""

    def write(self, name: str, data: bytes) -> None:
        """Put a file there, in place of the one that is."""

    def reopen(self) -> None:
        """Forget the connection: after something went wrong the next operation makes another."""


def pieces(coming: Iterable[bytes], most: int, beat: Beat) -> bytes:
    """At most so many bytes of what comes."""
    came: list[bytes] = []
    for piece in coming:
        beat()
        came.append(piece[:most])
        most -= len(piece)
        if most <= 0:
            break
    return b"".join(came)


def object_name(digest: str) -> str:
    return "/".join(layout.Layout("").object(digest).parts)


def action_name(address: str) -> str:
    return "/".join(layout.Layout("").action(address).parts)
