"""`entrack export` and `entrack import`: circuits in the forms of other tools, on stdout; what is left out, on
stderr."""

from __future__ import annotations

import sys
from pathlib import Path

from entrack import api
from entrack.circuit_files import results_json
from entrack.circuit_files.circuit import MOST_BYTES, Circuit, CircuitRefused
from entrack.circuit_files.forms import READERS, WRITERS, Form, told
from entrack.cli.exit_codes import refuse, say
from entrack.files import NoFile, beginning
from entrack.source import Source

MOST_RESULTS = 1 << 28
"""Bytes of a results.json."""


def exported(name: str, source: Path, to: Form) -> None:
    """Print a circuit of results.json. Raises CircuitRefused, OSError."""
    _print(results_json.read(_text(source, MOST_RESULTS), name), to)


def imported(file: Path, to: Form, form: Form | None, name: str, model: str, position: str) -> None:
    """Print a circuit of a file in another form. Raises CircuitRefused, OSError."""
    text = _text(file, MOST_BYTES)
    read = READERS.get(form or told(text))
    if read is None:
        refuse("a spec is a circuit already: `include` it")
    _print(read(text, name, model, position), to)


def _print(circuit: Circuit, to: Form) -> None:
    text = WRITERS[to](circuit)
    for note in circuit.notes:
        say(f"note: {note}")
    sys.stdout.buffer.write((_formatted(text) if to is Form.ET else text).encode())


def _formatted(text: str) -> str:
    """A spec as `entrack fmt` writes it. Raises CircuitRefused where it is none."""
    written, problems = api.formatted(Source("circuit.et", text))
    if written is None:
        raise CircuitRefused(f"no spec can say this circuit: {problems[0].message}")
    return written


def _text(path: Path, most: int) -> str:
    """The text of a regular file. Raises CircuitRefused, OSError."""
    try:
        data = beginning(path, most)
    except (NoFile, IsADirectoryError):
        data = None
    if data is None or len(data) > most:
        raise CircuitRefused(f"{path} is no file of at most {most:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CircuitRefused(f"{path} is not UTF-8 text") from None
