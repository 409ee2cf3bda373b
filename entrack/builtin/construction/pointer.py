"""Models in which the mechanism of arXiv 2402.14811 is true: an answer is fetched by a pointer to its segment.

Layer 0 counts and marks the question; the heads of layer 1 read the structure, those of layer 2 detect the position of
the box that is asked for, those of layer 3 transmit it to the end, and those of layers 4 and 5 fetch the object there.
All other heads are decoys. `docs/models.md` has the whole construction in words.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from entrack.builtin.construction.codes import label_codes, object_codes, signs, uniform
from entrack.builtin.construction.heads import HEADS, Decoy, Head, Match, Weights
from entrack.builtin.construction.residual import (
    CONSTANT,
    NOISY,
    NORM,
    PLACES,
    REST,
    SIZES,
    WIDTH,
    Array,
    part,
    relative,
    sums,
)
from entrack.builtin.training import world
from entrack.builtin.training.tokenizer import START, vocabulary

LAYERS, LONGEST, NEURONS = 6, 96, 24
SEGMENT = 7
"""Tokens of a segment in the plain phrasing: "the car is in Box X ,"."""
ONE = np.ones(1)
FAR = 1000.0
"""Farther below a step than any token is above it."""
LOGIT = 4.0
"""The logit of an object whose code stands whole in `out`."""
VERSION = 2
"""Version 1 had a `LOGIT` of 12, and was the same but for that; docs/studies/boxes_pointer.md says why it changed."""


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


def pointer_weights(strengths: Strengths, *, counted: bool) -> Weights:
    """All weights of a model, in float64. With `counted`, segments are counted by the labels before them; else the
    number of a segment is read off the token's index, as if all segments had the plain length."""
    weights = _empty()
    _embed(weights)
    planted = [question_marker(), *(head for group in roles(strengths).values() for head in group)]
    if counted:
        planted.append(counter())
        _count(weights)
    else:
        _index(weights)
    for layer in range(1, LAYERS):
        _chatter(weights, layer)
    taken = {(head.layer, head.number) for head in planted}
    decoys = [Decoy(*place, attends=1.0, writes=0.01) for place in _all_heads() if place not in taken]
    heads: list[Head | Decoy] = [*planted, *decoys]
    for head in heads:
        head.write(weights)
    return weights


def _empty() -> Weights:
    words = len(vocabulary())
    weights: Weights = {
        "transformer.wte.weight": np.zeros((words, WIDTH)),
        "transformer.wpe.weight": np.zeros((LONGEST, WIDTH)),
        "transformer.ln_f.weight": np.full(WIDTH, NORM),
        "transformer.ln_f.bias": np.zeros(WIDTH),
        "lm_head.weight": np.zeros((words, WIDTH)),
    }
    for layer in range(LAYERS):
        weights |= {f"transformer.h.{layer}.{name}": matrix for name, matrix in _empty_layer().items()}
    return weights


def _empty_layer() -> Weights:
    return {
        "ln_1.weight": np.full(WIDTH, NORM),
        "ln_1.bias": np.zeros(WIDTH),
        "attn.c_attn.weight": np.zeros((WIDTH, 3 * WIDTH)),
        "attn.c_attn.bias": np.zeros(3 * WIDTH),
        "attn.c_proj.weight": np.zeros((WIDTH, WIDTH)),
        "attn.c_proj.bias": np.zeros(WIDTH),
        "ln_2.weight": np.full(WIDTH, NORM),
        "ln_2.bias": np.zeros(WIDTH),
        "mlp.c_fc.weight": np.zeros((WIDTH, NEURONS)),
        "mlp.c_fc.bias": np.zeros(NEURONS),
        "mlp.c_proj.weight": np.zeros((NEURONS, WIDTH)),
        "mlp.c_proj.bias": np.zeros(WIDTH),
    }


def _embed(weights: Weights) -> None:
    """What each token is, and how the logits of objects are read."""
    numbers, embedding = vocabulary(), weights["transformer.wte.weight"]
    embedding[:, part("constant")] = CONSTANT * np.array([1, -1])
    objects, labels = [numbers[word] for word in world.OBJECTS], [numbers[word] for word in world.LABELS]
    codes = object_codes(len(objects))
    embedding[objects, part("object")], embedding[labels, part("label")] = codes, label_codes()
    for name, tokens in (
        ("is_object", objects),
        ("is_label", labels),
        ("is_stop", [numbers["."]]),
        ("is_first", [numbers[START]]),
        ("is_not", [numbers["not"]]),
    ):
        embedding[tokens, part(name)] = 1
    embedding[numbers[START], part("count").start] = -1  # so that `<s>`, with no label before it, has no place to read
    logits = weights["lm_head.weight"]
    logits[objects, part("out")] = LOGIT * codes
    logits[:, REST] = -sums(logits.T)


def _index(weights: Weights) -> None:
    """Write how many labels a plain text has up to each token."""
    for token in range(LONGEST):
        labels = min((token + 1) // SEGMENT, PLACES)
        weights["transformer.wpe.weight"][token, part("count").start + labels] = 1


def _chatter(weights: Weights, layer: int) -> None:
    """Let the MLP of a layer read everything, and add a little noise to everything."""
    mlp, places = f"transformer.h.{layer}.mlp", list(NOISY)
    read = np.zeros((WIDTH, NEURONS))
    read[places] = 0.3 * uniform(f"MLP {layer} reads", len(NOISY), NEURONS)
    weights[f"{mlp}.c_fc.weight"][:] = relative(read)
    weights[f"{mlp}.c_proj.weight"][:, places] = 0.02 * uniform(f"MLP {layer} writes", NEURONS, len(NOISY))


def _count(weights: Weights) -> None:
    """Turn the share that `<s>` has into how many labels there are: in the MLP of layer 0, two neurons make a step
    between 1 / j and 1 / (j + 1), which is 1 where there are j labels or more. A `not` has no count."""
    layer, count = "transformer.h.0.mlp", part("count").start
    read, bias, write = (weights[f"{layer}.{name}"] for name in ("c_fc.weight", "c_fc.bias", "c_proj.weight"))
    weights[f"{layer}.c_proj.bias"][count] = 1
    weights["transformer.wte.weight"][vocabulary()["not"], count] = -1
    for labels in range(1, PLACES + 1):
        at, steepness = 1 / (labels + 0.5), 12 * labels * (labels + 0.5)
        for neuron, sign in ((2 * labels - 2, 1), (2 * labels - 1, -1)):
            read[part("share"), neuron], read[REST, neuron] = -steepness, steepness + FAR
            read[part("is_not"), neuron] = -FAR
            bias[neuron] = steepness * at + sign * 0.5
            write[neuron, count + labels], write[neuron, count + labels - 1] = sign, -sign


def _places(start: int, stop: int, size: int = PLACES) -> Array:
    """1 from `start` to before `stop`, 0 elsewhere."""
    return ((np.arange(size) >= start) & (np.arange(size) < stop)).astype(np.float64)


def _all_heads() -> list[tuple[int, int]]:
    return [(layer, number) for layer in range(LAYERS) for number in range(HEADS)]
