"""A world: a folder with a random model and the tasks on it. Same size and seed, same bytes."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from torch import Tensor

from benchmarks import tasks
from benchmarks.llama import Clean, Llama
from benchmarks.tasks import PathPatch, Size, Task, Tokens

SEED = 0
SHARP = 6.0
"""Scale of the last norm: probabilities are not all near one over the vocabulary, and agreeing on them says something."""
GROUP = {"query": (13, 22), "value": (10, 18), "first": (1, 12)}
"""Layers, of 30, between which the receivers of the later hops lie: where the heads published for Llama lie, of 32."""
RECEIVERS = 8
SEGMENT, QUESTION = 7, 4
"""Tokens of "the document is in Box F," and of "Box X contains the"."""


UNKNOWN = "unknown"
TOKENIZER = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": UNKNOWN, "eos_token": UNKNOWN, "pad_token": UNKNOWN, "unk_token": UNKNOWN}
"""Prompts are token ids, but there are peers that open no model without a tokenizer."""


def build(folder: Path, size: Size) -> None:
    """Write the model and the tasks, unless they are there."""
    if (folder / "built").exists():
        return
    (folder / "tasks").mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config(size), indent=1), encoding="utf-8")
    Tokenizer(WordLevel({UNKNOWN: 0}, UNKNOWN)).save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(TOKENIZER), encoding="utf-8")
    save_file(dict(weights(size)), folder / "model.safetensors", metadata={"format": "pt"})
    for task in made(folder, size):
        tasks.write(task, folder / "tasks" / f"{task.row}.json")
    (folder / "built").touch()


def config(size: Size) -> dict[str, object]:
    """A config.json as transformers writes it."""
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "attention_bias": False, "mlp_bias": False,
        "hidden_size": size.width, "intermediate_size": size.mlp, "num_hidden_layers": size.layers, "num_attention_heads": size.heads,
        "num_key_value_heads": size.shared, "head_dim": size.d_head, "vocab_size": size.vocabulary, "max_position_embeddings": 2048,
        "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
        "tie_word_embeddings": True, "bos_token_id": None, "eos_token_id": None, "dtype": size.dtype,
    }  # fmt: skip


def weights(size: Size) -> Iterator[tuple[str, Tensor]]:
    """The tensors of the model by their names in transformers."""
    chance, dtype = torch.Generator().manual_seed(SEED), getattr(torch, size.dtype)

    def drawn(*shape: int) -> Tensor:
        """One over the root of the width, so that what a head does is seen at the end."""
        return (torch.randn(*shape, generator=chance) / size.width**0.5).to(dtype)

    ones = torch.ones(size.width, dtype=dtype)
    narrow = size.shared * size.d_head
    shapes = {"q": (size.width, size.width), "k": (narrow, size.width), "v": (narrow, size.width), "o": (size.width, size.width)}
    yield "model.embed_tokens.weight", drawn(size.vocabulary, size.width)
    yield "model.norm.weight", SHARP * ones
    for layer in range(size.layers):
        at = f"model.layers.{layer}"
        yield from ((f"{at}.self_attn.{name}_proj.weight", drawn(*shape)) for name, shape in shapes.items())
        yield from ((f"{at}.mlp.{name}_proj.weight", drawn(size.mlp, size.width)) for name in ("gate", "up"))
        yield f"{at}.mlp.down_proj.weight", drawn(size.width, size.mlp)
        yield from ((f"{at}.{name}_layernorm.weight", ones.clone()) for name in ("input", "post_attention"))


def made(folder: Path, size: Size) -> Iterator[Task]:
    """The tasks, on one set of prompts. What is asked is what the model would say on another prompt, so that it can rise and fall."""
    chance = random.Random(SEED)
    originals, alternates = (prompts(size, chance) for _ in range(2))
    asked = most_likely(folder, originals)
    for row, where in POSITIONS.items():
        at, alternate_at = ([where(size, i, chance) for i in range(size.prompts)] for _ in range(2))
        yield hop(row, size, chance, originals, alternates, at, alternate_at, asked)


def prompts(size: Size, chance: random.Random) -> Tokens:
    return [[chance.randrange(size.vocabulary) for _ in range(size.tokens)] for _ in range(size.prompts)]


def most_likely(folder: Path, tokens: Tokens) -> list[int]:
    with torch.no_grad():
        return Clean(Llama(folder, "cpu"), torch.tensor(tokens)).logits.argmax(-1).tolist()


def first_mention(size: Size, prompt: int, chance: random.Random) -> int:
    """The label of one of the segments: in turn, so that few prompts are spread as many would be."""
    segments = (size.tokens - QUESTION) // SEGMENT
    return SEGMENT * (prompt * 3 % segments) + SEGMENT - 2


POSITIONS = {
    "hop 1": lambda size, prompt, chance: size.tokens - 1,
    "hop 2": lambda size, prompt, chance: size.tokens - 1,
    "hop 3": lambda size, prompt, chance: size.tokens - QUESTION + 1,
    "hop 4": first_mention,
}
HOPS = {"hop 1": None, "hop 2": "query", "hop 3": "value", "hop 4": "first"}


def hop(row: str, size: Size, chance: random.Random, originals: Tokens, alternates: Tokens, at: list[int], alternate_at: list[int], asked: list[int]) -> PathPatch:
    """One hop of path patching with receivers where a group like that would lie."""
    received = receivers(HOPS[row], size, chance)
    reach = max((layer for _, layer, _ in received), default=size.layers)
    layers = spread(reach, size.sampled)
    middle = layers[len(layers) // 2]
    return PathPatch(row, originals, alternates, at, alternate_at, asked, received, layers, [middle], [size.heads // 2], size.layers - reach)


def receivers(group: str | None, size: Size, chance: random.Random) -> list[tuple[str, int, int]]:
    """Heads drawn between two layers, the two included, in both of which there is one."""
    if group is None:
        return []
    low, high = (min(size.layers - 1, max(1, round(layer * size.layers / 30))) for layer in GROUP[group])
    heads = {(layer, chance.randrange(size.heads)) for layer in (low, high)}
    while len(heads) < min(RECEIVERS, size.heads * (high - low + 1)):
        heads.add((chance.randint(low, high), chance.randrange(size.heads)))
    return [("query" if group == "query" else "value", layer, head) for layer, head in sorted(heads)]


def spread(layers: int, count: int) -> list[int]:
    """The middles of `count` equal parts of the layers, or all of them: of what grows evenly with the layer they have the mean."""
    if not count or count >= layers:
        return list(range(layers))
    return [round((2 * part + 1) * layers / (2 * count) - 0.5) for part in range(count)]
