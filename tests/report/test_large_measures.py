"""A large measure is set by rows and columns, in as many tables as it takes, with the tokens of its first prompt."""

from __future__ import annotations

import pytest

from entrack.report.measure_table import LARGE, measure_grids
from entrack.results import Axis, Cell, Interval, Measure


def grid_of(layers: int, tokens: int, width: int = 100) -> list[tuple[tuple[str, ...], ...]]:
    rows, columns = tuple(map(str, range(layers))), tuple(map(str, range(tokens)))
    axes = (
        Axis("model", ("base",)),
        Axis("k", rows),
        Axis("t", columns, tuple(f" word{column}" for column in range(tokens))),
    )
    cells = tuple(
        Cell(("base", row, column), int(row) - int(column) / 100, 20, Interval(-30.25, 30.25), (0.0,))
        for row in rows
        for column in columns
    )
    grids = measure_grids(Measure("m", "logit of answer", "logits", axes, cells), width=width)
    assert all(grid.width <= width for grid in grids)
    assert [bool(grid.caption) for grid in grids] == [False] * (len(grids) - 1) + [True]
    return [(grid.head, *(tuple(map(str, row)) for row in grid.rows)) for grid in grids]


def test_rows_are_layers_and_columns_tokens() -> None:
    tables = grid_of(30, 15)
    assert [row[0] for row in tables[0]] == ["k", *map(str, range(30))]
    heads = [name for head, *_ in tables for name in head[1:]]
    assert heads == [f"{token}\nword{token}" for token in range(15)]
    numbers = {
        (row[0], token): row[column] for head, *rows in tables for row in rows for column, token in enumerate(head)
    }
    assert len(tables) == 2
    assert float(numbers["7", "12\nword12"]) == pytest.approx(7 - 0.12)
    assert not any("[" in entry for table in tables for row in table for entry in row)


def test_what_fits_the_other_way_round_is_one_table() -> None:
    (table,) = grid_of(4, 19)
    assert table[0] == ("t", "0", "1", "2", "3")
    assert table[17][0] == "16 word16"


def test_a_small_measure_keeps_its_intervals() -> None:
    (table,) = grid_of(3, 3, width=100)
    assert LARGE > 9
    assert all("[" in entry for row in table[1:] for entry in row[1:])
