"""Stems: what alternates begin with. Desiderata of one task often draw the same variables anew, and differ in their
texts and targets; the streams are named by the original and the variable, so that the same is drawn for each. A stem
is what the first variables of an alternate are in the first try that gets so far, and what it has cost up to there.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from entrack import budget
from entrack.frozen import frozen
from entrack.prompts.values import Value

HELD, MOST_VALUES = 1 << 14, 64
"""Stems that are held, and values in each: at most some 40 MB."""
Beginning = tuple[int, Hashable]
"""What a stem is known by: how the alternate begins, and which original it is of."""


@frozen
class Stem:
    """The values after the first steps of an alternate, the try that they are of, and what all tries so far cost."""

    attempt: int
    values: Mapping[str, Value]
    cost: Mapping[budget.Limit, int]


class Stems:
    """The last stems of a spec, for one way to deal rows."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._held: dict[Beginning, Stem] = {}

    def number(self, steps: Hashable) -> int:
        """A number that stands for how an alternate begins."""
        return self._numbers.setdefault(steps, len(self._numbers))

    def counted(self, beginning: Beginning) -> Stem | None:
        """A stem that is held, once it is counted as if it were drawn now; None where that comes to a limit."""
        held = self._held.get(beginning)
        return held if held is not None and budget.afford_all(held.cost) else None

    def hold(
        self, beginning: Beginning, attempt: int, values: Mapping[str, Value], before: Mapping[budget.Limit, int]
    ) -> None:
        """Hold what was drawn since the command had done what is in `before`."""
        cost = budget.since(before)
        many = sum([len(value) if isinstance(value, list) else 1 for value in values.values()])
        if cost and many <= MOST_VALUES:  # what is not counted says no cost
            self._held[beginning] = Stem(attempt, dict(values), cost)
            if len(self._held) > HELD:
                del self._held[next(iter(self._held))]
