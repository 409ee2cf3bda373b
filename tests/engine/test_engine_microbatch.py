"""Which rows go together where memory runs out: the composition of each batch decides the last bits of its numbers."""

from __future__ import annotations

import pytest
import torch

from entrack.engine.microbatch import in_chunks, in_microbatches
from entrack.engine.tracing import Trace


def out_of_memory(rows: int, most: int) -> None:
    if rows > most:
        raise torch.OutOfMemoryError("CUDA out of memory")


@pytest.mark.parametrize(
    ("most", "tried"), [(11, [11]), (4, [11, 6, 3, 3, 3, 2]), (1, [11, 6, 3, 2, *[1] * 11])], ids=str
)
def test_prompts_are_halved_upwards(most: int, tried: list[int]) -> None:
    """And what comes out is in their order."""
    sizes = list[int]()

    def run(rows: slice) -> Trace:
        sizes.append(rows.stop - rows.start)
        out_of_memory(sizes[-1], most)
        return Trace({}, torch.arange(11)[rows])

    assert in_microbatches(11, run).logits.tolist() == list(range(11))
    assert sizes == tried


@pytest.mark.parametrize(
    ("at_once", "most", "tried"),
    [(4, 9, [4, 4, 3]), (99, 4, [11, 5, 2, 2, 2, 2, 2, 1]), (7, 3, [7, 3, 3, 3, 2]), (3, 1, [3, *[1] * 11])],
    ids=str,
)
def test_rows_are_halved_downwards(at_once: int, most: int, tried: list[int]) -> None:
    sizes, done = list[int](), list[int]()

    def work(rows: torch.Tensor) -> None:
        sizes.append(len(rows))
        out_of_memory(len(rows), most)
        done.extend(rows.tolist())

    in_chunks(torch.arange(11), at_once, work)
    assert (sizes, done) == (tried, list(range(11)))


def never(rows: slice) -> Trace:
    raise torch.OutOfMemoryError("CUDA out of memory")


@pytest.mark.parametrize("rows", [1, 3])
def test_a_row_that_does_not_fit_alone_raises(rows: int) -> None:
    with pytest.raises(torch.OutOfMemoryError):
        in_chunks(torch.arange(rows), 8, lambda rows: out_of_memory(len(rows), 0))
    with pytest.raises(torch.OutOfMemoryError):
        in_microbatches(rows, never)


def test_another_error_is_not_tried_again() -> None:
    tried = list[int]()

    def work(rows: torch.Tensor) -> None:
        tried.append(len(rows))
        raise RuntimeError("shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        in_chunks(torch.arange(5), 5, work)
    assert tried == [5]


def test_no_rows_are_no_work() -> None:
    in_chunks(torch.arange(0), 5, lambda rows: out_of_memory(1, 0))
