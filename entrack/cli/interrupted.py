"""What is said when somebody presses Ctrl-C, and the exit status: known before anything else is loaded."""

from __future__ import annotations

SAID = "interrupted: what was finished is kept; the same command goes on from there"
STATUS = 130
