"""A world: a folder with a random model and the tasks on it. Same size and seed, same bytes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from torch import Tensor

from benchmarks import tasks
from benchmarks.gpt2 import opened
from benchmarks.llama import Clean
from benchmarks.tasks import Circuits, Grid, Interchange, Mask, PathPatch, Placed, Size, Task, Tokens, rolled

SEED = 0
SHARP = 6.0
"""Scale of the last norm: probabilities are not all near one over the vocabulary, and agreeing on them says
something."""
GROUPS = {
    "fetchers": ("last", 13, 22),
    "transmitters": ("last", 10, 18),
    "detectors": ("query", 1, 12),
    "readers": ("previous", 8, 12),
}
"""Positions of groups, and the layers, of 30, between which their heads lie: where those published for Llama lie, of
32."""
HOPS = {
    "hop 1": ("last", None),
    "hop 2": ("last", ("query", "fetchers")),
    "hop 3": ("query", ("value", "transmitters")),
    "hop 4": ("previous", ("value", "detectors")),
}
"""The senders' position, and the component and group that receive."""
MLP_HOPS = {"mlp senders": ("last", ("query", "fetchers"))}
"""The same, with MLPs as senders."""
HEADS = 8
"""Of a group."""
SEGMENT, QUESTION = 7, 4
"""Tokens of "the document is in Box F," and of "Box X contains the"."""
TURNS = 8
BATCH = 50
STEPS, MANY, SPARSITY, RATE = 2, 12, 0.01, 0.1
UNKNOWN = "unknown"
TOKENIZER = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "bos_token": UNKNOWN,
    "eos_token": UNKNOWN,
    "pad_token": UNKNOWN,
    "unk_token": UNKNOWN,
}
"""Prompts are token ids, but there are peers that open no model without a tokenizer."""


def build(folder: Path, size: Size, device: str = "cpu") -> None:
    """Write the model and the tasks, unless they are there."""
    if (folder / "built").exists():
        return
    (folder / "tasks").mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config(size), indent=1), encoding="utf-8")
    Tokenizer(WordLevel({UNKNOWN: 0}, UNKNOWN)).save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(TOKENIZER), encoding="utf-8")
    save_file(dict(weights(size)), folder / "model.safetensors", metadata={"format": "pt"})
    for task in made(folder, size, device):
        tasks.write(task, folder / "tasks" / f"{task.row}.json")
    (folder / "built").touch()


def config(size: Size) -> dict[str, object]:
    """A config.json as transformers writes it."""
    return llama_config(size) if size.family == "llama" else gpt2_config(size)


def gpt2_config(size: Size) -> dict[str, object]:
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "activation_function": "gelu_new",
        "n_embd": size.width,
        "n_inner": size.mlp,
        "n_layer": size.layers,
        "n_head": size.heads,
        "n_positions": 1024,
        "vocab_size": size.vocabulary,
        "layer_norm_epsilon": 1e-5,
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": None,
        "dtype": size.dtype,
    }


def llama_config(size: Size) -> dict[str, object]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "hidden_size": size.width,
        "intermediate_size": size.mlp,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.heads,
        "num_key_value_heads": size.shared,
        "head_dim": size.d_head,
        "vocab_size": size.vocabulary,
        "max_position_embeddings": 2048,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": None,
        "dtype": size.dtype,
    }


def weights(size: Size) -> Iterator[tuple[str, Tensor]]:
    """The tensors of the model by their names in transformers."""
    chance, dtype = torch.Generator().manual_seed(SEED), getattr(torch, size.dtype)

    def drawn(*shape: int) -> Tensor:
        """One over the root of the width, so that what a head does is seen at the end."""
        return (torch.randn(*shape, generator=chance) / size.width**0.5).to(dtype)

    ones = torch.ones(size.width, dtype=dtype)
    if size.family == "gpt2":
        yield from gpt2_weights(size, drawn, ones)
        return
    narrow = size.shared * size.d_head
    shapes = {
        "q": (size.width, size.width),
        "k": (narrow, size.width),
        "v": (narrow, size.width),
        "o": (size.width, size.width),
    }
    yield "model.embed_tokens.weight", drawn(size.vocabulary, size.width)
    yield "model.norm.weight", SHARP * ones
    for layer in range(size.layers):
        at = f"model.layers.{layer}"
        yield from ((f"{at}.self_attn.{name}_proj.weight", drawn(*shape)) for name, shape in shapes.items())
        yield from ((f"{at}.mlp.{name}_proj.weight", drawn(size.mlp, size.width)) for name in ("gate", "up"))
        yield f"{at}.mlp.down_proj.weight", drawn(size.width, size.mlp)
        yield from ((f"{at}.{name}_layernorm.weight", ones.clone()) for name in ("input", "post_attention"))


def gpt2_weights(size: Size, drawn: Callable[..., Tensor], ones: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Weights as (input, output), and biases that are no zeros."""
    yield "transformer.wte.weight", drawn(size.vocabulary, size.width)
    yield "transformer.wpe.weight", drawn(1024, size.width)
    yield "transformer.ln_f.weight", SHARP * ones
    yield "transformer.ln_f.bias", drawn(size.width)
    shapes = {
        "attn.c_attn": (size.width, 3 * size.width),
        "attn.c_proj": (size.width, size.width),
        "mlp.c_fc": (size.width, size.mlp),
        "mlp.c_proj": (size.mlp, size.width),
    }
    for layer in range(size.layers):
        at = f"transformer.h.{layer}"
        for name, shape in shapes.items():
            yield f"{at}.{name}.weight", drawn(*shape)
            yield f"{at}.{name}.bias", drawn(shape[1])
        for name in ("ln_1", "ln_2"):
            yield f"{at}.{name}.weight", ones.clone()
            yield f"{at}.{name}.bias", drawn(size.width)


def made(folder: Path, size: Size, device: str) -> Iterator[Task]:
    """The tasks, on one set of prompts, with groups of heads drawn once. What is asked is what the model would say."""
    chance = random.Random(SEED)
    originals, alternates = (prompts(size, chance) for _ in range(2))
    positions, alternate_positions = (positions_of(size, first) for first in (0, 1))
    asked, groups = most_likely(folder, originals, device), {name: heads_of(name, size, chance) for name in GROUPS}
    for row, (position, receivers) in {**HOPS, **MLP_HOPS}.items():
        received = [] if receivers is None else [(receivers[0], layer, head) for _, layer, head in groups[receivers[1]]]
        reach = max((layer for _, layer, _ in received), default=size.layers)
        layers = spread(reach, size.sampled)
        at, alternate_at = positions[position], alternate_positions[position]
        yield PathPatch(
            row,
            originals,
            alternates,
            at,
            alternate_at,
            asked,
            received,
            layers,
            spread(size.heads, size.few),
            size.layers - reach,
            row in MLP_HOPS,
        )
    over = [(layer, head) for _, layer, head in groups["fetchers"]]
    yield Mask(
        "mask step",
        originals,
        alternates,
        positions["last"],
        alternate_positions["last"],
        rolled(asked, 1),
        over,
        STEPS,
        MANY,
        SPARSITY,
        RATE,
    )
    yield Circuits(
        "circuits", originals, alternates, positions, [circuits(size, groups, chance) for _ in range(TURNS)], asked
    )
    yield Interchange("interchange", originals, alternates, positions, alternate_positions, groups, asked)
    layers, tokens = spread(size.layers, size.sampled), spread(size.tokens, size.positions)
    yield Grid("grid", originals, alternates, layers, tokens, asked, some_of(layers, tokens, size.few))


def prompts(size: Size, chance: random.Random) -> Tokens:
    return [[chance.randrange(size.vocabulary) for _ in range(size.tokens)] for _ in range(size.prompts)]


def positions_of(size: Size, first: int) -> dict[str, list[int]]:
    """The last token, the label in the question, and its first mention in one of the segments, in turn from number
    `first` on, so that few prompts are spread as many would be."""
    segments = (size.tokens - QUESTION) // SEGMENT
    mentioned = [SEGMENT * ((first + 3 * prompt) % segments) + SEGMENT - 2 for prompt in range(size.prompts)]
    return {
        "last": [size.tokens - 1] * size.prompts,
        "query": [size.tokens - QUESTION + 1] * size.prompts,
        "previous": mentioned,
    }


def most_likely(folder: Path, tokens: Tokens, device: str) -> list[int]:
    """What the model says after each prompt, some prompts at a time."""
    with torch.no_grad():
        llama, rows = opened(folder, device), torch.tensor(tokens, device=device).split(BATCH)
        return [token for part in rows for token in Clean(llama, part).logits.argmax(-1).tolist()]


def heads_of(group: str, size: Size, chance: random.Random) -> Placed:
    """Heads drawn between two layers, the two included, in both of which there is one."""
    position, *between = GROUPS[group]
    low, high = (min(size.layers - 1, max(1, round(layer * size.layers / 30))) for layer in between)
    heads = {(layer, chance.randrange(size.heads)) for layer in (low, high)}
    while len(heads) < min(HEADS, size.heads * (high - low + 1)):
        heads.add((chance.randint(low, high), chance.randrange(size.heads)))
    return [(position, layer, head) for layer, head in sorted(heads)]


def circuits(size: Size, groups: dict[str, Placed], chance: random.Random) -> dict[str, Placed]:
    """A turn's variants: as a study asks for random circuits, for completeness (halves kept and removed), and for
    minimality (some heads less)."""
    circuit = sorted({placed for group in groups.values() for placed in group})
    half, less = chance.sample(circuit, len(circuit) // 2), chance.sample(circuit, 3)
    return {
        **{f"keep random {i}": random_like(circuit, size, chance) for i in range(3)},
        "keep but a half": sorted(set(circuit) - set(half)),
        "remove a half": sorted(half),
        "remove a group": groups["transmitters"],
        **{f"keep but {i + 1}": sorted(set(circuit) - set(less[: i + 1])) for i in range(3)},
    }


def random_like(circuit: Placed, size: Size, chance: random.Random) -> Placed:
    """As many heads at each position, from all layers."""
    return sorted(
        {(position, chance.randrange(size.layers), chance.randrange(size.heads)) for position, _, _ in circuit}
    )


def some_of(layers: list[int], tokens: list[int], few: int) -> list[tuple[int, int]]:
    """So many cells of each layer, or all of them, all together evenly spread over the tokens."""
    step = len(tokens) // (few or len(tokens))
    firsts = [(layer, step * (2 * part + 1) // (2 * len(layers))) for part, layer in enumerate(layers)]
    return [(layer, tokens[first + step * i]) for layer, first in firsts for i in range(few or len(tokens))]


def spread(all: int, count: int) -> list[int]:
    """The middles of `count` equal parts of so many layers or heads, or all of them: of what grows evenly they have
    the mean."""
    if not count or count >= all:
        return list(range(all))
    return [round((2 * part + 1) * all / (2 * count) - 0.5) for part in range(count)]
