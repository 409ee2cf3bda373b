"""Batches of token ids for one training step, drawn from the world as a recipe says."""

from dataclasses import dataclass, replace
from random import Random

import torch
from tokenizers import Tokenizer
from torch import Tensor

from entrack.builtin.training import world
from entrack.builtin.training.recipes import MOST_BOXES, Recipe
from entrack.builtin.training.tokenizer import END_ID, vocabulary

FIRST_LABEL, FIRST_OBJECT, FIRST_NAME = (vocabulary()[words[0]] for words in (world.LABELS, world.OBJECTS, world.NAMES))
HIDDEN = -1e9


@dataclass(frozen=True)
class Batch:
    """Inputs, targets and the loss weights of targets, each `[text, token]`, and what attention may not see.

    The mask is added to attention scores, `[text, 1, token, token]`; None is plain causal attention.
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor
    mask: Tensor | None = None


def draw_batch(recipe: Recipe, random: Random, tokenizer: Tokenizer) -> Batch:
    """The texts of one step: about equally many boxes in each, so that little is padding."""
    boxes = random.randint(recipe.fewest_boxes, MOST_BOXES)
    telegrams = random.random() < recipe.telegram_share
    draw = _draw_telegram if telegrams else _draw_text
    batch = encode([draw(recipe, boxes, random) for _ in range(recipe.batch)], tokenizer, recipe.other_weight)
    return by_position(batch) if random.random() < recipe.blind_share else batch


def encode(texts: list[world.Text], tokenizer: Tokenizer, other_weight: float) -> Batch:
    """Tokenise, append one end token, pad on the right; answers weigh 1, other tokens `other_weight`, padding 0."""
    encodings = tokenizer.encode_batch([text.text for text in texts])
    length = 1 + max(len(encoding.ids) for encoding in encodings)
    ids = torch.full((len(texts), length), END_ID)
    weights = torch.zeros(len(texts), length)
    for row, (text, encoding) in enumerate(zip(texts, encodings, strict=True)):
        used = len(encoding.ids)
        starts = torch.tensor([-1] + [start for start, _ in encoding.offsets[1:]])
        ids[row, :used] = torch.tensor(encoding.ids)
        weights[row, : used + 1] = other_weight
        weights[row, :used][torch.isin(starts, torch.tensor(text.answers))] = 1.0
    return Batch(ids[:, :-1], ids[:, 1:], weights[:, 1:])


def by_position(batch: Batch) -> Batch:
    """The same texts with attention limited so that only a way through positions leads to the answers.

    An object is seen by nobody but the tokens that must answer; a label by nobody but labels and the two tokens after
    it. So a question's label has to find its earlier mention, and the answer has to be fetched by its place.
    """
    ids, length = batch.inputs, batch.inputs.shape[1]
    labels = (ids >= FIRST_LABEL) & (ids < FIRST_OBJECT)
    objects = (ids >= FIRST_OBJECT) & (ids < FIRST_NAME)
    answering = batch.weights == 1.0
    place = torch.arange(length)
    after = place[:, None] - place[None, :]
    object_seen = ~objects[:, None, :] | answering[:, :, None]
    label_seen = ~labels[:, None, :] | labels[:, :, None] | (after <= 2)
    seen = ((object_seen & label_seen) | (after == 0)) & (after >= 0)
    return replace(batch, mask=torch.zeros(seen.shape).masked_fill(~seen, HIDDEN)[:, None])


def _draw_telegram(recipe: Recipe, boxes: int, random: Random) -> world.Text:
    return world.telegram_text(random, boxes, recipe.variety, recipe.wordiness, random.choice(recipe.kinds))


def _draw_text(recipe: Recipe, boxes: int, random: Random) -> world.Text:
    if recipe.plain_only:
        return world.plain_text(random, boxes)
    if random.random() < recipe.story_share:
        return world.story_text(random, 2 * boxes)
    return world.mixed_text(random, boxes)
