"""What made a command fail, by name: the words on stderr, the name in JSON, the exit status. docs/exit-status.md lists
them.

Names stand in a table, so that no class of Python's is ever shown; what is not in it is a mistake in entrack, and is
said as one.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from entrack.cli.interrupted import SAID, STATUS
from entrack.diagnostics import Diagnostic, errors
from entrack.error_text import reason
from entrack.errors import ArgumentError
from entrack.frozen import frozen
from entrack.source import Source
from entrack.system import address_space

DONE, CLAIM_FAILED, SPEC_ERROR, ENVIRONMENT_ERROR, INTERNAL, NOT_TRIED, INTERRUPTED = 0, 1, 2, 3, 4, 5, STATUS
NAMES: Mapping[str, str] = {
    "entrack.spec_files.SpecMissing": "spec missing",
    "entrack.syntax.equivalence.Miswritten": "not formatted",
    "entrack.models.weight_files.ModelMissing": "model missing",
    "entrack.models.weight_files.ModelRefused": "model refused",
    "entrack.model_config.BadConfig": "model refused",
    "entrack.prompts.bad_tokenizer.BadTokenizer": "model refused",
    "entrack.store.errors.StoreError": "store",
    "entrack.store.errors.StoreFull": "store full",
    "entrack.store.errors.StoreReadOnly": "store read-only",
    "entrack.store.errors.StoreUnreadable": "store unreadable",
    "entrack.store.errors.StoreTooNew": "store too new",
    "entrack.store.errors.StoreTooOld": "store too old",
    "entrack.store.errors.StoreBusy": "store busy",
    "entrack.engine.errors.EngineError": "engine",
    "entrack.engine.errors.ModelUnreadable": "model unreadable",
    "entrack.engine.errors.ModelMismatch": "model mismatch",
    "entrack.engine.errors.AdapterRefused": "adapter refused",
    "entrack.engine.errors.DeviceMissing": "device missing",
    "entrack.engine.errors.PrecisionMissing": "precision missing",
    "entrack.engine.errors.OutOfMemory": "out of memory",
    "entrack.engine.errors.NothingToAttend": "nothing to attend",
    "entrack.engine.errors.NotFinite": "not finite",
    "entrack.workers.errors.WorkerLost": "worker lost",
    "entrack.workers.errors.WorkerRefused": "worker refused",
    "entrack.workers.errors.PoisonedStep": "poisoned step",
    "entrack.workers.errors.NoRoom": "no room",
    "entrack.workers.errors.NoWorkers": "no workers",
    "entrack.analysis.outcomes.NotANumber": "not a number",
    "entrack.artifact.errors.LockMissing": "lock missing",
    "entrack.artifact.errors.LockRefused": "lock refused",
    "entrack.artifact.errors.LockDrift": "lock drift",
    "entrack.artifact.errors.PackRefused": "pack refused",
    "entrack.artifact.errors.PackIncomplete": "pack incomplete",
    "entrack.artifact.errors.PackTooLarge": "pack too large",
    "entrack.artifact.errors.IdentityFound": "identity found",
    "entrack.artifact.errors.PaperRefused": "paper refused",
    "entrack.circuit_files.circuit.CircuitRefused": "circuit refused",
    "entrack.cli.streams.OutputLost": "output",
}
"""Failures of the environment by class; a class without a row has the name of the first one above it that has."""
NOT_SO = ("lock drift", "identity found")
"""Of these, those with which what was asked about is not so: their status is 1."""
SPEC, CALL, MEMORY, PACKAGE, SYSTEM, MISTAKE = "spec", "wrong call", "out of memory", "package", "system", "internal"
INTERRUPTION = "interrupted"
NO_MEMORY = "this process may take no more memory: end what else uses it, or see `ulimit -v`"
NO_PACKAGE = "a package that entrack needs cannot be loaded; is it installed, and is memory limited (`ulimit -v`)?"
NO_THREAD = "this process may start no more threads: see `ulimit -u` and `ulimit -v`"
GONE = "the working folder is there no more; go to another one"
REPORT = (
    "This is a mistake in entrack; please report it with this line and the spec. With "
    "ENTRACK_TRACEBACK=1 the whole path to it is shown"
)
LEAST_MEMORY = 400 * 10**6
"""Bytes of address space."""
PACKAGE_FOLDER = Path(__file__).parents[1]


class Refused(Exception):
    """What was asked for cannot be; the message says why. The mistake is in the call, not in the spec."""


@frozen
class Failure:
    """`name` is the error's, in words; `problems` are diagnostics of `sources`."""

    name: str
    status: int
    message: str
    problems: tuple[Diagnostic, ...] = ()
    sources: Mapping[str, Source] = {}


def need_memory() -> None:
    """Raises MemoryError where the libraries of any larger command could not be loaded: these end the process
    themselves, with a word of their own."""
    if address_space() < LEAST_MEMORY:
        raise MemoryError


def failure(error: BaseException) -> Failure:
    """The name, status and words of what was raised."""
    if isinstance(error, KeyboardInterrupt):
        return Failure(INTERRUPTION, INTERRUPTED, SAID)
    if isinstance(error, Refused | ArgumentError):
        return Failure(CALL, SPEC_ERROR, str(error))
    if is_wrong_call(error):
        told: Any = error
        return Failure(CALL, SPEC_ERROR, told.format_message())
    problems: tuple[Diagnostic, ...] | None = getattr(error, "problems", None)
    if _name(error) is None and problems is not None:  # compile.SpecError
        many = len(errors(problems))
        return Failure(SPEC, SPEC_ERROR, f"the spec has {many} error{'s' * (many != 1)}", problems, error.sources)  # type: ignore[attr-defined]
    return _environment(error) or Failure(MISTAKE, INTERNAL, f"{_mistake(error)}. {REPORT}")


def is_wrong_call(error: BaseException) -> bool:
    """Whether typer raised this for arguments that it cannot read."""
    typer = sys.modules.get("typer")
    # the second above is its ClickException, which typer may have of its own
    return typer is not None and isinstance(error, typer.BadParameter.__mro__[2])


def document(failed: Failure) -> dict[str, Any]:
    """The failure as the document that `--json` prints in place of a result."""
    return {
        "entrack_error": 1,
        "error": failed.name,
        "status": failed.status,
        "message": failed.message,
        "problems": [_problem(problem, failed.sources) for problem in failed.problems],
    }


def _problem(problem: Diagnostic, sources: Mapping[str, Source]) -> dict[str, Any]:
    source, span = sources.get(problem.span.file), problem.span
    line, column = source.place(span.start) if source is not None else (None, None)
    return {
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "label": problem.label,
        "help": problem.help,
        "file": span.file,
        "start": span.start,
        "end": span.end,
        "line": line,
        "column": column,
    }


def _name(error: BaseException) -> str | None:
    return next(
        (NAMES[path] for kind in type(error).__mro__ if (path := f"{kind.__module__}.{kind.__qualname__}") in NAMES),
        None,
    )


def _environment(error: BaseException) -> Failure | None:
    """A failure of the environment: what is in the table, then what Python has a word for, then what these caused
    further up."""
    name = _name(error)
    if name == "output":
        return Failure(name, ENVIRONMENT_ERROR, f"standard output cannot be written: {reason(error)}")
    if name is not None:
        return Failure(name, CLAIM_FAILED if name in NOT_SO else ENVIRONMENT_ERROR, str(error))
    named = [said for one in _causes(error) if (said := _python(one)) is not None]
    return Failure(*named[-1]) if named else None


def _python(error: BaseException) -> tuple[str, int, str] | None:
    match error:
        case MemoryError():
            return MEMORY, ENVIRONMENT_ERROR, NO_MEMORY
        case ImportError() if not (error.name or "").startswith("entrack"):
            return PACKAGE, ENVIRONMENT_ERROR, f"{NO_PACKAGE} ({reason(error)})"
        case OSError():
            return SYSTEM, ENVIRONMENT_ERROR, GONE if _is_gone(error) else _where(error)
        case RuntimeError() if "can't start new thread" in str(error):
            return SYSTEM, ENVIRONMENT_ERROR, NO_THREAD
    return None


def _where(error: OSError) -> str:
    return reason(error) + (
        f" ({os.fsdecode(error.filename)})" if isinstance(error.filename, str | bytes) and error.filename else ""
    )


def _is_gone(error: OSError) -> bool:
    """Whether the working folder is what was not found."""
    try:
        os.getcwd()
    except OSError:
        return isinstance(error, FileNotFoundError) and not error.filename
    return False


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _mistake(error: BaseException) -> str:
    """The error and the last place in entrack that it came through."""
    places = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(PACKAGE_FOLDER)
    ]
    where = f" at {Path(places[-1].filename).relative_to(PACKAGE_FOLDER)}:{places[-1].lineno}" if places else ""
    return f"{type(error).__name__}: {reason(error)}{where}"
