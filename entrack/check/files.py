"""The files of a spec: other specs, columns and head lists, all of them inside the spec's folder.

Nothing outside is ever opened: no absolute path, no `..` that leaves, no link that leads out, no URL. Each file is read
once in a command, and each column taken from it once, however often a spec names them; so all that a spec says of a
file is of the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar, cast

from attrs import evolve, field

from entrack import budget
from entrack.check.unreadable import Unreadable, few
from entrack.diagnostics import Diagnostic, nearest
from entrack.diagnostics.suggest import Suggestion
from entrack.files import NoFile, beginning
from entrack.frozen import frozen
from entrack.source import Source, Span

MOST_BYTES = budget.FILE_BYTES.most
PARQUET = ".parquet"
MOST_LISTS = 1 << 21
"""Brackets of a JSON file: a list takes some fifty bytes, however little stands in it."""
MOST_ENTRIES = 1000
"""Of a folder, that are looked at for a near name."""
MOST_PATH, MOST_NAME = 1024, 255
T = TypeVar("T")


@frozen
class Files:
    """Reads files named in a spec. `root` is the folder of the spec that is run; `unsaved` are the texts that an editor
    has of files, by their identity, in place of what is on the disk; `_kept` is what was read for it."""

    root: Path
    unsaved: Mapping[str, str] = field(factory=dict, eq=False, repr=False)
    _kept: dict[tuple[str, ...], Any] = field(factory=dict, init=False, eq=False, repr=False)

    def resolve(self, written: str, span: Span) -> Path:
        """The file that `written` names, seen from the file it is written in. Raises Unreadable."""
        return self.once(("path", written, span.file), span, lambda: self._resolved(written, span))

    def identity(self, path: Path | str) -> str:
        """What two names of one file have in common."""
        return self.once(("identity", str(path)), None, lambda: str(Path(path).resolve()))

    def once(self, key: tuple[str, ...], span: Span | None, make: Callable[[], T]) -> T:
        """What `make` gave the first time, or the same trouble as then, at the place that is asked from now. Raises
        Unreadable."""
        if key not in self._kept:
            try:
                self._kept[key] = make()
            except Unreadable as trouble:
                self._kept[key] = trouble
        found = self._kept[key]
        if isinstance(found, Unreadable):
            raise Unreadable(found.problem if span is None else evolve(found.problem, span=span))
        return cast(T, found)

    @property
    def read(self) -> tuple[Source, ...]:
        """The texts of the files that were read, in the order in which they were asked for."""
        texts = (found for (kind, *_), found in self._kept.items() if kind == "text")
        return tuple(found for found in texts if isinstance(found, Source))

    @property
    def contents(self) -> tuple[tuple[Path, bytes], ...]:
        """The files that were read and are no texts, in the order in which they were asked for."""
        found = (found for (kind, *_), found in self._kept.items() if kind == "content")
        return tuple(each for each in found if not isinstance(each, Unreadable))

    def _resolved(self, written: str, span: Span) -> Path:
        budget.spend(budget.NAMED_FILES)
        pure = PurePosixPath(written)
        windows = "\\" in written or (len(written) > 1 and written[1] == ":")
        long = len(written) > MOST_PATH or any(len(part.encode(errors="replace")) > MOST_NAME for part in pure.parts)
        if not written or long or "\0" in written or pure.is_absolute() or windows or "://" in written:
            raise Unreadable(
                Diagnostic(
                    "E210",
                    "a file is named by a path inside the spec's folder",
                    span,
                    help='write a relative path with `/`, such as `"data/objects.csv"`',
                )
            )
        path = Path(span.file).parent / pure
        try:
            inside = Path(self.identity(path)).is_relative_to(self.identity(self.root))
        except (OSError, RuntimeError, ValueError):
            inside = False
        if not inside:
            raise Unreadable(
                Diagnostic(
                    "E210",
                    f"`{written}` lies outside the spec's folder",
                    span,
                    "a spec only reads what is published with it",
                    "move the file beside the spec",
                )
            )
        return path

    def text(self, written: str, span: Span) -> Source:
        """A text file as a source. Raises Unreadable."""
        path = self.resolve(written, span)
        source = self.once(("text", self.identity(path)), span, lambda: self._text(path, written, span))
        return source if source.name == str(path) else Source(str(path), source.text)

    def content(self, written: str, span: Span) -> tuple[Path, bytes]:
        """The bytes of a file that is no text. Raises Unreadable."""
        path = self.resolve(written, span)
        return self.once(("content", self.identity(path)), span, lambda: self._content(path, written, span))

    def _content(self, path: Path, written: str, span: Span) -> tuple[Path, bytes]:
        if not path.is_file():
            raise self._missing(path, written, span)
        try:
            content = beginning(path, MOST_BYTES)
        except (OSError, NoFile) as error:
            raise _not_opened(written, getattr(error, "strerror", None) or str(error), span) from None
        _hold(len(content), written, span)
        return path, content

    def outside(self, path: Path, written: str, span: Span) -> Source:
        """A text file that was downloaded, wherever it is kept. Raises Unreadable."""
        return self.once(("text", self.identity(path)), span, lambda: self._text(path, written, span))

    def _text(self, path: Path, written: str, span: Span) -> Source:
        text = self.unsaved.get(self.identity(path))
        if text is not None:
            _hold(len(text.encode(errors="replace")), written, span)
            return Source(str(path), text)
        if not path.is_file():
            raise self._missing(path, written, span)
        try:
            _hold(path.stat().st_size, written, span)
            if PurePosixPath(written).suffix.lower() == PARQUET:
                return Source(str(path), _parquet(path, written, span))
            return Source(str(path), path.read_text(encoding="utf-8-sig"))
        except UnicodeDecodeError:
            where = _not_utf8(path)
            raise Unreadable(
                Diagnostic("E212", f"`{written}` is not UTF-8 text", span, where, help="save it as UTF-8")
            ) from None
        except OSError as error:
            raise _not_opened(written, str(error.strerror), span) from None

    def column(self, written: str, name: str, span: Span) -> tuple[str, ...]:
        """One column of a CSV file with a header line. Raises Unreadable."""
        from entrack.check.csv_columns import csv_column

        source = self.text(written, span)
        return self.once(
            ("column", self.identity(source.name), name), span, lambda: csv_column(source, written, name, span)
        )

    def json(self, written: str, dotted: str, span: Span) -> Any:
        """What stands at a dotted path of a JSON file. Raises Unreadable."""
        source = self.text(written, span)
        value = self.once(("json", self.identity(source.name)), span, lambda: _json(source, written, span))
        parts = dotted.split(".")
        for place, part in enumerate(parts):
            if not isinstance(value, dict) or part not in value:
                known = sorted(str(key) for key in value) if isinstance(value, dict) else []
                near = nearest(part, known)
                help = f"did you mean `{near}`?" if near else ""
                raise Unreadable(
                    Diagnostic(
                        "E214",
                        f"`{written}` has nothing at `{dotted}`",
                        span,
                        f"no `{part}`; there is {few(known)}",
                        Suggestion.of(help, dotted, (".".join((*parts[:place], key)) for key in known)),
                    )
                )
            value = value[part]
        return value

    def _missing(self, path: Path, written: str, span: Span) -> Unreadable:
        label, near = f"looked in {path.parent}", self._near_file(path)
        return Unreadable(Diagnostic("E211", f"there is no file `{written}`", span, label, near))

    def _near_file(self, path: Path) -> str:
        near = nearest(path.name, self.once(("folder", str(path.parent)), None, lambda: _files_in(path.parent)))
        return f"did you mean `{near}`?" if near else "check the path; it is seen from the file it is written in"


def _parquet(path: Path, written: str, span: Span) -> str:
    """The rows of a Parquet file, an object a line. Raises Unreadable, OSError."""
    from entrack.check.parquet_process import NoParquet, json_lines_of

    try:
        return json_lines_of(path.read_bytes())
    except NoParquet as trouble:
        message = f"`{written}` cannot be read: {trouble}"
        raise Unreadable(Diagnostic("E213", message, span, help=trouble.help)) from None


def _hold(size: int, written: str, span: Span) -> None:
    """That a file of so many bytes may be read. Raises Unreadable."""
    if size > MOST_BYTES:
        message = f"`{written}` has more than {MOST_BYTES:,} bytes"
        raise Unreadable(Diagnostic("E212", message, span, help="keep only what the spec needs"))
    budget.spend(budget.DATA, size)


def _not_opened(written: str, why: str, span: Span) -> Unreadable:
    return Unreadable(Diagnostic("E212", f"`{written}` cannot be read: {why}", span, help="look at its permissions"))


def _json(source: Source, written: str, span: Span) -> Any:
    if source.text.count("[") + source.text.count("{") > MOST_LISTS:
        raise Unreadable(
            Diagnostic(
                "E214",
                f"`{written}` has more than {MOST_LISTS:,} lists and objects",
                span,
                help="keep only the circuits that the spec needs",
            )
        )
    try:
        return json.loads(source.text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(
            Diagnostic(
                "E214",
                f"`{written}` is no JSON: {str(error)[:100]}",
                span,
                help="name a JSON file with heads as [[layer, head], ...]",
            )
        ) from None


def _not_utf8(path: Path) -> str:
    """Which lines of a file are not UTF-8: where two encodings meet in one file, some are."""
    lines = enumerate(path.read_bytes().split(b"\n"), 1)
    bad = [number for number, line in lines if line.decode(errors="ignore").encode() != line]
    return f"line{'s' * (len(bad) != 1)} {few([str(number) for number in bad])}"


def _files_in(folder: Path) -> tuple[str, ...]:
    """Some of the files of a folder, for a near name."""
    try:
        return tuple(child.name for child in islice(folder.iterdir(), MOST_ENTRIES) if child.is_file())
    except OSError:
        return ()
