"""A canary for the whole test suite: no test may make data run.

Python itself tells of everything that turns data into code, whoever asks and under whatever name it was imported
(`sys.addaudithook`): a pickle that asks for a class or function, `exec` and `eval`, a shell or another program, a
library that is loaded. Each is refused unless it was asked for by a known innocent: Python's own import of a file of
this repository or of an installed package, packages that run code of their own making (attrs its `__init__`s, nnsight
the body of a `with`), and tests that start processes. entrack is never innocent, nor is anything that reads files on
its behalf.

What is refused is also remembered, and fails the test in which it happened: an `except` on the way could hide it.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BESIDE = (
    *(str(ROOT / name) for name in ("tests", "docs", "benchmarks", "editors")),
    *map(str, (ROOT / "specs").rglob("*.py")),
)
"""What of this repository is code, beside entrack: it may start processes."""
HOMES = (
    *BESIDE,
    str(ROOT / "entrack"),
    *(os.path.realpath(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
)
"""Where code is: what is imported from anywhere else came from data."""

IMPORTERS = ("importlib", "_frozen_importlib", "zipimport", "runpy", "_pytest.assertion")
BUILDERS = {
    "IPython.core.interactiveshell": "the cells that tests/notebook writes",
    "_pytest": "what its -k and -m say",
    "attr": "methods of frozen classes",
    "cattrs": "converters of the values of a protocol, by their classes",
    "collections": "named tuples",
    "dataclasses": "methods",
    "fontTools": "converters of its tables, for the fonts that matplotlib brings",
    "huggingface_hub.repocard": "the template of a model card, which peft writes when a test saves an adapter",
    "hypothesis": "wrappers of tests",
    "inspect": "annotations that are written as text",
    "mpmath": "operators",
    "pdb": "what is typed",
    "sympy": "a setting in the environment",
    "torch": "templates of its own",
    "typing": "annotations that are written as text",
    "typing_inspection": "checks of types",
}
"""Packages, or modules of them, that run code of their own making, and what it is. None of it comes from a file that
is not code."""
TRACER = "nnsight"
"""Runs the body of a `with` of ours: code that stands in one of our files."""
STARTERS = {
    "matplotlib.font_manager": ("fc-list", "system_profiler"),
    "numpy.testing._private.utils": ("lscpu",),
    "platform": ("uname",),
}
"""Modules that ask a program of the system, and which: matplotlib lists the fonts of a machine once, before it has a
list of its own; Python asks for the kind of processor when tests run in several processes, which tell each other
where they are; numpy 2.0's help for tests asks for the kind of processor too."""
APART = {
    "entrack.prompts.tokenizer_sandbox": ROOT / "entrack" / "prompts" / "tokenizer_worker.py",
    "entrack.check.parquet_process": ROOT / "entrack" / "check" / "parquet_worker.py",
}
"""The modules of entrack that start a program: Python with a worker of theirs, for a tokenizer that may not be used in
this process, and for a Parquet file."""
WORKERS = {"entrack.workers.processes": ROOT / "entrack" / "workers" / "process.py"}
"""The module that starts workers of a run: this Python with all its packages, and one program."""
SERVED = {"pygls.client": ("-c", "from entrack.cli.main import main; main()", "lsp")}
"""The client of a language server that tests speak with, and the command of entrack that it starts."""
PLUMBING = (
    "asyncio.base_events",
    "asyncio.base_subprocess",
    "asyncio.subprocess",
    "asyncio.unix_events",
    "subprocess",
    "entrack.separate_process",
    "os",
    "pickle",
    "contextlib",
    "jinja2.environment",
)
"""Modules that do what others ask for: whoever called them is asked about."""


class CodeFromData(BaseException):
    """Data was about to be run. No `except Exception` catches this."""


attempts: list[str] = []


def watch() -> None:
    """Begin; there is no end, an audit hook stays as long as the process."""
    sys.addaudithook(_heard)


def _heard(event: str, given: tuple[Any, ...]) -> None:
    innocent = RULES.get(event)
    if innocent is not None and not innocent(given):
        frame = _asker()
        said = f"{event} of {given!r:.200}, asked for by {_module(frame)} ({frame.f_code.co_filename}:{frame.f_lineno})"
        attempts.append(said)
        raise CodeFromData(said)


def _runs_code(given: tuple[Any, ...]) -> bool:
    """A code object: of a file that is imported from where code lives, or built by a package that builds its own."""
    code, asker = given[0], _module(_asker())
    if asker.startswith(IMPORTERS) or _top(asker) == TRACER:
        return isinstance(code, CodeType) and _at_home(code.co_filename)
    return asker in BUILDERS or _top(asker) in BUILDERS


def _loads_a_library(given: tuple[Any, ...]) -> bool:
    """`import` of an extension module; other imports name no file and end in `exec`."""
    return given[1] is None or _at_home(given[1])


def _starts_a_process(given: tuple[Any, ...]) -> bool:
    frame = _asker()
    if _module(frame) in APART:
        return is_worker(given, APART[_module(frame)])
    if _module(frame) in WORKERS:
        return (given[0], list(given[1])) == (sys.executable, [sys.executable, "-P", str(WORKERS[_module(frame)])])
    if _module(frame) in SERVED:
        return list(given[1]) == [sys.executable, *SERVED[_module(frame)]]
    return given[0] in STARTERS.get(_module(frame), ()) or os.path.realpath(frame.f_code.co_filename).startswith(BESIDE)


def is_worker(given: tuple[Any, ...], worker: Path) -> bool:
    """That a program to be started is entrack's own: this Python, by itself, with a worker and the folder of its
    library."""
    library = str(Path(sysconfig.get_path("platlib")).resolve())
    command = [sys.executable, "-I", "-S", "-B", str(worker)]
    return (
        given[0] == sys.executable
        and list(given[1][:-1]) == command
        and str(Path(given[1][-1]).resolve()) == library
        and given[2] == "/"
    )


def _never(given: tuple[Any, ...]) -> bool:
    return False


RULES: dict[str, Callable[[tuple[Any, ...]], bool]] = {
    "exec": _runs_code,
    "import": _loads_a_library,
    "pickle.find_class": _never,
    "os.system": _never,
    "os.exec": _never,
    "os.posix_spawn": _starts_a_process,
    "os.spawn": _never,
    "subprocess.Popen": _starts_a_process,
    "pty.spawn": _never,
}


def _asker() -> FrameType:
    """The nearest frame that is neither ours nor plumbing."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (frame.f_globals is globals() or _module(frame) in PLUMBING):
        last, frame = frame, frame.f_back
    return frame or last


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "?"))


def _top(module: str) -> str:
    return module.partition(".")[0]


def _at_home(path: str) -> bool:
    return path.startswith("<frozen ") or os.path.realpath(path).startswith(HOMES)
