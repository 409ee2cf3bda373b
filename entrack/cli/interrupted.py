"""The message and exit status of Ctrl-C, available before anything else is loaded."""

from __future__ import annotations

SAID = "interrupted: what was finished is kept; the same command goes on from there"
STATUS = 130
