"""Train the two shipped models: `python -m entrack.builtin.training.train --out DIR` writes boxes-base and
boxes-tuned."""

import argparse
import json
import platform
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import tokenizers
import torch
import transformers
from tokenizers import Tokenizer
from torch import Tensor
from torch.optim import AdamW
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from entrack.builtin.training import world
from entrack.builtin.training.recipes import BASE, MOST_BOXES, TUNED, Recipe
from entrack.builtin.training.texts import Batch, draw_batch
from entrack.builtin.training.tokenizer import END_ID, START_ID, build_tokenizer, tokenizer_config, vocabulary


@dataclass(frozen=True)
class Log:
    """One stage as it went: its recipe, what it reported at which step, how many steps and minutes it took."""

    recipe: Recipe
    entries: tuple[dict[str, float], ...]
    steps: int
    minutes: float


def main() -> None:
    """Make the base model, then the tuned one from it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder in which the two model folders are written")
    parser.add_argument("--most-steps", type=int, help="end every stage after so many steps, to try things out")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    tokenizer, model = build_tokenizer(), new_model(seed=0)
    for name, stages in (("boxes-base", BASE), ("boxes-tuned", TUNED)):
        logs = [train(model, _shortened(stage, options.most_steps), tokenizer) for stage in stages]
        save(options.out / name, model, tokenizer, report(model, tokenizer, logs))


def new_model(seed: int) -> LlamaForCausalLM:
    """A freshly initialised small Llama."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(vocabulary()),
        hidden_size=96,
        intermediate_size=192,
        num_hidden_layers=4,
        num_attention_heads=8,
        num_key_value_heads=8,
        max_position_embeddings=256,
        rope_parameters={"rope_type": "default", "rope_theta": 100.0},
        initializer_range=0.06,
        bos_token_id=START_ID,
        eos_token_id=END_ID,
        pad_token_id=END_ID,
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM(config)
    model.set_attn_implementation("eager")  # the fastest on a processor at this size
    return model


def train(model: LlamaForCausalLM, recipe: Recipe, tokenizer: Tokenizer) -> Log:
    """Train in place for the recipe's steps, or until its loss or its accuracy at seven boxes is reached."""
    random, begun, entries = Random(recipe.seed), time.monotonic(), []
    losses: list[float] = []
    optimiser = AdamW(model.parameters(), lr=recipe.rate, betas=recipe.betas, weight_decay=recipe.weight_decay)
    for step in range(1, recipe.steps + 1):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate_at(step)
        losses.append(_step(model, optimiser, recipe.clip, draw_batch(recipe, random, tokenizer)))
        if step % recipe.report_every and step != recipe.steps:
            continue
        loss = sum(losses[-recipe.report_every :]) / len(losses[-recipe.report_every :])
        accuracy = evaluate(model, tokenizer, MOST_BOXES, 500, seed=recipe.seed)["accuracy"]
        entries.append({"step": step, "loss": round(loss, 4), "accuracy": accuracy})
        print(f"{recipe.name}: step {step}, loss {loss:.3f}, accuracy at seven boxes {accuracy:.3f}", flush=True)
        if loss <= recipe.stop_loss or accuracy >= recipe.stop_accuracy:
            break
    return Log(recipe, tuple(entries), step, round((time.monotonic() - begun) / 60, 1))


def _step(model: LlamaForCausalLM, optimiser: AdamW, clip: float, batch: Batch) -> float:
    """One optimiser step; the mean loss of the answers before it."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits: Tensor = model(input_ids=batch.inputs, attention_mask=batch.mask).logits
    losses = torch.nn.functional.cross_entropy(logits.float().transpose(1, 2), batch.targets, reduction="none")
    loss = (losses * batch.weights).sum() / batch.weights.sum()
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimiser.step()
    return float(losses.detach()[batch.weights == 1.0].mean())


@torch.no_grad()
def evaluate(model: PreTrainedModel, tokenizer: Tokenizer, boxes: int, count: int, seed: int) -> dict[str, Any]:
    """Accuracy of the argmax over the whole vocabulary on plain one-question prompts, in all and by asked position."""
    random = Random(f"evaluate {seed} {boxes}")
    asked = [random.randrange(boxes) for _ in range(count)]
    drawn = [world.plain_prompt(world.draw_scene(random, boxes), which) for which in asked]
    ids = torch.tensor([encoding.ids for encoding in tokenizer.encode_batch([text for text, _ in drawn])])
    answers = torch.tensor([tokenizer.token_to_id(answer) for _, answer in drawn])
    parts = torch.split(ids, 100)
    guesses = torch.cat([model(input_ids=part, logits_to_keep=1).logits[:, -1].argmax(-1) for part in parts])
    right = (guesses == answers).float()
    places = torch.tensor(asked)
    by_position = [round(right[places == place].mean().item(), 3) for place in range(boxes)]
    return {"n": count, "accuracy": round(right.mean().item(), 4), "by_asked_position": by_position}


def report(model: LlamaForCausalLM, tokenizer: Tokenizer, logs: list[Log]) -> dict[str, Any]:
    """What training.json says: the stages of this model's own training, then how well it answers fresh prompts."""
    boxes = range(2, MOST_BOXES + 1)
    by_boxes = {str(count): evaluate(model, tokenizer, count, 1000, seed=2024) for count in boxes}
    return {
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "minutes": round(sum(log.minutes for log in logs), 1),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "tokenizers": tokenizers.__version__,
        },
        "accuracy_by_boxes": by_boxes,
        "stages": [_stage(log) for log in logs],
    }


def save(folder: Path, model: PreTrainedModel, tokenizer: Tokenizer, training: dict[str, Any]) -> None:
    """Write a folder that transformers can load, with training.json beside the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer_config(), indent=2) + "\n")
    (folder / "training.json").write_text(json.dumps(training, indent=1) + "\n")


def _stage(log: Log) -> dict[str, Any]:
    return {"recipe": asdict(log.recipe), "steps": log.steps, "minutes": log.minutes, "log": list(log.entries)}


def _shortened(recipe: Recipe, most_steps: int | None) -> Recipe:
    return recipe if most_steps is None else replace(recipe, steps=min(recipe.steps, most_steps))


if __name__ == "__main__":
    main()
