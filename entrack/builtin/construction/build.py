"""Write the constructed models: `python -m entrack.builtin.construction.build --out DIR`."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from entrack.builtin.construction.assembly import LAYERS, LONGEST, NEURONS, VERSION, pointer_weights
from entrack.builtin.construction.heads import HEADS, Head, Weights
from entrack.builtin.construction.pointer import BASE, TUNED, Strengths, counter, question_marker, roles
from entrack.builtin.construction.residual import WIDTH
from entrack.builtin.training.tokenizer import END_ID, START_ID, build_tokenizer, vocabulary
from entrack.builtin.training.train import evaluate, save

MODELS: dict[str, tuple[Strengths, bool, str]] = {
    "boxes-pointer": (BASE, True, "segments counted by their labels"),
    "boxes-pointer-tuned": (TUNED, True, "boxes-pointer with better transmitters and fetchers"),
    "boxes-pointer-indexed": (BASE, False, "boxes-pointer with segments read off the token's index"),
}
"""Each model: its strengths, whether it counts segments, and what it is."""


def main() -> None:
    """Make the three models."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder in which the model folders are written")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    for name, (strengths, counted, what) in MODELS.items():
        model = gpt2(pointer_weights(strengths, counted=counted))
        save(out / name, model, build_tokenizer(), record(model, strengths, what, counted=counted))


def gpt2(weights: Weights) -> GPT2LMHeadModel:
    """A GPT-2 with these weights, in float32."""
    config = GPT2Config(
        vocab_size=len(vocabulary()),
        n_positions=LONGEST,
        n_embd=WIDTH,
        n_layer=LAYERS,
        n_head=HEADS,
        n_inner=NEURONS,
        bos_token_id=START_ID,
        eos_token_id=END_ID,
        pad_token_id=END_ID,
        tie_word_embeddings=False,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
    )
    model: GPT2LMHeadModel = GPT2LMHeadModel(config)
    model.train(mode=False)
    model.load_state_dict({name: torch.from_numpy(each.astype(np.float32)) for name, each in weights.items()})
    return model


def record(model: GPT2LMHeadModel, strengths: Strengths, what: str, *, counted: bool) -> dict[str, Any]:
    """What training.json says of a model that was not trained: what was planted where, and how well it answers."""
    others = {"question_marker": (question_marker(),), **({"counter": (counter(),)} if counted else {})}
    planted = {role: _numbers(heads) for role, heads in (*roles(strengths).items(), *others.items())}
    answers = {str(boxes): evaluate(model, build_tokenizer(), boxes, 1000, seed=2024) for boxes in range(2, 8)}
    seven, two = (answers[boxes]["accuracy"] for boxes in "72")
    return {
        "version": VERSION,
        "roles": planted,
        "strengths": asdict(strengths),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "accuracy_by_boxes": answers,
        "summary": (
            f"written by formula, a pointer to a segment by construction: {what}; seven boxes {seven:.0%}, two "
            f"{two:.0%} (n = 1000)"
        ),
    }


def _numbers(heads: tuple[Head, ...]) -> list[tuple[int, int]]:
    return [(head.layer, head.number) for head in heads]


if __name__ == "__main__":
    main()
