"""The text of `entrack cache why --diff`: which steps two specs share, and in which parts of their keys the others
differ."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from entrack.cli.cache_words import other_words, part_of
from entrack.cli.table import table
from entrack.diagnostics.escape import visible
from entrack.execution.cache_explain import StepPair, sides
from entrack.plan.cache_key import title


def difference(first: str, second: str, pairs: Sequence[StepPair]) -> RenderableType:
    """How many steps two specs share, and, purpose by purpose, in which parts the others differ."""
    rows = table("step", "here", "there", "shared", "the rest", right=("here", "there", "shared"))
    grouped: defaultdict[str, list[StepPair]] = defaultdict(list)
    for pair in pairs:
        grouped[pair.what].append(pair)
    for what, group in grouped.items():
        rest = Counter(_unlike(pair) for pair in group if not pair.shared).most_common()
        words = "\n".join(f"{many} {words}" for words, many in rest)
        rows.add_row(Text(visible(what)), *map(str, _counts(group)), Text(words))
    here, there, shared = _counts(pairs)
    head = f"here: {visible(first)}, {here} steps; there: {visible(second)}, {there} steps; {shared} are shared"
    return Group(Text(head), Text(), rows, *_sides(pairs))


def _counts(pairs: Sequence[StepPair]) -> tuple[int, int, int]:
    """Steps here, there, and shared."""
    here, there = sum(pair.first is not None for pair in pairs), sum(pair.second is not None for pair in pairs)
    return here, there, sum(pair.shared for pair in pairs)


def _unlike(pair: StepPair) -> str:
    if pair.first is None or pair.second is None:
        return "only there" if pair.first is None else "only here"
    return f"with {other_words(pair.differs)}"


def _sides(pairs: Sequence[StepPair]) -> list[RenderableType]:
    """Each part that differs, on both sides, as far as words tell."""
    said: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for pair in pairs:
        if pair.first is not None and pair.second is not None:
            one, other = sides(pair.first, pair.second)
            for name in pair.differs:
                said[name][part_of(one, name).words, part_of(other, name).words] += 1
    if not said:
        return []
    rows = table("part that differs", "steps", "here", "there", right=("steps",))
    for name, counts in said.items():
        (here, there), many = counts.most_common(1)[0]
        more = "" if len(counts) == 1 else f" (in {many}; {len(counts) - 1} other pairs)"
        same = here == there
        rows.add_row(
            Text(title(name)),
            str(sum(counts.values())),
            Text(visible(here)),
            Text("by its digest" if same else visible(there) + more),
        )
    return [Text(), rows]
