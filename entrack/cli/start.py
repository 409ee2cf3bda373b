"""Where the `entrack` command starts: the light commands at once, all others through `app.py`."""

from __future__ import annotations

import sys

from entrack.cli.light import plainly


def main() -> None:
    """The entry point of the `entrack` command."""
    act = plainly(sys.argv[1:])
    if act is not None:
        return act()
    from entrack.cli.app import app

    app()
