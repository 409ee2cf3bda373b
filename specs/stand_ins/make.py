"""Write the tokenizers of the stand-ins: one token for each word of the studies that are planned with them.

    python specs/stand_ins/make.py

A stand-in has a model's shape (config.json) and this tokenizer in place of the model's own, so that a study is checked
and planned where the model is not (`--stand-in`). The model's own tokenizer makes other token counts.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SHAPES = ("gpt2", "gpt2-xl", "gptj", "pythia-2.8b", "smollm2-135m")
STUDIES = (
    "agreement",
    "causal_tracing",
    "direction",
    "edges",
    "function_vectors",
    "gender_bias",
    "greater_than",
    "induction",
    "ioi_gpt2",
    "knockout",
    "logit_lens",
)
COMMENT = re.compile(r"#.*")
WORD = re.compile(r"[A-Za-z]+|[^\sA-Za-z]")
YEARS = tuple(f"{number:02}" for number in range(100))
"""Two digits are one token, as in the years of the study of greater-than, and a third is another."""


def main() -> None:
    for shape in SHAPES:
        (HERE / shape / "tokenizer.json").write_text(text(), encoding="utf-8")


def text() -> str:
    """The tokenizer as it is written."""
    return json.dumps(tokenizer(words()), indent=1) + "\n"


def words() -> list[str]:
    """All words and signs of the studies' specs, comments left out, and of their files, in the order of the letters,
    with all pairs of digits."""
    files = [path for study in STUDIES for path in (HERE.parent / study).glob("*.*")]
    texts = [path.read_text(encoding="utf-8") for path in files if path.suffix in (".csv", ".et")]
    return sorted({word for text in texts for word in WORD.findall(COMMENT.sub("", text))} | set(YEARS))


def tokenizer(known: list[str]) -> dict[str, Any]:
    """A tokenizer.json that splits at blanks, signs and pairs of digits, and adds no token. An unknown word is
    `<unk>`."""
    split = [
        {"type": "WhitespaceSplit"},
        {"type": "Punctuation", "behavior": "Isolated"},
        {"type": "Split", "pattern": {"Regex": "[0-9]{2}"}, "behavior": "Isolated", "invert": False},
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": split},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordLevel",
            "vocab": {word: number for number, word in enumerate(["<unk>", *known])},
            "unk_token": "<unk>",
        },
    }


if __name__ == "__main__":
    main()
