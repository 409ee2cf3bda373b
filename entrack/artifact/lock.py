"""A lock: what a spec, its files, its models and the stack were, as sorted text, one fact a line.

    entrack lock 1
    file "boxes/boxes.et" = 1204 00c1...
    model base = builtin "boxes-base"
    root all = 50 9d0e...

A line is a key and a value. Comments and blank lines are not read, and not written but at the top. A lock may come from
a stranger: it is bounded, each line has one of the known forms, and no key stands twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from entrack.artifact.errors import LockMissing, LockRefused
from entrack.diagnostics.escape import clip
from entrack.error_text import reason
from entrack.frozen import frozen

FIRST = "entrack lock 1"
SUFFIX = ".lock"
MOST_BYTES, MOST_LINES, MOST_LINE = 1 << 20, 10_000, 4_096
TITLE = "# What this experiment is made of. Written by `entrack lock`, read by `entrack run --locked`."

_NAME = r"[A-Za-z_]\w*"
_TEXT = r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-f]{4})*"'
_SHA = r"[0-9a-f]{64}"
_FILE = rf"\d{{1,15}} {_SHA}"
_COMMIT = r"[0-9a-f]{40}"
_VALUE = r"[\w.+-]{1,64}"
FORMS = tuple(
    re.compile(f"({key}) = ({value})", re.ASCII)
    for key, value in (
        (rf"dataset {_TEXT} {_TEXT}", rf"{_COMMIT} {_FILE}"),
        ("device", "cpu|cuda|mps"),
        (rf"file {_TEXT}", _FILE),
        ("language", r"\d{1,3}"),
        (rf"model {_NAME}", rf"(?:builtin|local|gguf) {_TEXT}|hub {_TEXT} {_COMMIT}"),
        (rf"model {_NAME} adapter", rf"local {_TEXT}|hub {_TEXT} {_COMMIT}"),
        (rf"model {_NAME} licence", _TEXT),
        (rf"model {_NAME} (?:file|weights|adapter) {_TEXT}", _FILE),
        (rf"param {_NAME}", r"[-+.\de]{1,32}"),
        ("root all", rf"\d{{1,9}} {_SHA}"),
        ("root known", rf"\d{{1,9}} {_SHA}"),
        ("seed", r"\d{1,16}"),
        ("spec", rf"{_TEXT} {_FILE}"),
        ("tolerance", _TEXT),
        (r"version (?:entrack|nnsight|python|torch|transformers)", _VALUE),
    )
)
"""The lines that there are: a key, and a value that it may have."""
NEEDED = ("device", "language", "root known", "seed", "spec", "tolerance", "version entrack")


@frozen
class Moved:
    """A line that is another one now; None where there is none."""

    key: str
    old: str | None
    new: str | None

    def __str__(self) -> str:
        return f"{self.key}: {_said(self.old)} -> {_said(self.new)}"


@frozen
class Lock:
    """Facts by their keys."""

    facts: Mapping[str, str]

    @property
    def text(self) -> str:
        """The whole file."""
        lines = (f"{key} = {value}\n" for key, value in sorted(self.facts.items()))
        return f"{TITLE}\n{FIRST}\n{''.join(lines)}"

    def under(self, *key: str) -> Iterator[tuple[str, str]]:
        """What stands under the first words of a key: the name at its end, and the value."""
        begins = "".join(f"{word} " for word in key)
        for full, value in sorted(self.facts.items()):
            if full.startswith(begins) and full[len(begins)] == '"':
                yield texts_in(full)[0], value


def quoted(text: str) -> str:
    """A text as it stands in a lock: JSON, so that it is one line of ASCII."""
    return json.dumps(text)


def sized(size: int, sha256: str) -> str:
    """A file's size in bytes and its SHA-256."""
    return f"{size} {sha256}"


def texts_in(key: str) -> list[str]:
    """The quoted texts of a key, or of a value."""
    return [json.loads(text) for text in re.findall(_TEXT, key)]


def sha256_of(value: str) -> str:
    """The digest at the end of a value."""
    return value.rpartition(" ")[2]


def moved(old: Lock, new: Lock) -> tuple[Moved, ...]:
    """The lines that differ, in the order of their keys."""
    keys = sorted({*old.facts, *new.facts})
    return tuple(
        Moved(key, old.facts.get(key), new.facts.get(key)) for key in keys if old.facts.get(key) != new.facts.get(key)
    )


def path_of(spec: Path) -> Path:
    """Where the lock of a spec stands."""
    return spec.with_suffix(SUFFIX)


def read(path: Path) -> Lock:
    """The lock in a file. Raises LockMissing, LockRefused."""
    try:
        with path.open("rb") as stream:
            return parsed(stream.read(MOST_BYTES + 1), path.name)
    except OSError as error:
        raise LockMissing(f"{path} cannot be read: {reason(error)}; `entrack lock SPEC` writes it") from None


def parsed(data: bytes, name: str) -> Lock:
    """The lock that bytes say. Raises LockRefused."""
    if len(data) > MOST_BYTES or data.count(b"\n") > MOST_LINES:
        raise LockRefused(f"{name} is larger than a lock may be")
    try:
        lines = data.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise LockRefused(f"{name} is not ASCII text") from None
    facts: dict[str, str] = {}
    seen = False
    for number, line in enumerate(lines, 1):
        if not line or line.startswith("#"):
            continue
        if not seen:
            if line != FIRST:
                raise _bad(name, number, line, f"the first line of a lock is `{FIRST}`")
            seen = True
            continue
        key, value = _fact(name, number, line)
        if key in facts:
            raise _bad(name, number, line, "it stands there twice")
        facts[key] = value
    lacking = [key for key in NEEDED if key not in facts]
    if lacking or not seen:
        raise LockRefused(f"{name} is no whole lock: it has no line `{(lacking or [FIRST])[0]}`")
    return Lock(facts)


def _fact(name: str, number: int, line: str) -> tuple[str, str]:
    for form in FORMS if len(line) <= MOST_LINE else ():
        if found := form.fullmatch(line):
            return found.group(1), found.group(2)
    raise _bad(name, number, line, "no line of a lock is like this")


def _bad(name: str, number: int, line: str, why: str) -> LockRefused:
    return LockRefused(f"{name}, line {number}: {why}: {clip(line, 80)}")


def _said(value: str | None) -> str:
    return "nothing" if value is None else value
