"""Resamples: told by their names, the same everywhere, each prompt as likely as another."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from entrack.analysis.resampling import CHUNK, RESAMPLES, middle, resampled_rows, resamples


def drawn(n: int, name: str) -> np.ndarray:
    return np.concatenate(list(resamples(n, name)))


def test_a_place_follows_from_the_stream_by_hand() -> None:
    stream = hashlib.shake_256(b"discover\x1f7\x1f0").digest(4 * RESAMPLES * 7)
    numbers = [int.from_bytes(stream[4 * i : 4 * i + 4], "little") for i in range(RESAMPLES * 7)]
    assert drawn(7, "discover").ravel().tolist() == [7 * number >> 32 for number in numbers]


def test_they_stay_what_they_are() -> None:
    assert drawn(10, "discover")[0].tolist() == [9, 9, 9, 0, 4, 5, 5, 9, 0, 9]


def test_each_prompt_is_as_likely() -> None:
    found = drawn(13, "p")
    assert found.shape == (RESAMPLES, 13)
    counts = np.bincount(found.ravel(), minlength=13)
    assert len(counts) == 13
    assert ((counts - RESAMPLES) ** 2 / RESAMPLES).sum() < 33, "chi square with 12 degrees of freedom, 0.1 %"


def test_names_and_numbers_have_streams_of_their_own() -> None:
    assert not np.array_equal(drawn(20, "p"), drawn(20, "q"))
    assert not np.array_equal(drawn(20, "p")[:, :19], drawn(19, "p"))


def test_rows_are_resampled_together() -> None:
    rows = np.array([[1.0, 2.0, 4.0], [2.0, 4.0, 8.0]])
    found = resampled_rows(rows, "p")
    assert found[:, 1] == pytest.approx(2 * found[:, 0])
    assert found[:, 0] == pytest.approx(rows[0][drawn(3, "p")].mean(axis=1))


def test_in_chunks_each_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrack.analysis.resampling.CHUNK", 500)
    several = list(resamples(7, "p"))
    assert [len(some) for some in several] == [71] * 28 + [12]
    assert not np.array_equal(several[0], several[1])


def test_the_middle_95_percent() -> None:
    found = middle(np.arange(1001, dtype=np.float64))
    assert (found.low, found.high) == pytest.approx((25, 975))


def test_a_row_of_one_number_has_it_as_often_as_it_is_drawn() -> None:
    """However often: its mean is itself, and 0 where it is not drawn."""
    found = resampled_rows(np.array([[3.0, np.nan, np.nan], [1.0, 2.0, 6.0]]), "measure")
    assert set(found[:, 0].tolist()) == {0.0, 3.0}
    assert found[:, 1].mean() == pytest.approx(3.0, abs=0.2)


def test_more_prompts_than_a_chunk_holds_are_drawn_one_resample_at_a_time() -> None:
    assert next(resamples(CHUNK + 1, "measure")).shape == (1, CHUNK + 1)
