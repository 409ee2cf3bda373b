"""Quick fixes: the fix that a problem's help names, as an edit - where making it does away with the problem and makes
no other.

What is offered has been tried: the text with the edit is analysed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from time import thread_time

from entrack.check.check import NOTHING_UNSAVED
from entrack.diagnostics import Diagnostic
from entrack.editor.document import Document, analysed
from entrack.editor.edits import Edit, edited
from entrack.frozen import frozen
from entrack.source import Source, Span

QUOTED = re.compile(r"`([^`\n]+)`")
WORD = re.compile(r"[A-Za-z_]\w*")
MOST_WORDS, MOST_TRIED, SECONDS = 2, 4, 0.08
"""Words of a problem that a fix may stand in place of; edits that are tried at once, and the processor time
in which these must be over: one is tried of a text that takes longer."""


@frozen
class Fix:
    """`title` is the problem's help."""

    title: str
    problem: Diagnostic
    edit: Edit


def fixes(document: Document, start: int, end: int, unsaved: Mapping[Path, str] = NOTHING_UNSAVED) -> tuple[Fix, ...]:
    """The fixes of the problems that stand between two offsets of the text."""
    name = document.source.name
    near = [p for p in document.problems if p.span.file == name and p.span.start <= end and start <= p.span.end]
    found: dict[Diagnostic, Fix] = {}
    tried = (
        (problem, edit)
        for problem in near
        for edit in dict.fromkeys(_candidates(document.source, problem))
        if problem not in found
    )
    began = thread_time()
    for many, (problem, edit) in enumerate(islice(tried, MOST_TRIED), 1):
        if _mends(document, problem, edit, unsaved):
            found[problem] = Fix(problem.help, problem, edit)
        if (thread_time() - began) * (many + 1) > SECONDS * many:
            break
    return tuple(found.values())


def _candidates(source: Source, problem: Diagnostic) -> Iterator[Edit]:
    """What the help may mean, the likeliest first: a text in its place, in place of one word of it, before or behind
    it."""
    span, quoted = problem.span, QUOTED.findall(problem.help)
    if problem.code == "E101":
        yield Edit(Span(span.file, 0, 0), "entrack 1\n\n")
        return
    if len(quoted) != 1 or problem.help.startswith("known:"):
        return
    yield Edit(span, quoted[0])
    for word in islice(WORD.finditer(source.text, span.start, span.end), MOST_WORDS):
        yield Edit(Span(span.file, *word.span()), quoted[0])
    yield Edit(Span(span.file, span.end, span.end), quoted[0])
    yield Edit(Span(span.file, span.end, span.end), f" {quoted[0]}")


def _mends(document: Document, problem: Diagnostic, edit: Edit, unsaved: Mapping[Path, str]) -> bool:
    """Whether the problem is gone, and no kind of problem is new or more often there."""
    after = analysed(edited(document.source, [edit]), unsaved)
    had, has = (Counter((p.code, p.message) for p in of.problems) for of in (document, after))
    return not has - had and has[problem.code, problem.message] < had[problem.code, problem.message]
