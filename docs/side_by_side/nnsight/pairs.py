import csv
from pathlib import Path

import torch
from nnsight import TransformersModel

here = Path(__file__).parents[1]
model = TransformersModel(
    str(here.parents[1] / "entrack/builtin/boxes-base"), task="text-generation", device_map="cpu", dispatch=True
)
layers = model.model.layers
rows = list(csv.DictReader((here / "pairs.csv").open()))
clean, corrupted = (
    torch.tensor(model.tokenizer([row[name] for row in rows]).input_ids) for name in ("clean", "corrupted")
)
answer, wrong = (
    torch.tensor(model.tokenizer([row[name] for row in rows]).input_ids)[:, 1] for name in ("answer", "wrong")
)


def logit_difference(logits):
    last = logits[:, -1]
    return (last.gather(1, answer[:, None]) - last.gather(1, wrong[:, None])).mean()
