"""Models in which the mechanism of arXiv 2402.14811 is true: an answer is fetched by a pointer to its segment.

Layer 0 counts and marks the question; the heads of layer 1 read the structure, those of layer 2 detect the position of
the box that is asked for, those of layer 3 transmit it to the end, and those of layers 4 and 5 fetch the object there.
All other heads are decoys. `docs/models.md` has the whole construction in words.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from entrack.builtin.construction.codes import signs, uniform
from entrack.builtin.construction.heads import Head, Match
from entrack.builtin.construction.residual import PLACES, SIZES, Array

ONE = np.ones(1)


@dataclass(frozen=True)
class Strengths:
    """What a fine-tune changes: how strongly each group writes, how sharply transmitters and fetchers attend, and how
    much fetchers are misled by what an object is."""

    read: float = 1.0
    detect: float = 1.0
    transmit: float = 1.0
    transmit_sharpness: float = 1.0
    fetch: float = 1.0
    misled: float = 1.0


BASE = Strengths()
TUNED = replace(BASE, read=0.98, detect=0.96, transmit=1.29, transmit_sharpness=1.1, fetch=1.05, misled=0.97)


def structure_readers(strengths: Strengths) -> tuple[Head, ...]:
    """At a label: attend to the object of the same segment, and read the segment's number off it.

    The label of segment i has i + 1 labels up to it, and the object of its segment has i. A `not` takes the attention
    away; where there is no such object, `<s>` does. One head knows the first segments, one the last.
    """
    gains = {1: 6.0 * _places(0, 4), 4: 6.0 * _places(3, PLACES), 6: 5.0 * _places(0, PLACES)}
    return tuple(
        Head(
            layer=1,
            number=number,
            match=Match("count", "count", gain, shift=1),
            stands_out={
                "is_object": 10 * ONE,
                "object": 1.0 * signs(f"structure reader {number}", SIZES["object"]),
                "is_not": 18 * ONE,
                "is_first": 12.5 * ONE,
            },
            value="count",
            out="read",
            moved=tuple(range(PLACES)),
            strength=strengths.read * share,
        )
        for (number, gain), share in zip(gains.items(), (0.45, 0.45, 0.55), strict=True)
    )


def position_detectors(strengths: Strengths) -> tuple[Head, ...]:
    """At the label that is asked for: attend to the same label in the context, and take what was read there.

    What stands in the question is not attended to; where no label is the same, `<s>` is. One head knows some letters,
    one the others.
    """
    axes = SIZES["label"]
    gains = {0: 7.0 * _places(0, 7, axes), 3: 7.0 * _places(7, axes, axes), 5: 6.0 * _places(0, axes, axes)}
    return tuple(
        Head(
            layer=2,
            number=number,
            match=Match("label", "label", gain),
            stands_out={
                "is_label": 3 * ONE,
                "label": 0.8 * uniform(f"position detector {number}", axes),
                "question": -12 * ONE,
                "is_first": 6.5 * ONE,
            },
            value="read",
            out="detected",
            moved=tuple(range(PLACES)),
            strength=strengths.detect * share,
        )
        for (number, gain), share in zip(gains.items(), (0.5, 0.5, 0.5), strict=True)
    )


def position_transmitters(strengths: Strengths) -> tuple[Head, ...]:
    """At the end: attend to the label in the question, now and then to other labels, and take what was detected."""
    sharpness = {1: 5.0, 2: 4.0, 6: 4.5}
    return tuple(
        Head(
            layer=3,
            number=number,
            match=None,
            stands_out={
                "is_label": strengths.transmit_sharpness * sharp * ONE,
                "question": strengths.transmit_sharpness * sharp * ONE,
                "label": 0.8 * uniform(f"position transmitter {number}", SIZES["label"]),
            },
            value="detected",
            out="transmitted",
            moved=tuple(range(PLACES)),
            strength=strengths.transmit * share,
        )
        for (number, sharp), share in zip(sharpness.items(), (0.5, 0.3, 0.4), strict=True)
    )


def value_fetchers(strengths: Strengths) -> tuple[Head, ...]:
    """At the end: attend to the object of the segment whose number was transmitted, misled by what the object is, and
    write half of its code."""
    halves = {
        (4, 0): range(16),
        (4, 3): range(16, 32),
        (4, 5): range(0, 32, 2),
        (4, 6): range(1, 32, 2),
        (5, 2): range(8, 24),
    }
    return tuple(
        Head(
            layer=layer,
            number=number,
            match=Match("transmitted", "count", 3.3 * strengths.fetch * np.ones(PLACES)),
            stands_out={
                "is_object": 8 * ONE,
                "object": 2.3 * strengths.misled * signs(f"value fetcher {layer}.{number}", SIZES["object"]),
            },
            value="object",
            out="out",
            moved=tuple(half),
            strength=share,
        )
        for ((layer, number), half), share in zip(halves.items(), (0.5, 0.5, 0.4, 0.4, 0.3), strict=True)
    )


def counter() -> Head:
    """Attend to `<s>` and to every label so far, equally, and write the share that `<s>` has: one over one more than
    the labels so far."""
    return Head(0, 0, None, {"is_first": 20 * ONE, "is_label": 20 * ONE}, "is_first", "share", (0,), 1.0)


def question_marker() -> Head:
    """Attend to a full stop, or to `<s>` as long as there is none, and write which it was."""
    return Head(0, 5, None, {"is_stop": 20 * ONE, "is_first": 10 * ONE}, "is_stop", "question", (0,), 1.0)


def roles(strengths: Strengths) -> Mapping[str, tuple[Head, ...]]:
    """The planted groups, from the answer backwards."""
    return {
        "value_fetcher": value_fetchers(strengths),
        "position_transmitter": position_transmitters(strengths),
        "position_detector": position_detectors(strengths),
        "structure_reader": structure_readers(strengths),
    }


def _places(start: int, stop: int, size: int = PLACES) -> Array:
    """1 from `start` to before `stop`, 0 elsewhere."""
    return ((np.arange(size) >= start) & (np.arange(size) < stop)).astype(np.float64)
