"""Runs the spec `two.et` of the working folder, and prints the files of the package in the order in which a function of
theirs is first called."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import FrameType

from rich.console import Console

import entrack
from entrack.report.tables import report
from entrack.store import MemoryStore

ROOT = Path(entrack.__file__).parents[1]
FUNCTION = 2
"""The flag of code that has local names of its own: no class body, no module."""
entered: dict[str, None] = {}


def called(frame: FrameType, event: str, _: object) -> None:
    if event == "call" and frame.f_code.co_flags & FUNCTION:
        entered.setdefault(frame.f_code.co_filename)


def main() -> None:
    for module in pkgutil.walk_packages(entrack.__path__, "entrack."):
        if ".builtin" not in module.name and "__main__" not in module.name:
            with suppress(ModuleNotFoundError):  # of an extra that is not installed
                importlib.import_module(module.name)  # what an import calls does not count
    threading.setprofile(called)
    sys.setprofile(called)
    results = entrack.load("two.et").run(MemoryStore())
    Console(stderr=True).print(report(results))
    sys.setprofile(None)
    inside = (Path(name) for name in entered if name.startswith(f"{ROOT / 'entrack'}/"))
    print(*(path.relative_to(ROOT).as_posix() for path in inside), sep="\n")


if __name__ == "__main__":
    main()
