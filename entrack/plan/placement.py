"""Where the layers of a model stand that does not fit onto one device: a function of its shape and of how much each
device has room for, so that the same machine gives the same placement.

The first device is the model's home: embeddings, the final norm and the unembedding stand there, and so does all that
is kept of runs. Layers are dealt out in order, and as few devices are taken as suffice.
"""

from __future__ import annotations

from collections.abc import Sequence

from entrack.frozen import frozen
from entrack.model_config import ModelFacts
from entrack.plan.schedule import BYTES

SPARE = 1.25
"""What loading and running take beside the weights themselves."""
GB = 1e9


class DoesNotFit(ValueError):
    """A model has no room on the devices that are given; the message has the figures."""


@frozen
class Weights:
    """Bytes of a model: of each layer, and of embeddings and unembedding together, which may be one matrix and are
    counted as two."""

    layers: int
    a_layer: int
    at_home: int

    @property
    def least(self) -> int:
        """What it takes at the least, whatever stands beside the layers."""
        return self.layers * self.a_layer

    @property
    def every(self) -> int:
        return self.layers * self.a_layer + self.at_home

    def __str__(self) -> str:
        layers, at_home = f"{self.layers} layers of {self.a_layer / GB:.2f} GB", f"{self.at_home / GB:.2f} GB"
        return f"{self.every / GB:.1f} GB ({layers}, and {at_home} of embeddings and unembedding)"


def weights_of(facts: ModelFacts, dtype: str) -> Weights:
    """What a model's matrices take in a number type; norms and biases are nothing beside them."""
    return Weights(
        facts.layers,
        BYTES[dtype] * layer_weights(facts),
        BYTES[dtype] * facts.d_model * (2 * facts.vocabulary + (facts.positions or 0)),
    )


def layer_weights(facts: ModelFacts) -> int:
    """How many numbers the projections of a layer have, and its MLP or experts."""
    projections = 2 * (facts.heads + facts.key_value_heads) * facts.d_head
    return facts.d_model * (projections + facts.layout.mlp_matrices * facts.d_mlp * facts.experts)


def placed(weights: Weights, rooms: Sequence[int], beside: int = 0) -> tuple[int, ...]:
    """On which of the devices, by its number, each layer stands. `rooms` are the bytes of each, and `beside` those that
    the first of several keeps for what is remembered of runs. Raises DoesNotFit; of one device only where that is
    certain, since less may be remembered."""
    if len(rooms) == 1:
        if weights.least > rooms[0]:
            raise DoesNotFit(_figures(weights, rooms, 0))
        return (0,) * weights.layers
    capacities = _capacities(weights, rooms, beside)
    dealt = [device for device, room in enumerate(capacities) for _ in range(max(0, room) // weights.a_layer)]
    if capacities[0] < 0 or len(dealt) < weights.layers:
        raise DoesNotFit(_figures(weights, rooms, beside))
    return tuple(dealt[: weights.layers])


def _capacities(weights: Weights, rooms: Sequence[int], beside: int) -> list[int]:
    """Bytes that each device has for layers."""
    first, *others = (int(room / SPARE) for room in (rooms[0] - beside, *rooms[1:]))
    return [first - weights.at_home, *others]


def _figures(weights: Weights, rooms: Sequence[int], beside: int) -> str:
    """What it takes, and what there is."""
    there = "1 device is" if len(rooms) == 1 else f"{len(rooms)} devices are"
    kept = f", and the first keeps {beside / GB:.1f} GB for what is remembered of runs" if beside else ""
    return f"its weights take {weights}, and a quarter more to run; {there} there, of {min(rooms) / GB:.1f} GB{kept}"
