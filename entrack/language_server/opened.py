"""The texts that the editor has open, each with its analysis, which is made when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path

from attrs import define, field
from pygls.uris import to_fs_path

from entrack.editor.document import Document, analysed
from entrack.editor.positions import Lines
from entrack.editor.workspace import named
from entrack.source import Source


@define
class Opened:
    """One open text. `version` is another one after each change, also where it was closed and is opened again;
    `document` may be of an earlier one, or of other texts."""

    uri: str
    name: str
    lines: Lines
    version: int
    document: Document | None = None
    stale: bool = True


@define
class AllOpened:
    """By their URIs."""

    encoding: str = "utf-16"
    by_uri: dict[str, Opened] = field(factory=dict)
    _versions: Iterator[int] = field(factory=count)

    def put(self, uri: str, text: str) -> Opened:
        """A text that was opened, or changed as a whole."""
        known = self.by_uri.get(uri)
        opened = Opened(uri, name_of(uri), Lines(text, self.encoding), next(self._versions))
        if known is not None:
            opened.document = known.document
        self.by_uri[uri] = opened
        self.outdated()
        return opened

    def close(self, uri: str) -> None:
        self.by_uri.pop(uri, None)
        self.outdated()

    def outdated(self) -> None:
        """That some text, open or on the disk, has changed: what includes it is analysed anew when it is asked for."""
        for opened in self.by_uri.values():
            opened.stale = True

    def document(self, uri: str) -> Document | None:
        """The analysis of an open text as it and the other texts are now."""
        opened = self.by_uri.get(uri)
        if opened is None:
            return None
        if opened.stale or opened.document is None:
            source = Source(opened.name, opened.lines.text)
            opened.document, opened.stale = analysed(source, self.unsaved(uri)), False
        return opened.document

    def unsaved(self, uri: str = "") -> Mapping[Path, str]:
        """The texts of the open files, but for one."""
        return {Path(one.name): one.lines.text for one in self.by_uri.values() if one.uri != uri}

    def that_read(self, uri: str) -> list[str]:
        """The other open texts that read this one, or could not find a file."""
        own = self.by_uri[uri].name if uri in self.by_uri else name_of(uri)
        return [
            one.uri
            for one in self.by_uri.values()
            if one.uri != uri and one.document is not None and reads(one.document, own)
        ]


def name_of(uri: str) -> str:
    """The name of a text; of a URI that no file can have, one that no file has: it must not trouble the others."""
    return named((to_fs_path(uri) or Path(uri).name).replace("\0", "\N{REPLACEMENT CHARACTER}"))


def reads(document: Document, name: str) -> bool:
    """Whether a text of this name is one of a document's, or may be one that it misses."""
    known = {str(Path(file).resolve()) for file in document.checked.texts}
    return str(Path(name).resolve()) in known or any(problem.code == "E211" for problem in document.problems)
