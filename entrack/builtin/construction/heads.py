"""A head by formula: what it looks for, what stands out to it, and what it moves where."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from entrack.builtin.construction.codes import uniform
from entrack.builtin.construction.residual import NOISY, WIDTH, Array, part, reading, relative

HEADS = 8
D_HEAD = WIDTH // HEADS
Weights = dict[str, Array]


@dataclass(frozen=True)
class Match:
    """Scores by how much of one part at the query is in another at the key: coordinate i + `shift` there times
    coordinate i here, times `gains[i]`."""

    query: str
    key: str
    gains: Array
    shift: int = 0


@dataclass(frozen=True)
class Head:
    """A head that attends by a match and by what stands out, in units of the scores before the softmax, and moves the
    coordinates `moved` of one part, times `strength`, to those of another.

    The strength is that of the head's output, so that patching the output from another model carries it over."""

    layer: int
    number: int
    match: Match | None
    stands_out: Mapping[str, Array]
    value: str
    out: str
    moved: tuple[int, ...]
    strength: float

    def write(self, weights: Weights) -> None:
        """Put the head into the weights of its layer."""
        _put(weights, self.layer, self.number, (*self._looks_for(), *self._moves()))
        bias = weights[f"transformer.h.{self.layer}.attn.c_attn.bias"]
        bias[D_HEAD * (self.number + 1) - 1] = D_HEAD**0.5  # the last coordinate of every query

    def _looks_for(self) -> tuple[Array, Array]:
        """Query and key: the match in the first coordinates, what stands out in the last."""
        query, key = np.zeros((WIDTH, D_HEAD)), np.zeros((WIDTH, D_HEAD))
        if self.match is not None:
            size = len(self.match.gains)
            query[:, :size] = reading(self.match.query, _rows(self.match.query, self.match.gains, self.match.shift))
            key[:, :size] = reading(self.match.key, _rows(self.match.key, np.ones(size), 0))
        for name, scores in self.stands_out.items():
            key[:, [-1]] += reading(name, scores[:, None])
        return query, key

    def _moves(self) -> tuple[Array, Array]:
        """Value and output."""
        value, out = np.zeros((WIDTH, D_HEAD)), np.zeros((D_HEAD, WIDTH))
        for coordinate, place in enumerate(self.moved):
            value[:, [coordinate]] = self.strength * relative(np.eye(WIDTH)[:, [part(self.value).start + place]])
            out[coordinate, part(self.out).start + place] = 1
        return value, out


@dataclass(frozen=True)
class Decoy:
    """A head that attends and writes, at random: it reads everything, and adds a little noise to everything."""

    layer: int
    number: int
    attends: float
    writes: float

    def write(self, weights: Weights) -> None:
        """Put the head into the weights of its layer."""
        query, key, value, out = (np.zeros((WIDTH, D_HEAD)) for _ in range(4))
        name = f"decoy {self.layer}.{self.number}"
        for which, matrix, scale in (
            ("query", query, self.attends / D_HEAD**0.5),
            ("key", key, self.attends),
            ("value", value, 1.0),
            ("out", out, self.writes),
        ):
            matrix[list(NOISY)] = scale * uniform(f"{name} {which}", len(NOISY), D_HEAD)
        _put(weights, self.layer, self.number, (relative(query), relative(key), relative(value), out.T))


def _rows(name: str, gains: Array, shift: int) -> Array:
    """The matrix that reads `len(gains)` coordinates of a part, from `shift` on, times the gains."""
    start, matrix = part(name).start, np.zeros((part(name).stop - part(name).start, len(gains)))
    assert start + shift + len(gains) <= part(name).stop
    matrix[np.arange(len(gains)) + shift, np.arange(len(gains))] = gains
    return matrix


def _put(weights: Weights, layer: int, number: int, matrices: tuple[Array, Array, Array, Array]) -> None:
    """Query (scaled against the division by the root of D_HEAD), key, value and output of a head."""
    query, key, value, out = matrices
    attention, own = f"transformer.h.{layer}.attn", slice(D_HEAD * number, D_HEAD * (number + 1))
    columns = weights[f"{attention}.c_attn.weight"].reshape(WIDTH, 3, WIDTH)
    columns[:, 0, own], columns[:, 1, own], columns[:, 2, own] = D_HEAD**0.5 * query, key, value
    weights[f"{attention}.c_proj.weight"][own] = out
