"""Renaming: a name everywhere, in all specs of the workspace that it is part of - or why it cannot be.

What is offered has been tried: each spec is checked with the name changed, and has the problems that it had.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from time import thread_time
from typing import TypeAlias

from entrack.check.check import NOTHING_UNSAVED
from entrack.check.resolved import TOLD
from entrack.check.scope import RESERVED
from entrack.diagnostics import Diagnostic
from entrack.diagnostics.escape import clip
from entrack.editor.definition import references_among
from entrack.editor.document import Document, analysed
from entrack.editor.edits import Edit, edited
from entrack.editor.names import VARIABLE, Occurrence, at, occurrences
from entrack.editor.parsed import Parsed
from entrack.editor.tokens import coloured
from entrack.editor.workspace import MOST_SPECS
from entrack.frozen import frozen
from entrack.source import Source, Span
from entrack.syntax.limits import MOST_NAME
from entrack.vocabulary import GIVEN, words

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SECONDS = 0.1
"""Of processor time in which specs are tried with a new name."""
Names: TypeAlias = tuple[tuple[Occurrence, ...], ...]
Unsaved: TypeAlias = frozenset[tuple[Path, str]]
SPECIAL = ("prompt", *TOLD)
"""Variables that a task has by their names."""


@frozen
class Refused:
    """Why a name cannot be renamed so."""

    why: str


@frozen
class Renamed:
    edits: tuple[Edit, ...]


def renamable(document: Document, specs: Iterable[tuple[Parsed, ...]], offset: int) -> Span | Refused:
    """The name at an offset, if it can be renamed."""
    return _renamable(document, tuple(map(occurrences, specs)), offset)


def _renamable(document: Document, names: Names, offset: int) -> Span | Refused:
    file = document.source.name
    found = [one for several in names for one in at(several, file, offset)]
    if not found:
        return _no_name(document.source, offset)
    if not any(one.declares for one in references_among(names, file, offset)):
        return Refused(f"`{found[0].symbol.name}` is not declared in any file of this workspace")
    if any(one.symbol.kind == VARIABLE and one.symbol.name in SPECIAL for one in found):
        return Refused(f"a task has its `{found[0].symbol.name}` by this name")
    return found[0].span


def rename(
    document: Document,
    specs: tuple[tuple[Parsed, ...], ...],
    offset: int,
    new: str,
    unsaved: Mapping[Path, str] = NOTHING_UNSAVED,
) -> Renamed | Refused:
    """The edits that rename what stands at an offset. `specs` are those that the document is part of."""
    names = tuple(map(occurrences, specs))
    able = _renamable(document, names, offset)
    if isinstance(able, Refused):
        return able
    places = references_among(names, document.source.name, offset)
    old = places[0].symbol
    refused = _wrong(new) or _taken(new, names)
    if refused is None and old.kind == VARIABLE and new in SPECIAL:
        refused = Refused(f"a task has its `{new}` by this name")
    if refused is not None:
        return refused
    edits = tuple(Edit(place, new) for place in dict.fromkeys(one.span for one in places))
    return _tried(document, specs, edits, frozenset(unsaved.items())) or Renamed(edits)


def _no_name(source: Source, offset: int) -> Refused:
    """What stands there is a word, a number, or nothing that is declared."""
    piece = next((one for one in coloured(source.text) if one.start <= offset <= one.end), None)
    text = "" if piece is None else clip(source.text[piece.start : piece.end], 40)
    if text in words():
        return Refused(f"`{text}` is a word of the language")
    return Refused(f"`{text}` is no name that is declared here" if text else "there is no name here")


def _wrong(new: str) -> Refused | None:
    if not NAME.fullmatch(new) or len(new) > MOST_NAME:
        return Refused(f"a name has letters, digits and `_`, begins with no digit, and has at most {MOST_NAME} of them")
    if new in words() or new in RESERVED or new in GIVEN:
        return Refused(f"`{new}` is a word of the language: choose another name")
    return None


def _taken(new: str, names: Names) -> Refused | None:
    """A name that something has, whatever it is: two things of one name are hard to tell apart, if they may be so."""
    taken = next((one for found in names for one in found if one.symbol.name == new), None)
    return None if taken is None else Refused(f"`{new}` is a name already, in {Path(taken.span.file).name}")


def _tried(
    document: Document, specs: tuple[tuple[Parsed, ...], ...], edits: tuple[Edit, ...], unsaved: Unsaved
) -> Refused | None:
    """Why the edits cannot be made. Where there is no time for all specs, those that were tried are not tried again
    when the same is asked for once more: each time there are fewer left."""
    began, longest, wrong = thread_time(), 0.0, ""
    for many, files in enumerate(specs):
        start = thread_time()
        if start - began + longest > SECONDS:
            return Refused(f"{many} of {len(specs)} specs with this name were tried in time: ask again for the others")
        wrong = _wrong_with(document, files, edits, unsaved)
        if wrong:
            break
        longest = max(longest, thread_time() - start)
    _problems.cache_clear()
    return Refused(wrong) if wrong else None


def _wrong_with(document: Document, files: tuple[Parsed, ...], edits: tuple[Edit, ...], unsaved: Unsaved) -> str:
    """What is wrong with a spec once the edits are made and was not before; empty where it is as it was."""
    sources = tuple(file.source for file in files)
    has = _problems(sources, edits, unsaved)
    if not has:
        return ""
    source = sources[0]
    had = document.problems if source == document.source else _problems(sources, (), unsaved)
    more = Counter(problem.code for problem in has) - Counter(problem.code for problem in had)
    wrong = next((problem for problem in has if problem.code in more), None)
    name = Path(source.name).name
    return "" if wrong is None else f"with this name {name} would not check: {clip(wrong.message, 200)}"


@lru_cache(maxsize=2 * MOST_SPECS)
def _problems(sources: tuple[Source, ...], edits: tuple[Edit, ...], unsaved: Unsaved) -> tuple[Diagnostic, ...]:
    """What is wrong with a spec, by the texts of its files, once the edits are made. It is asked for with edits and
    without."""
    texts = {**dict(unsaved), **{Path(source.name): edited(source, edits).text for source in sources}}
    main = sources[0].name
    return analysed(Source(main, texts[Path(main)]), texts).problems
