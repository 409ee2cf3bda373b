import csv
from pathlib import Path

from transformer_lens.model_bridge import TransformerBridge

here = Path(__file__).parents[1]
model = TransformerBridge.boot_transformers(str(here.parents[1] / "entrack/builtin/boxes-base"), device="cpu")
rows = list(csv.DictReader((here / "pairs.csv").open()))
clean = model.to_tokens([row["clean"] for row in rows])
corrupted = model.to_tokens([row["corrupted"] for row in rows])
answer, wrong = (model.to_tokens([row[name] for row in rows])[:, 1] for name in ("answer", "wrong"))


def logit_difference(logits):
    last = logits[:, -1]
    return (last.gather(1, answer[:, None]) - last.gather(1, wrong[:, None])).mean()
