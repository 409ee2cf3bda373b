"""Known answers: in the constructed models the paper's mechanism is true, so what methods find there is held against it.

The whole study, at full size, is `make pointer`; docs/studies/boxes_pointer.md has its answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import combinations
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
import torch
from roc import area
from safetensors.torch import load_file
from torch import Tensor
from transformers import GPT2LMHeadModel

from entrack.api import loads
from entrack.builtin.construction.assembly import pointer_weights
from entrack.builtin.construction.build import MODELS, gpt2
from entrack.builtin.construction.codes import MOST_ALIKE, label_codes, object_codes
from entrack.builtin.construction.pointer import BASE, roles
from entrack.builtin.construction.residual import part
from entrack.builtin.training.tokenizer import build_tokenizer
from entrack.builtin.training.train import save
from entrack.models.locate import BUILTIN
from entrack.results import Discovery, Results
from entrack.sites import Site
from entrack.source import Source
from entrack.store import MemoryStore

SPECS = Path(__file__).parents[2] / "specs"
PLANTED = {role: {Site.of_head(head.layer, head.number) for head in heads} for role, heads in roles(BASE).items()}
HEADS = {Site.of_head(layer, head) for layer in range(6) for head in range(8)}
CARRIED = {role: "object_value" if role == "value_fetcher" else "position" for role in PLANTED}
"""What each group carries; what it does not carry has an empty mask."""
DESIDERATA = ("object_value", "position", "label_value")
HOPS = """entrack 1
include "truth.et"
discover found in MODEL on 40 boxes against scrambled {
  score logit of answer
  group value_fetcher        at last     -> logits                     keep 5
  group position_transmitter at last     -> value_fetcher.query        keep 3
  group position_detector    at query    -> position_transmitter.value keep 3
  group structure_reader     at previous -> position_detector.value    keep 3
}
"""
MASKS = """entrack 1
include "truth.et"
mask role over candidates in base for [object_value, position, label_value] {
  train    300
  validate 60
  sparsity 0.2
  epochs   2
}
"""
TEXTS = {
    "plain": "The car is in Box X, the hat is in Box B, the key is in Box Q. Box B contains the",
    "longer": "The car is contained in the Box X, the hat is contained in the Box B, the key is contained in the Box Q. "
    "Box B contains the",
    "shorter": "The car is in Box X the hat is in Box B the key is in Box Q. Box B contains the",
    "text before": "There are a bunch of boxes containing objects, the car is in Box X, the hat is in Box B, the key is in "
    "Box Q. Box B contains the",
}


def run(text: str) -> Results:
    return loads(Source(str(SPECS / "boxes_pointer" / "known.et"), text)).run(MemoryStore())


def folder(name: str) -> Path:
    return BUILTIN / name


@pytest.mark.parametrize("name", MODELS)
def test_the_models_are_made_to_the_byte(name: str, tmp_path: Path) -> None:
    strengths, counted, _ = MODELS[name]
    recorded = json.loads((folder(name) / "training.json").read_text(encoding="utf-8"))
    save(tmp_path, gpt2(pointer_weights(strengths, counted=counted)), build_tokenizer(), recorded)
    for file in ("model.safetensors", "tokenizer.json", "tokenizer_config.json", "training.json"):
        assert (tmp_path / file).read_bytes() == (folder(name) / file).read_bytes(), file
    made, shipped = (
        json.loads((each / "config.json").read_text(encoding="utf-8")) for each in (tmp_path, folder(name))
    )
    assert {**made, "transformers_version": ""} == {**shipped, "transformers_version": ""}


@pytest.mark.parametrize("name", MODELS)
def test_what_was_planted_is_recorded(name: str) -> None:
    recorded = json.loads((folder(name) / "training.json").read_text(encoding="utf-8"))["roles"]
    counts = MODELS[name][1]
    assert {role: {Site.of_head(*each) for each in heads} for role, heads in recorded.items()} == {
        **PLANTED,
        "question_marker": {Site.of_head(0, 5)},
        **({"counter": {Site.of_head(0, 0)}} if counts else {}),
    }


def test_the_tuned_model_differs_in_planted_heads_alone() -> None:
    base, tuned = (load_file(folder(name) / "model.safetensors") for name in ("boxes-pointer", "boxes-pointer-tuned"))
    changed = {name for name in base if not torch.equal(base[name], tuned[name])}
    assert changed == {f"transformer.h.{layer}.attn.c_attn.weight" for layer in range(1, 6)}
    for layer in range(1, 6):
        name = f"transformer.h.{layer}.attn.c_attn.weight"
        apart = (base[name] != tuned[name]).reshape(128, 3, 8, 16).any(dim=3).any(dim=1).any(dim=0)
        heads = {Site.of_head(layer, head) for head in apart.nonzero().flatten().tolist()}
        assert heads == {head for group in PLANTED.values() for head in group if head.layer == layer}


def test_codes_are_exact_and_apart() -> None:
    codes = object_codes(100)
    assert np.unique(abs(codes)).tolist() == [1 / sqrt(32)]
    likeness = [abs(32 * float(one @ other)) for one, other in combinations(codes, 2)]
    assert max(likeness) < MOST_ALIKE + 1e-9
    assert np.unique(label_codes() @ label_codes().T).tolist() == [-1, 0, 1]


@pytest.fixture(scope="module")
def counting() -> GPT2LMHeadModel:
    model: GPT2LMHeadModel = GPT2LMHeadModel.from_pretrained(folder("boxes-pointer"), attn_implementation="eager")
    return model


def looked_at(model: GPT2LMHeadModel, text: str) -> tuple[list[str], Mapping[str, Tensor], Tensor]:
    """The tokens of a text; for each group the mean attention of its heads, `[token, token]`; and the count that
    stands at each token after layer 0."""
    encoding = build_tokenizer().encode(text)
    with torch.no_grad():
        seen = model(torch.tensor([encoding.ids]), output_attentions=True, output_hidden_states=True)
    attention = {
        role: torch.stack([seen.attentions[head.layer][0, head.head] for head in heads]).mean(0)
        for role, heads in PLANTED.items()
    }
    return encoding.tokens, attention, seen.hidden_states[1][0][:, part("count")].argmax(1)


@pytest.mark.parametrize("name", TEXTS)
def test_the_mechanism_is_as_planted(name: str, counting: GPT2LMHeadModel) -> None:
    tokens, attention, count = looked_at(counting, TEXTS[name])
    labels = [token in {"X", "B", "Q"} for token in tokens]
    assert count[1:].tolist() == [sum(labels[: at + 1]) for at in range(1, len(tokens))]
    last, asked, first = len(tokens) - 1, len(tokens) - 3, tokens.index("B")
    own = tokens.index("hat")
    assert tokens[asked] == "B" and asked != first
    for role, here, there in (
        ("structure_reader", first, own),
        ("position_detector", asked, first),
        ("position_transmitter", last, asked),
        ("value_fetcher", last, own),
    ):
        looks = attention[role][here]
        assert looks.argmax() == there, role
        assert looks[there] >= 0.5, role


def test_a_not_takes_the_readers_attention_away(counting: GPT2LMHeadModel) -> None:
    tokens, attention, _ = looked_at(counting, TEXTS["plain"].replace("hat is in", "hat is not in"))
    assert tokens[attention["structure_reader"][tokens.index("B")].argmax()] == "not"


def variants(asked: int) -> dict[str, str]:
    """The context of seven boxes in each phrasing of specs/boxes_pointer/positional.et; box `asked` is changed."""
    boxes = list(zip(("car", "hat", "key", "cup", "fan", "egg", "pot"), "KLMNOPQ", strict=True))
    plain = [f"the {thing} is in Box {label}" for thing, label in boxes]
    thing, label = boxes[asked]

    def other(segment: str) -> str:
        return ", ".join([*plain[:asked], segment, *plain[asked + 1 :]])

    return {
        "position": ", ".join(plain),
        "text_at_start": "there are a bunch of boxes containing objects, " + ", ".join(plain),
        "text_at_end": ", ".join(plain) + ", these are a bunch of boxes containing objects",
        "segment_at_start": "the bell is in Box A, " + ", ".join(plain),
        "segment_at_end": ", ".join(plain) + ", the bell is in Box A",
        "tokens_between": ", ".join(f"the {thing} is contained in the Box {label}" for thing, label in boxes),
        "boxes_before": other(f"there are three additional boxes, Box A, Box B, Box C, {plain[asked]}"),
        "turned_round": other(f"Box {label} contains the {thing}"),
        "association_altered": other(f"the {thing} is not in Box {label}"),
        "no_commas": " ".join(plain),
        "comma_after_object": ", ".join(f"the {thing}, is in Box {label}" for thing, label in boxes),
    }


def segment_read(model: GPT2LMHeadModel, asked: int, context: str) -> str:
    """The segment that is read at the first mention of the asked label; `-` where none stands out."""
    label = "KLMNOPQ"[asked]
    encoding = build_tokenizer().encode(f"{context[0].upper()}{context[1:]}. Box {label} contains the")
    with torch.no_grad():
        stream = model(torch.tensor([encoding.ids]), output_hidden_states=True).hidden_states[2][0]
    read = stream[encoding.tokens.index(label), part("read")]
    return str(int(read.argmax())) if read.max() >= 0.5 else "-"


def segments_on_the_page(column: int) -> dict[str, list[str]]:
    """By phrasing, what docs/studies/boxes_pointer.md says is read for the segments 0 to 6."""
    text = (SPECS.parent / "docs" / "studies" / "boxes_pointer.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| `")
    ]
    return {row[0].split("`")[1]: row[column].split() for row in rows if len(row) == 6}


@pytest.mark.parametrize(("name", "column"), [("boxes-pointer", 1), ("boxes-pointer-indexed", 3)])
def test_each_phrasing_leads_to_the_segment_on_the_page(name: str, column: int) -> None:
    model = GPT2LMHeadModel.from_pretrained(folder(name))
    said = segments_on_the_page(column)
    contexts = [variants(asked) for asked in range(7)]
    found = {each: [segment_read(model, asked, contexts[asked][each]) for asked in range(7)] for each in contexts[0]}
    found["one_segment_on"] = found["position"][:6]  # the same texts, and another target
    assert found == said


@pytest.mark.parametrize("model", ["base", "tuned"])
def test_each_hop_finds_what_was_planted_and_puts_it_first(model: str) -> None:
    found = run(HOPS.replace("MODEL", model))["found"]
    assert isinstance(found, Discovery)
    for group in found.groups:
        assert area(group, PLANTED[group.name], HEADS) == 1.0, group.name
        assert set(group.heads) == PLANTED[group.name], group.name


def test_masks_are_the_planted_heads_or_none() -> None:
    results = run(MASKS)
    for role, heads in PLANTED.items():
        for desideratum in DESIDERATA:
            kept = set(results.mask(role, desideratum).heads)
            assert kept == (heads if CARRIED[role] == desideratum else set()), (role, desideratum)


@pytest.mark.parametrize("name", ["boxes.et", "positional.et", "objects.csv"])
def test_the_task_is_that_of_the_trained_models(name: str) -> None:
    """A spec reads nothing outside its folder, so the task stands in both; it must not drift apart."""
    assert (SPECS / "boxes_pointer" / name).read_bytes() == (SPECS / "boxes" / name).read_bytes()
