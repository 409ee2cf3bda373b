"""Processes of their own. For files of strangers and libraries that are not made for them: Python without the user's
settings, folders or environment (`-I -S`), which runs one program of this package and nothing else. For workers of a
run: Python as it is here, with a program of this package.

This is the one module of entrack that starts a program.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import IO


class NoLibrary(Exception):
    """The library that the program works with is not here, or Python cannot be started."""


def started(program: Path, library: str, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """The process, with pipes for what is asked and answered. Its program is told the folder that a library is in.

    Raises NoLibrary, and OSError where the system starts no process.
    """
    found = find_spec(library)
    if found is None or found.origin is None or not sys.executable:
        raise NoLibrary(library)
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-B", str(program), str(Path(found.origin).parents[1])],
        env=dict(environment),
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def worker(program: Path, environment: Mapping[str, str], trouble: IO[bytes]) -> subprocess.Popen[bytes]:
    """A process that computes for this one, in a session of its own, so that a Ctrl-C on the terminal does not come to
    it; its standard error goes into a file. Raises NoLibrary and OSError as `started` does."""
    if not sys.executable:
        raise NoLibrary("Python")
    return subprocess.Popen(
        [sys.executable, "-P", str(program)],
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=trouble,
        bufsize=0,
        start_new_session=True,
    )
