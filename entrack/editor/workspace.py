"""The specs of a workspace: which files include which, and the texts of all files of a spec.

A file is read as `check` reads one, bounded, and parsed when it is needed; what did not change is not read again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import define, field

from entrack.budget import within
from entrack.check.check import NOTHING_UNSAVED
from entrack.editor.definition import references
from entrack.editor.parsed import Parsed, parsed
from entrack.frozen import frozen
from entrack.source import Source
from entrack.spec_files import SpecMissing, read

INCLUDE = re.compile(r'^[ \t]*include\s+"([^"\n\\]+)"', re.MULTILINE)
MOST_SPECS, MOST_ENTRIES = 1000, 20_000
"""Of a workspace that are looked at: specs, and files and folders of any kind."""


@frozen
class Known:
    """A text, what it includes, and what it was read from: the times and size of a file, or nothing of an open one."""

    source: Source
    includes: tuple[str, ...]
    stamp: tuple[int, int, int] | None


@define
class Workspace:
    """`roots` are its folders. Of the texts those are kept that were read for the last answer."""

    roots: tuple[Path, ...] = ()
    _known: dict[str, Known] = field(factory=dict)

    def specs_with(self, file: str, unsaved: Mapping[Path, str] = NOTHING_UNSAVED) -> tuple[tuple[Parsed, ...], ...]:
        """The specs that a file is part of, each with all its files, its own first: those that no other such spec
        includes."""
        own = named(file)
        open_texts = {named(str(path)): text for path, text in unsaved.items()}
        read = {name: self._read(name, open_texts) for name in self._specs(own, open_texts)}
        includes = {name: known.includes for name, known in read.items() if known is not None}
        closed = {name: tuple(_closure(name, includes)) for name in includes}
        having = [name for name, files in closed.items() if own in files]
        top = [name for name in having if not any(name in closed[other][1:] for other in having)]
        self._known = {name: known for name, known in read.items() if known is not None}
        return tuple(self._files(closed[name]) for name in sorted(top or having))

    def specs_of_name(
        self, file: str, offset: int, unsaved: Mapping[Path, str] = NOTHING_UNSAVED
    ) -> tuple[tuple[Parsed, ...], ...]:
        """The specs that a file is part of, and those that have what its name at an offset stands for: a use in one
        spec is of what another file declares, which other specs include too."""
        found = self.specs_with(file, unsaved)
        asked = {named(file)}
        while new := {one.span.file for one in references(found, file, offset) if one.declares} - asked:
            asked |= new
            more = [spec for name in sorted(new) for spec in self.specs_with(name, unsaved)]
            found = tuple({files[0].source.name: files for files in (*found, *more)}.values())
        return found

    def _specs(self, own: str, open_texts: Mapping[str, str]) -> list[str]:
        """The names of all specs, and of what is open, and of what these include from elsewhere."""
        names = dict.fromkeys((own, *open_texts, *_walked(self.roots)))
        waiting = list(names)
        for name in waiting:  # grows on the way
            known = self._read(name, open_texts)
            new = [other for other in (known.includes if known else ()) if other not in names]
            names.update(dict.fromkeys(new))
            waiting += new[: max(0, MOST_SPECS - len(waiting))]
        return waiting

    def _read(self, name: str, open_texts: Mapping[str, str]) -> Known | None:
        text, known = open_texts.get(name), self._known.get(name)
        stamp = None if text is not None else _stamp(name)
        if text is None and stamp is None:
            return None
        if known is None or known.stamp != stamp or (text is not None and known.source.text != text):
            try:
                source = read(name) if text is None else Source(name, text)
            except SpecMissing:
                return None
            folder = os.path.dirname(name)
            includes = (named(os.path.join(folder, other)) for other in INCLUDE.findall(source.text))
            known = self._known[name] = Known(source, tuple(dict.fromkeys(includes)), stamp)
        return known

    def _files(self, names: tuple[str, ...]) -> tuple[Parsed, ...]:
        return tuple(_parsed(self._known[name].source) for name in names if name in self._known)


def _parsed(source: Source) -> Parsed:
    with within():
        return parsed(source)


def _closure(name: str, includes: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """A file and all that it includes, each once."""
    seen = [name]
    for one in seen:  # grows on the way
        yield one
        seen.extend(other for other in includes.get(one, ()) if other not in seen)


def _walked(roots: tuple[Path, ...]) -> Iterator[str]:
    """The specs below some folders, but for hidden ones; links are not followed."""
    entries = specs = 0
    for root in roots:
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            entries += len(folders) + len(files)
            for name in sorted(files):
                if name.endswith(".et") and specs < MOST_SPECS:
                    specs += 1
                    yield named(os.path.join(folder, name))
            if entries > MOST_ENTRIES:
                return


def _stamp(name: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(name)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size


def named(file: str) -> str:
    """A file's name as all files of a workspace have it: absolute, without `..`. Links are not followed."""
    return os.path.normpath(os.path.abspath(file))
