"""What entrack raises on purpose: one base, and the errors of wrong arguments. Each is also what Python's own habits
expect.

EntrackError
  ArgumentError (ValueError)         an argument that cannot be: threads=-3
    ArgumentTypeError (TypeError)    one of another kind: n="4"
    UnknownName (KeyError)           a name that is not there; says which are near
  SpecError, SpecMissing             a spec with errors, one that cannot be read
  ModelMissing                       a model's files are not here, or cannot be used
  StoreError, EngineError            a store or a computation failed
  NotANumber                         a number of the results is not finite
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from types import TracebackType

HERE = os.path.dirname(__file__)


class EntrackError(Exception):
    """The base of all that entrack raises on purpose. Anything else that leaves it is a mistake in entrack, but for
    KeyboardInterrupt, MemoryError, and an OSError of a file that was asked for."""

    def _render_traceback_(self) -> list[str]:
        """How IPython shows it: what is wrong, and the line that called, without the path through entrack."""
        from entrack.diagnostics.escape import visible

        said = "\n".join(map(visible, str(self).split("\n")))
        return [f"{type(self).__name__}: {said}", *_called_from(self.__traceback__)]


class ArgumentError(EntrackError, ValueError):
    """An argument that cannot be; the message says what can."""


class ArgumentTypeError(ArgumentError, TypeError):
    """An argument of another kind than is wanted."""


class UnknownName(ArgumentError, KeyError):
    """A name that is not there; the message says which are near, or which there are."""

    def __str__(self) -> str:  # KeyError's own puts the message in quotes
        return str(self.args[0])


def _called_from(trace: TracebackType | None) -> list[str]:
    """The last line before entrack: of a cell its number in it, of a file its name too."""
    import linecache  # only when something is wrong: it loads Python's tokenizer

    called = None
    while trace is not None and not trace.tb_frame.f_code.co_filename.startswith(HERE):
        called, trace = (trace.tb_frame.f_code.co_filename, trace.tb_lineno), trace.tb_next
    if called is None:
        return []
    name, number = called
    in_cell = name.startswith("<") or os.path.basename(os.path.dirname(name)).startswith("ipykernel_")
    where = f"line {number}" if in_cell else f"{os.path.basename(name)}:{number}"
    return [f"  {where}: {linecache.getline(name, number).strip()}"]


def unknown(what: str, name: str, known: Iterable[str]) -> UnknownName:
    """`what` says in words what there is none of, such as "the results have no measure"."""
    from entrack.diagnostics.suggest import (
        did_you_mean,
    )  # only when something is wrong: the words of the domain know no diagnostics otherwise

    known = list(known)
    return UnknownName(f"{what} {name[:200]!r}; {did_you_mean(name[:200], known) if known else 'there is none at all'}")
