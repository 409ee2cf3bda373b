"""Rows of files for prompts: which row a prompt is made of, for each purpose, and which rows its alternate may take.

The rows of a file stand in one order that follows from the seed and their number in the file, so that a row more at its
end moves none of the others. What each purpose takes of it: `check/allotments.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from attrs import field

from entrack import budget
from entrack.check.allotments import FROM_THE_END, Allotment
from entrack.check.resolved import Population
from entrack.check.tables import Row, Table
from entrack.frozen import frozen
from entrack.prompts.rng import rank
from entrack.prompts.values import CannotDraw

Allotments = Mapping[Table, Allotment]
NONE = Allotment()


@lru_cache(maxsize=16)
def order(rows: int, seed: int) -> tuple[int, ...]:
    """The numbers of so many rows, in the order that a seed draws."""
    return tuple(sorted(range(rows), key=lambda row: rank(seed, "row", row)))


@frozen
class Dealt:
    """The rows that `count` prompts of a population take."""

    population: Population
    count: int
    allotments: Allotments = field(repr=False)

    def row(self, variable: str, place: int) -> Row:
        """The row of the prompt at `place`. Raises CannotDraw where no row is left for it."""
        table = self.population.task.rows[variable]
        purpose, draw = self._purpose
        same = [name for name, other in self.population.task.rows.items() if other is table]
        index = (draw * self.count + place) * len(same) + same.index(variable)
        if index >= self._allotment(table).left(purpose, len(table)):
            raise self._no_row(table, place)
        return Row(table, self._at(table, purpose, index))

    def others(self, table: Table) -> Sequence[int]:
        """The rows from which an alternate draws one of its own: those that its purpose takes."""
        purpose, draw = self._purpose
        allotment = self._allotment(table)
        each = sum(other is table for other in self.population.task.rows.values()) or 1
        many = max(allotment.taken.get(purpose, 0), (draw + 1) * self.count * each)
        budget.spend(budget.POOLED, many)
        return [self._at(table, purpose, index) for index in range(min(many, allotment.left(purpose, len(table))))]

    def rows_at(self, place: int) -> tuple[Row, ...]:
        """All rows that the prompt at `place` is made of."""
        return tuple(self.row(variable, place) for variable in self.population.task.rows)

    @property
    def _purpose(self) -> tuple[str, int]:
        purpose, _, draw = self.population.purpose.partition(" ")
        return purpose, int(draw or 0)

    def _allotment(self, table: Table) -> Allotment:
        return self.allotments.get(table, NONE)

    def _at(self, table: Table, purpose: str, index: int) -> int:
        places = order(len(table), self.population.seed)
        if purpose in FROM_THE_END:
            return places[-1 - self._allotment(table).first(purpose) - index]
        return places[index]

    def _no_row(self, table: Table, place: int) -> CannotDraw:
        purpose, _ = self._purpose
        left = self._allotment(table).left(purpose, len(table))
        return CannotDraw(
            "E424",
            f"`{table.name}` has no row left for prompt {place + 1:,}",
            self.population.task.syntax.name_span,
            f"of its {len(table):,} rows, {left:,} are left to {purpose}",
            "ask for fewer prompts",
        )
