"""Completion: what may stand at a cursor. An analysed text and a place in it in, what could be written there out.

Words of the grammar are those that the parser could read next. Names are those that the checker knows: a name that
nothing has is put in the place, and what the checker would propose instead of it is tried there. So only what would
check is offered.
"""

from __future__ import annotations

from collections.abc import Iterator

from entrack.check.scope import kind_of
from entrack.editor.completion_place import Place, after_first_word, in_comment, place_of, read_before, text_round
from entrack.editor.completion_trial import Rest, Trial
from entrack.editor.document import Document
from entrack.frozen import frozen
from entrack.source import Span
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
    return _at_word(document, after_first_word(source, place_of(source, offset)), offset)


def _at_word(document: Document, place: Place, offset: int) -> tuple[Completion, ...]:
    source = document.source
    found = read_before(source, place.word.start)
    if found is None:
        return ()
    start, begun = found
    typed = source.text[place.word.start : offset]
    return (*_words(document, place, begun, typed), *_names(document, place, start, begun, typed))


def fits(typed: str, name: str) -> bool:
    """Whether what was typed are letters of a name, in their order."""
    letters = iter(name.lower())
    return all(letter in letters for letter in typed.lower())


# --- words -------------------------------------------------------------------------------------------------------


def _words(document: Document, place: Place, begun: Begun, typed: str) -> Iterator[Completion]:
    after = document.source.text[place.word.end :]
    for choice in sorted(begun.choices):
        for word in _to_write(choice, begun.choices[choice], after):
            if fits(typed, word):
                yield Completion(choice, "word", "a word of the language", word, place.word)


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


def _names(document: Document, place: Place, start: int, begun: Begun, typed: str) -> Iterator[Completion]:
    if "NAME" not in begun.accepts:
        return
    trial = Trial.at(document, place.word, Span(document.source.name, start, max(start, place.item.end)), begun)
    for name, span in trial.that_check(kept for kept in trial.candidates() if fits(typed, kept[0])):
        yield Completion(name, _kind(trial.rest, name), "", name, span)


def _kind(rest: Rest, name: str) -> str:
    item = rest.meaning.scope.names.get(name)
    return "name" if item is None else kind_of(item)
