"""Where the layers of a model stand that one device has no room for: by its shape, in order, on as few as suffice."""

from __future__ import annotations

import pytest

from entrack.model_config import ModelFacts
from entrack.plan.placement import SPARE, DoesNotFit, Weights, placed, weights_of

GB = 10**9
LLAMA_7B = ModelFacts("llama", 32, 32, 32, 4096, 128, 11008, 32000)
LLAMA_70B = ModelFacts("llama", 80, 64, 8, 8192, 128, 28672, 128256)
MIXTRAL = ModelFacts("mixtral", 32, 32, 8, 4096, 128, 14336, 32000, experts=8, experts_per_token=2)


@pytest.mark.parametrize(
    ("facts", "dtype", "every"),
    [
        (LLAMA_7B, "float32", 26.95),
        (LLAMA_7B, "bfloat16", 13.48),
        (LLAMA_70B, "bfloat16", 141.1),
        (MIXTRAL, "bfloat16", 93.4),
    ],
)
def test_what_weights_take(facts: ModelFacts, dtype: str, every: float) -> None:
    """6.74, 70.6 and 46.7 billion weights."""
    assert weights_of(facts, dtype).every / GB == pytest.approx(every, rel=2e-3)


FOUR = Weights(layers=4, a_layer=400, at_home=200)


def rooms(*weights: int) -> list[int]:
    return [int(SPARE * each) for each in weights]


@pytest.mark.parametrize(
    ("room", "beside", "layers"),
    [
        (rooms(1800, 4000), 0, (0, 0, 0, 0)),
        (rooms(1796, 4000), 0, (0, 0, 0, 1)),
        (rooms(600, 800, 400), 0, (0, 1, 1, 2)),
        (rooms(396, 1600), 0, (1, 1, 1, 1)),
        (rooms(1800, 400), 500, (0, 0, 0, 1)),
        (rooms(1000, 396, 800), 0, (0, 0, 2, 2)),
    ],
)
def test_layers_are_dealt_out_in_order(room: list[int], beside: int, layers: tuple[int, ...]) -> None:
    assert placed(FOUR, room, beside) == layers == placed(FOUR, [*room, 10**6], beside)


@pytest.mark.parametrize(("room", "beside"), [(rooms(1396, 400), 0), (rooms(196, 4000), 0), (rooms(1800, 396), 500)])
def test_what_does_not_fit(room: list[int], beside: int) -> None:
    with pytest.raises(DoesNotFit, match="2 devices are there"):
        placed(FOUR, room, beside)


def test_one_device_is_refused_only_where_it_is_certain() -> None:
    """How much is remembered of runs is for the engine to see."""
    assert placed(FOUR, [1600], 10**6) == (0, 0, 0, 0)
    with pytest.raises(DoesNotFit, match="1 device is there"):
        placed(FOUR, [1599])


def test_the_figures_are_said() -> None:
    with pytest.raises(DoesNotFit) as caught:
        placed(weights_of(LLAMA_70B, "bfloat16"), [80 * GB, 80 * GB], 40 * GB)
    assert str(caught.value) == (
        "its weights take 141.1 GB (80 layers of 1.71 GB, and 4.20 GB of embeddings and unembedding), and a quarter "
        "more to run; 2 devices are there, of 80.0 GB, and the first keeps 40.0 GB for what is remembered of runs"
    )
    assert set(placed(weights_of(LLAMA_70B, "bfloat16"), [80 * GB] * 3, 40 * GB)) == {0, 1, 2}
