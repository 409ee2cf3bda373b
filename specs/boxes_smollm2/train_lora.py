"""Fine-tune SmolLM2-135M-Instruct on three boxes by LoRA: specs/boxes_smollm2/adapter/, a few minutes on one CPU core.

    make lora        or:  python specs/boxes_smollm2/train_lora.py

Prompts are those of train.et, each used once. Only the answer, the one token after the prompt, is trained on. The
adapter in the repository was made by the defaults; other versions of torch, or another number of threads, give nearby
weights.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path

import peft
import torch

import entrack
from entrack.engine.load import load
from entrack.models.locate import key_of, locate

HERE = Path(__file__).parent


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    spec = entrack.load(HERE / "train.et")
    prompts, answers = drawn(spec, options.steps * options.batch)
    named = spec.resolved.models["base"].named
    source = locate(named, HERE)
    base = load(key_of(named, source), source, torch.device("cpu")).module
    config = peft.LoraConfig(
        r=options.rank,
        lora_alpha=2 * options.rank,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj"],
        bias="none",
        task_type="CAUSAL_LM",
    )
    model = peft.get_peft_model(base, config)
    train(model, prompts, answers, options)
    config.base_model_name_or_path = Path(named.name).name
    write(model, options.out)
    print(f"wrote {options.out}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fine-tune SmolLM2-135M-Instruct on three boxes by LoRA.")
    parser.add_argument("--out", type=Path, default=HERE / "adapter", help="the adapter's folder")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--batch", type=int, default=8, help="prompts a step")
    parser.add_argument("--rank", type=int, default=4)
    parser.add_argument(
        "--rate", type=float, default=1e-3, help="the highest learning rate, after a tenth of the steps"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the adapter's first weights")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def drawn(spec: entrack.Spec, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Prompts, all of one length, as token ids (prompt, token), and the first token of each answer (prompt)."""
    realised, _ = spec.prompts("boxes", count)
    originals = [pair.original for pair in realised.pairs]
    return torch.tensor([prompt.token_ids for prompt in originals]), torch.tensor(
        [prompt.ids["answer"][0] for prompt in originals]
    )


def train(model: torch.nn.Module, prompts: torch.Tensor, answers: torch.Tensor, options: argparse.Namespace) -> None:
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=options.rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate(step, options.steps))
    print(f"{sum(parameter.numel() for parameter in trained)} weights to train, {len(prompts)} prompts", flush=True)
    began, right, losses = time.monotonic(), [], []
    model.train()
    for step, (batch, wanted) in enumerate(
        zip(prompts.split(options.batch), answers.split(options.batch), strict=True), start=1
    ):
        logits = model(batch, logits_to_keep=1).logits[:, -1]
        loss = torch.nn.functional.cross_entropy(logits, wanted)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
        right.append(float((logits.argmax(-1) == wanted).float().mean()))
        if step % 10 == 0:
            print(
                f"step {step:4}  loss {mean(losses[-10:]):.3f}  accuracy {mean(right[-10:]):.2f}  "
                f"{time.monotonic() - began:.0f} s",
                flush=True,
            )


def write(model: peft.PeftModel, folder: Path) -> None:
    """The adapter's two files. peft writes sets in any order: here they are sorted, so that the same adapter has the
    same digest."""
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)  # peft's template of a model card, not filled in
    config = folder / "adapter_config.json"
    told = json.loads(config.read_text())
    told["target_modules"] = sorted(told["target_modules"])
    config.write_text(json.dumps(told, indent=1) + "\n")


def rate(step: int, steps: int) -> float:
    """The part of the highest learning rate: up in a straight line, down as a cosine."""
    warm = max(steps // 10, 1)
    return (step + 1) / warm if step < warm else 0.5 * (1 + math.cos(math.pi * (step - warm) / max(steps - warm, 1)))


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


if __name__ == "__main__":
    main()
