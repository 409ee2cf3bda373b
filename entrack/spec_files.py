"""The text of a spec, read from its file: bounded, and never from what would not end."""

from __future__ import annotations

import os

from entrack import arguments
from entrack.error_text import reason
from entrack.errors import EntrackError
from entrack.files import beginning
from entrack.source import Source
from entrack.syntax.limits import MOST_BYTES


class SpecMissing(EntrackError):
    """The file of a spec cannot be read; the message says why."""


def read(path: str | os.PathLike[str]) -> Source:
    """The text of a spec. Raises ArgumentError and SpecMissing."""
    arguments.path(path, "path")
    try:
        raw = beginning(path, MOST_BYTES)
    except (OSError, ValueError) as error:
        raise SpecMissing(f"{str(path)[:500]} cannot be read: {reason(error)}") from None
    if len(raw) > MOST_BYTES:
        raise SpecMissing(f"{path} is no spec: it has more than {MOST_BYTES:,} bytes")
    try:
        return Source(str(path), raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise SpecMissing(f"{path} is not UTF-8 text") from None
