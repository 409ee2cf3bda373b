"""Make a model whose circuit is known: `python -m entrack.builtin.training.planted --out DIR` writes boxes-planted.

It starts from boxes-base. Every head that `ROLES` does not name is dead: its columns of the output projection are zero,
and stay so while the others learn the plain task again. So what a method finds can be compared with what is there.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch
from transformers import LlamaForCausalLM

from entrack.builtin.training.recipes import TUNED
from entrack.builtin.training.tokenizer import build_tokenizer
from entrack.builtin.training.train import report, save, train

BASE_FOLDER = Path(__file__).parents[1] / "boxes-base"
ROLES = {
    "value_fetcher": ((2, 0), (2, 2), (2, 4)),
    "object_carrier": ((0, 1), (0, 6), (1, 1), (1, 6), (1, 7)),
    "structure_reader": ((0, 0), (0, 2), (0, 6), (0, 7)),
    "label_marker": ((0, 1), (0, 6)),
}
"""The planted heads, as (layer, head), by what they do in boxes-base (specs/boxes/circuits.et)."""
PLANTED = tuple(sorted({head for heads in ROLES.values() for head in heads}))
RECIPE = replace(TUNED[0], name="planted heads", seed=5)


def main() -> None:
    """Make the planted model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder in which the model folder is written")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    tokenizer, model = build_tokenizer(), LlamaForCausalLM.from_pretrained(BASE_FOLDER)
    model.set_attn_implementation("eager")
    plant(model)
    training = report(model, tokenizer, [train(model, RECIPE, tokenizer)])
    two, seven = (training["accuracy_by_boxes"][boxes]["accuracy"] for boxes in "27")
    summary = (
        f"boxes-base with all heads but {len(PLANTED)} dead, trained further on plain texts with seven boxes: "
        f"a circuit that is known; seven boxes {seven:.0%}, two {two:.0%} (n = 1000)"
    )
    training = {"planted": PLANTED, "roles": ROLES, **training, "summary": summary}
    save(options.out / "boxes-planted", model, tokenizer, training)


def plant(model: LlamaForCausalLM) -> None:
    """Make all heads but the planted ones dead, now and in training.

    Adam leaves a weight of zero at exactly zero where its gradient always is, so nothing needs to be done after a step.
    """
    for number, layer in enumerate(model.model.layers):
        weight, width = layer.self_attn.o_proj.weight, layer.self_attn.head_dim
        heads = torch.tensor([float((number, head) in PLANTED) for head in range(weight.shape[1] // width)])
        alive = heads.repeat_interleave(width)  # a column of the projection each
        with torch.no_grad():
            weight *= alive
        weight.register_hook(alive.mul)


if __name__ == "__main__":
    main()
