"""Tokens: words of several tokens, tokenizers with and without spaces in their tokens, and what cannot be told apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from tokenizers import decoders, models, pre_tokenizers, processors

from entrack.api import Spec, SpecError, loads
from entrack.cli.prompts import prompts_json
from entrack.source import Source

CONFIG = {
    "model_type": "llama", "num_hidden_layers": 1, "num_attention_heads": 1, "hidden_size": 8, "vocab_size": 400,
    "intermediate_size": 8, "rms_norm_eps": 1e-6,
}  # fmt: skip
TASK = """entrack 1
model tiny = local("model")
task t {
  object = 3 distinct from ["apple", "bottle", "elephant", "dish", "fork"]
  label  = 3 distinct from ["mn", "opq", "rstu", "vwxyz"]
  asked  = one index of object
  text   = join("the {object} is in Box {label}", ", ")
  prompt = capitalise("{text}. Box {label[asked]} contains the")
  answer = object[asked]
  at last   = end of prompt
  at query  = prompt.label
  at before = prompt.label - 1
  at place  = text.object[asked]
}
"""


def pieces() -> Any:
    """WordPiece in which every letter is a token."""
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    words = ["[UNK]", "<s>", *letters, *[letter.upper() for letter in letters], ".", ","]
    known = words + [f"##{letter}" for letter in words[2:54]]
    made = tokenizers.Tokenizer(models.WordPiece({word: place for place, word in enumerate(known)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    made.decoder = decoders.WordPiece()
    return made


def byte_pairs(trim: bool) -> Any:
    """Byte-level BPE in which a space and the letter after it are one token, and every other letter is one."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("\u0120", chr(code)) for code in range(ord("a"), ord("z") + 1)]
    known = [*alphabet, *(space + letter for space, letter in merges)]
    made = tokenizers.Tokenizer(models.BPE({word: place for place, word in enumerate(known)}, merges))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.post_processor = processors.ByteLevel(trim_offsets=trim)
    made.decoder = decoders.ByteLevel()
    return made


MADE = {"pieces": pieces, "bytes": lambda: byte_pairs(False), "bytes, trimmed": lambda: byte_pairs(True)}


@pytest.fixture(params=list(MADE))
def library(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A tokenizer, saved as that of a model beside the spec."""
    made = MADE[request.param]()
    (tmp_path / "model").mkdir()
    made.save(str(tmp_path / "model" / "tokenizer.json"))
    (tmp_path / "model" / "config.json").write_text(json.dumps(CONFIG))
    return made


def spec(folder: Path, old: str = "", new: str = "") -> Spec:
    return loads(Source(str(folder / "spec.et"), TASK.replace(old, new)))


def squeezed(text: str) -> str:
    return text.replace(" ", "").replace("<s>", "")


def test_a_position_is_the_last_token_of_its_word(library: Any, tmp_path: Path) -> None:
    entries = prompts_json(spec(tmp_path).prompts("t", 30)[0])
    for entry in entries:
        ids, at, text = entry["token_ids"], entry["positions"], entry["text"]
        assert ids == library.encode(text).ids

        def up_to(position: str, ids: list[int] = ids, at: dict[str, int] = at) -> str:
            return squeezed(library.decode(ids[: at[position] + 1]))

        assert up_to("last") == squeezed(text)
        assert up_to("query") == squeezed(text.removesuffix(" contains the"))
        assert up_to("place").lower().endswith("the" + entry["answer"])
        assert up_to("before") == squeezed(library.decode(ids[: at["query"]]))
    assert len({entry["positions"]["place"] for entry in entries}) > 3
    assert len({len(entry["token_ids"]) for entry in entries}) > 3


def test_an_answer_is_the_tokens_that_follow(library: Any, tmp_path: Path) -> None:
    for entry in prompts_json(spec(tmp_path).prompts("t", 10)[0]):
        longer = library.encode(f"{entry['text']} {entry['answer']}").ids
        assert longer == entry["token_ids"] + entry["answer_ids"]
        assert len(entry["answer_ids"]) > 1


def test_words_that_begin_alike_are_refused(library: Any, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="begin with the same token"):
        spec(tmp_path, '"dish"', '"elegant"').prompts("t", 30)


def test_an_answer_that_changes_the_prompt_is_refused(tmp_path: Path) -> None:
    """A prompt that ends in the middle of a word: with its answer its own tokens are others."""
    (tmp_path / "model").mkdir()
    byte_pairs(True).save(str(tmp_path / "model" / "tokenizer.json"))
    (tmp_path / "model" / "config.json").write_text(json.dumps(CONFIG))
    with pytest.raises(SpecError, match="changes the prompt's own tokens"):
        spec(tmp_path, "contains the", "contains ").prompts("t", 5)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"apple", "bottle", "elephant"', '"", "bottle", "elephant"', "empty"),
        ("prompt.label - 1", "prompt.label - 90", "no token"),
        ("prompt.label - 1", "text.label", "many places"),
        ("answer = object[asked]", 'blank = "" answer = "{blank}"', "the answer is empty"),
        ('"{text}. Box', '"{text}. {label[0]} Box', "places"),
    ],
)
def test_what_has_no_place_is_said(library: Any, tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        spec(tmp_path, old, new).prompts("t", 30)


def test_a_sharp_s_is_not_capitalised(library: Any, tmp_path: Path) -> None:
    """Its capital is two letters, which would move every hole by one."""
    entries = prompts_json(spec(tmp_path, 'join("the', 'join("ßhe').prompts("t", 5)[0])
    assert all(entry["text"].startswith("ßhe ") for entry in entries)
