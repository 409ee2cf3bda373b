"""The weights of a constructed model: embeddings, counting, noise, and the planted heads among decoys."""

import numpy as np

from entrack.builtin.construction.codes import label_codes, object_codes, uniform
from entrack.builtin.construction.heads import HEADS, Decoy, Head, Weights
from entrack.builtin.construction.pointer import Strengths, counter, question_marker, roles
from entrack.builtin.construction.residual import CONSTANT, NOISY, NORM, PLACES, REST, WIDTH, part, relative, sums
from entrack.builtin.training import world
from entrack.builtin.training.tokenizer import START, vocabulary

LAYERS, LONGEST, NEURONS = 6, 96, 24
SEGMENT = 7
"""Tokens of a segment in the plain phrasing: "the car is in Box X ,"."""
FAR = 1000.0
"""Farther below a step than any token is above it."""
LOGIT = 4.0
"""The logit of an object whose code stands whole in `out`."""
VERSION = 2
"""Version 1 had a `LOGIT` of 12, and was the same but for that; docs/studies/boxes_pointer.md says why it changed."""


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


def _all_heads() -> list[tuple[int, int]]:
    return [(layer, number) for layer in range(LAYERS) for number in range(HEADS)]
