import csv
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

here = Path(__file__).parents[1]
folder = here.parents[1] / "entrack/builtin/boxes-base"
model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
rows = list(csv.DictReader((here / "pairs.csv").open()))
clean, corrupted = (
    {"input_ids": torch.tensor(tokenizer([row[name] for row in rows]).input_ids)} for name in ("clean", "corrupted")
)
answer, wrong = (torch.tensor(tokenizer([row[name] for row in rows]).input_ids)[:, 1] for name in ("answer", "wrong"))
prompts, length = clean["input_ids"].shape


def logit_difference(logits):
    last = logits[:, -1]
    return (last.gather(1, answer[:, None]) - last.gather(1, wrong[:, None])).mean()
