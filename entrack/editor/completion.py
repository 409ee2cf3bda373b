"""Completion: what may stand at a cursor. An analysed text and a place in it in, what could be written there out.

Words of the grammar are those that the parser could read next. Names, sites and files are tried in their place, by the
checker's own rules: so only what would check is offered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from attrs import evolve

from entrack.check.scope import kind_of
from entrack.editor.completion_files import files_named
from entrack.editor.completion_place import (
    Place,
    after_first_word,
    in_comment,
    next_word,
    place_of,
    read_before,
    round_span,
    text_round,
)
from entrack.editor.completion_rest import Rest
from entrack.editor.completion_sites import sites
from entrack.editor.completion_trial import NOBODY, Candidate, Trial
from entrack.editor.document import Document
from entrack.editor.words import meaning
from entrack.frozen import frozen
from entrack.source import Source, Span
from entrack.syntax.begun import Begun
from entrack.syntax.limits import problems_of

TRIGGERS = (".", "[", "(", "{", "/", '"')
"""Signs after which an editor asks without being told to."""
SCORED = re.compile(r'\bscores\s*\(\s*(?:"[^"\n]*"\s*,\s*)?\Z')
KEPT = " keep 1 strongest"
"""What must follow scores that a group is made of: by the grammar alone they may end without."""
MOST_DETAIL = 100
"""Characters of an item that are shown beside its name."""


@frozen
class Completion:
    """`text` is written in the place of `replaces`. `kind` is `word`, `site`, `file`, `name`, or the kind of item that
    the name stands for; `detail` says more."""

    label: str
    kind: str
    detail: str
    text: str
    replaces: Span


def completions(document: Document, offset: int) -> tuple[Completion, ...]:
    """What may be written at a place: words first, then names, then sites."""
    source = document.source
    offset = max(0, min(offset, len(source.text)))
    if in_comment(source, offset) or problems_of(source.name, source.text):
        return ()
    inside = text_round(source, offset)
    found = _at_word(document, offset) if inside is None else _in_text(document, inside, offset)
    return tuple(found)


def fits(typed: str, name: str) -> bool:
    """Whether what was typed are letters of a name, in their order."""
    letters = iter(name.lower())
    return all(letter in letters for letter in typed.lower())


def _at_word(document: Document, offset: int) -> Iterator[Completion]:
    source = document.source
    place = after_first_word(source, place_of(source, offset))
    found = read_before(source, place.word.start)
    if found is None:
        return
    start, begun = found
    typed = source.text[place.word.start : offset]
    yield from _words(document, place, begun, typed)
    item = Span(source.name, start, max(start, place.item.end))
    following = next_word(source, place)
    if "NAME" in begun.accepts:
        trial = Trial.at(document, place.word, item, NOBODY, lambda: f" {begun.then('NAME').end()}")
        words = tuple(begun.words_before(following)) if following else ()
        if trial.whole or not trial.any_whole(words):
            yield from _names(trial, typed, trial.candidates(), words)
            yield from _functions(trial, typed, begun)
    if "SITE" in begun.accepts:
        trial = Trial.at(document, place.word, item, "mlp.0", lambda: f" {begun.then('SITE').end()}")
        if trial.whole or not (following and trial.any_whole(begun.words_before(following))):
            for site, detail in sites(trial, typed, heads="HEAD" in begun.accepts):
                yield Completion(site, "site", detail, site, place.word)


# --- words -------------------------------------------------------------------------------------------------------


def _words(document: Document, place: Place, begun: Begun, typed: str) -> Iterator[Completion]:
    after = document.source.text[place.word.end :]
    for choice in sorted(begun.choices):
        for word in _to_write(choice, begun.choices[choice], after):
            if fits(typed, word):
                yield Completion(choice, "word", _said_of(choice.split()[0]), word, place.word)


@cache
def _said_of(word: str) -> str:
    """What a word means, in one line."""
    first = meaning(word).split("\n", 1)[0]
    return first if len(first) <= MOST_DETAIL else f"{first[: MOST_DETAIL - 3]}..."


def _to_write(choice: str, terminal: str, after: str) -> Iterator[str]:
    """How a choice is written, where it is a word: without what stands there already."""
    first, _, second = choice.partition(" ")
    if not first[0].isalpha():
        return
    if terminal == "COMPUTED":
        yield first if after.startswith("[") else f"{first}["
    else:
        yield first if second and after.split()[:1] == [second] else choice


# --- names -------------------------------------------------------------------------------------------------------


def _names(
    trial: Trial, typed: str, candidates: Iterable[Candidate], words: tuple[str, ...] = ()
) -> Iterator[Completion]:
    for name, span in trial.that_check((each for each in candidates if fits(typed, each[0])), words):
        kind, detail = _told(trial.rest, name)
        yield Completion(name, kind, detail, name, span)


def _functions(trial: Trial, typed: str, begun: Begun) -> Iterator[Completion]:
    """What a bracket with a text in it follows, where none stands yet."""
    named = begun.then("NAME")
    bracket = named.then("LPAR") if "LPAR" in named.accepts else named
    if "STRING" in bracket.accepts and bracket is not named and not trial.left.lstrip().startswith("("):
        ended = f'(""){trial.after}' if trial.whole else f'("" {bracket.then("STRING").end()}'
        called = evolve(trial, after=ended)
        for name, span in dict.fromkeys(called.candidates()):
            known = span == trial.word and name.isidentifier() and name not in trial.rest.meaning.scope.names
            if known and fits(typed, name):
                yield Completion(name, "function", f"{name}(...)", f"{name}(", span)


def _told(rest: Rest, name: str) -> tuple[str, str]:
    """What a name stands for, and how that is declared; of a variable or position its task."""
    scope = rest.meaning.scope
    item = scope.names.get(name.partition(".")[0])
    if item is not None:
        return kind_of(item), _declared(scope.sources.get(item.span.file), item.span)
    for task in scope.tasks.values():
        if name in task.positions:
            return "position", f"position of {task.name}"
        if name in scope.typed.get(task.name, ()):
            return "variable", f"{scope.typed[task.name][name]}, of {task.name}"
    return "name", ""


def _declared(source: Source | None, span: Span) -> str:
    if source is None:
        return ""
    first = source.text[span.start : span.end].split("\n", 1)[0].strip()
    return first if len(first) <= MOST_DETAIL else f"{first[: MOST_DETAIL - 3]}..."


# --- texts -------------------------------------------------------------------------------------------------------


def _in_text(document: Document, inside: Span, offset: int) -> Iterator[Completion]:
    """In a hole of a text the names of variables; else what the text may name: a file, a column, a built-in model."""
    source = document.source
    before = source.text[inside.start : offset]
    hole = before.rfind("{")
    if hole > before.rfind("}"):
        yield from _in_hole(document, inside, offset)
        return
    found = read_before(source, inside.start - 1)
    if found is None or "STRING" not in found[1].accepts:
        return
    start, begun = found
    item = Span(source.name, start, max(start, round_span(source, inside).item.end))
    kept = KEPT if SCORED.search(source.text, item.start, inside.start - 1) else ""
    trial = Trial.at(document, inside, item, NOBODY, lambda: f'" {begun.then("STRING").end()}{kept}')
    folder = before[: max(before.rfind("/"), before.rfind(".")) + 1]
    asked = (*trial.candidates(), *(trial.candidates(folder) if folder else ()))
    yield from _names(trial, before, dict.fromkeys(asked))
    paths = files_named(document, source.text[item.start : inside.start - 1], inside)
    for name, span in trial.that_check((path, inside) for path in paths if fits(before, path)):
        yield Completion(name, "file", "a file of the spec's folder", name, span)


def _in_hole(document: Document, inside: Span, offset: int) -> Iterator[Completion]:
    source = document.source
    place = place_of(source, offset)
    found = read_before(source, inside.start - 1)
    if found is None or "STRING" not in found[1].accepts:
        return
    start, begun = found
    item = Span(source.name, start, max(start, place.item.end))
    trial = Trial.at(document, place.word, item, NOBODY, lambda: f'}}" {begun.then("STRING").end()}')
    yield from _names(trial, source.text[place.word.start : offset], trial.candidates())
