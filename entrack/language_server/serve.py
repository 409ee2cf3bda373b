"""Serving one editor."""

from __future__ import annotations

import os
import sys

from entrack.language_server import of_places, of_texts, texts  # noqa: F401  # each says which requests it answers
from entrack.language_server.answering import server


def serve() -> None:
    """Serve one editor on standard input and output until it ends. What else is printed goes to standard error."""
    server.garbage.begin()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    server.start_io(stdout=answers)
