"""Prompts that are kept, so that the same are not drawn again.

The prompts of a population follow from its task and alternate, the seed, the purpose, their places and the tokenizer,
and from the code that draws. These make their address; what is kept there says all of each prompt (`kept.py`). Kept are
prompts without a problem alone: what is wrong with others is said again each time. What they cost is kept with them and
counted again, so that a spec that asks for too much is refused where it would be without.

Prompts made of rows of a file are not kept: they hold the rows.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import PurePath
from typing import Any

from entrack import budget
from entrack.address import address
from entrack.check.resolved import Alternate, Population, Task
from entrack.diagnostics import Diagnostic
from entrack.frozen import frozen
from entrack.kept import NOT_KEPT, Kept, all_code, surroundings
from entrack.prompts import sample
from entrack.prompts.rows import Allotments
from entrack.prompts.tokenise import (
    Listed,
    Originals,
    Prompt,
    PromptPair,
    TokenisedPrompts,
    original_keys,
    tokenise,
)
from entrack.prompts.tokenizer import Tokenizer
from entrack.syntax.content import content

MOST = 256 << 20
"""Bytes of all kept prompts."""
LEAST = 8
"""Fewer prompts are drawn sooner than they are looked for."""
LIBRARIES = ("tokenizers", "attrs")
COSTS = {limit.name: limit for limit in budget.LIMITS}
Cost = Mapping[budget.Limit, int]


def kept_or_drawn(
    kept: Kept,
    population: Population,
    count: int,
    tokens: Tokenizer,
    params: Mapping[str, float],
    allotments: Allotments,
    originals: Originals,
) -> tuple[TokenisedPrompts, tuple[Diagnostic, ...]]:
    """The prompts of a population as they are kept, else as `tokenise` draws them, and then kept."""
    what = None if kept == NOT_KEPT else _address(population, count, tokens, params, originals)
    keys = [*map(original_keys(population), population.places(count))]
    found = None if what is None else _read(kept.get(what), len(keys))
    if found is not None:
        budget.work_on(population.span)
        if originals.afford(dict(zip(keys, found.costs, strict=True)), found.rest):
            return TokenisedPrompts(population, found.pairs), ()
    before, drawn_before = budget.so_far(), originals.drawn.copy()
    drawn, problems = tokenise(population, count, tokens, params, allotments, originals)
    if what is not None and not problems and budget.so_far():  # what is not counted says no cost
        rest = Counter(budget.since(before))
        rest.subtract(originals.drawn - drawn_before)
        kept.keep(what, _written(_Kept(drawn.pairs, [originals.cost(key) for key in keys], rest)))
    return drawn, problems


def _address(
    population: Population, count: int, tokens: Tokenizer, params: Mapping[str, float], originals: Originals
) -> str | None:
    """Where the prompts of a population are kept; None where they are not."""
    libraries, places, task = surroundings(*LIBRARIES), population.places(count), population.task
    if libraries is None or task.rows or task.tables or not LEAST <= len(places) <= originals.most:
        return None
    alternate = population.alternate
    return address(
        [
            [*libraries],
            all_code(),
            tokens.digest,
            content(task.syntax.items),
            None if alternate is None else [content(alternate.changes), content(alternate.target)],
            _read_by(task, alternate),
            dict(sample.Constants.of(population.parameters, params).values),
            [population.seed, population.purpose, places.start, places.stop, population.whole],
        ]
    )


def _read_by(task: Task, alternate: Alternate | None) -> list[Any]:
    """The columns that a task and its alternates read, by their files, and from which folders these are named."""
    named_in = [task.syntax.name_span.file, "" if alternate is None else alternate.span.file]
    columns = sorted([*key, list(values)] for key, values in task.columns.items())
    return [columns, [str(PurePath(file).parent) for file in named_in] if columns else []]


# --- prompts as bytes --------------------------------------------------------------------------------------------


@frozen
class _Kept:
    """The prompts of a population, what each original cost when it was drawn, and what all the rest cost."""

    pairs: tuple[PromptPair, ...]
    costs: Sequence[Cost]
    rest: Cost


def _written(kept: _Kept) -> bytes:
    names = _Names()
    pairs = [[names.written(pair.original), pair.alternate and names.written(pair.alternate)] for pair in kept.pairs]
    limits = sorted({limit.name for cost in (*kept.costs, kept.rest) for limit in cost})
    costs = [[cost.get(COSTS[name], 0) for name in limits] for cost in (*kept.costs, kept.rest)]
    document = {"names": names.all, "pairs": pairs, "limits": limits, "costs": costs}
    return zlib.compress(json.dumps(document, separators=(",", ":")).encode(), 1)


def _read(data: bytes | None, many: int) -> _Kept | None:
    """What was kept; None for anything else."""
    try:
        return None if data is None else _unfolded(json.loads(zlib.decompress(data)), many)
    except (ValueError, LookupError, TypeError, zlib.error):
        return None


def _unfolded(document: Mapping[str, Any], many: int) -> _Kept:
    names, limits = document["names"], [COSTS[name] for name in document["limits"]]
    pairs = tuple(
        PromptPair(_prompt(names, original), None if alternate is None else _prompt(names, alternate))
        for original, alternate in document["pairs"]
    )
    *costs, rest = [
        {limit: spent for limit, spent in zip(limits, cost, strict=True) if spent} for cost in document["costs"]
    ]
    if not len(pairs) == len(costs) == many:
        raise ValueError("other prompts than were asked for")
    return _Kept(pairs, costs, rest)


class _Names:
    """The names of what prompts have, each list of these once."""

    def __init__(self) -> None:
        self.all: list[list[str]] = []
        self._places: dict[tuple[str, ...], int] = {}

    def written(self, prompt: Prompt) -> list[Any]:
        """All fields of a prompt, of what is held by names the place of these and the values."""
        lists, candidates = [*prompt.lists.values()], prompt.candidates
        return [
            prompt.text,
            prompt.token_ids,
            *self._mapping(prompt.positions),
            *self._mapping(prompt.words),
            *self._mapping(prompt.ids),
            *self._mapping(prompt.spans),
            self._place(prompt.lists),
            [[each.words, each.attached] for each in lists],
            lists.index(candidates) if candidates in lists else [candidates.words, candidates.attached],
            [*map(len, prompt.pieces)] if "".join(prompt.pieces) == prompt.text else prompt.pieces,
            sorted(prompt.attached),
            sorted(prompt.by_first_token),
        ]

    def _mapping(self, values: Mapping[str, Any]) -> tuple[int, list[Any]]:
        return self._place(values), [*values.values()]

    def _place(self, values: Mapping[str, Any]) -> int:
        names = tuple(values)
        if names not in self._places:
            self._places[names] = len(self.all)
            self.all.append([*names])
        return self._places[names]


def _prompt(names: Sequence[Sequence[str]], fields: Sequence[Any]) -> Prompt:
    text, token_ids, of_positions, positions, of_words, words, of_ids, ids, *rest = fields
    of_spans, spans, of_lists, lists, candidates, pieces, attached, by_first_token = rest
    listed = [Listed(tuple(each), together) for each, together in lists]
    return Prompt(
        text,
        tuple(token_ids),
        dict(zip(names[of_positions], positions, strict=True)),
        dict(zip(names[of_words], words, strict=True)),
        dict(zip(names[of_ids], map(tuple, ids), strict=True)),
        listed[candidates] if isinstance(candidates, int) else Listed(tuple(candidates[0]), candidates[1]),
        dict(zip(names[of_spans], map(tuple, spans), strict=True)),
        tuple(pieces) if isinstance(pieces[0], str) else _cut(text, pieces),
        frozenset(attached),
        frozenset(by_first_token),
        (),
        dict(zip(names[of_lists], listed, strict=True)),
    )


def _cut(text: str, lengths: Sequence[int]) -> tuple[str, ...]:
    """A text in pieces of these lengths."""
    ends = [*accumulate(lengths)]
    return tuple([text[end - length : end] for length, end in zip(lengths, ends, strict=True)])
