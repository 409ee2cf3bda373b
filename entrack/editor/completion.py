"""Completion: what may stand at a cursor. An analysed text and a place in it in, what could be written there out.

Words of the grammar are those that the parser could read next. Names are those that the checker knows: a name that
nothing has is put in the place, and what the checker would propose instead of it is tried there. So only what would
check is offered.
"""

from __future__ import annotations

from collections.abc import Iterator

from entrack.check.scope import kind_of
from entrack.editor.completion_place import Place, in_comment, place_of, read_before, text_round
from entrack.editor.completion_trial import Rest, Trial
from entrack.editor.document import Document
from entrack.frozen import frozen
from entrack.source import Source, Span
from entrack.syntax.begun import Begun
from entrack.syntax.limits import problems_of


@frozen
class Completion:
    """`text` is written in the place of `replaces`; `kind` is `word`, or what the name stands for."""

    label: str
    kind: str
    detail: str
    text: str
    replaces: Span


def completions(document: Document, offset: int) -> tuple[Completion, ...]:
    """What may be written at a place, words first, each in the order of the alphabet."""
    source = document.source
    offset = max(0, min(offset, len(source.text)))
    if in_comment(source, offset) or problems_of(source.name, source.text):
        return ()
    if text_round(source, offset) is not None:
        return ()
    return _at_word(source, place_of(source, offset), offset)


def _at_word(source: Source, place: Place, offset: int) -> tuple[Completion, ...]:
    found = read_before(source, place.word.start)
    if found is None:
        return ()
    start, begun = found
    typed = source.text[place.word.start : offset]
    return (*_words(source, place, begun, typed), *_names(source, place, start, begun, typed))


def fits(typed: str, name: str) -> bool:
    """Whether what was typed are letters of a name, in their order."""
    letters = iter(name.lower())
    return all(letter in letters for letter in typed.lower())


# --- words -------------------------------------------------------------------------------------------------------


def _words(source: Source, place: Place, begun: Begun, typed: str) -> Iterator[Completion]:
    for word in sorted(begun.choices):
        if word[0].isalpha() and fits(typed, word):
            yield Completion(word, "word", "a word of the language", word, place.word)


# --- names -------------------------------------------------------------------------------------------------------


def _names(source: Source, place: Place, start: int, begun: Begun, typed: str) -> Iterator[Completion]:
    if "NAME" not in begun.accepts:
        return
    trial = Trial.at(source, place.word, Span(source.name, start, max(start, place.item.end)), begun)
    for name, span in trial.that_check(kept for kept in trial.candidates() if fits(typed, kept[0])):
        yield Completion(name, _kind(trial.rest, name), "", name, span)


def _kind(rest: Rest, name: str) -> str:
    item = rest.meaning.scope.names.get(name)
    return "name" if item is None else kind_of(item)
