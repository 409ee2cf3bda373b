"""Memory that runs out, and numbers that are none: smaller batches and the same numbers, then a clear stop; NaN is said
and never kept.

Memory is faked: a pass over more than so many prompts raises what torch raises on a GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from attack_runs import entrack
from safetensors.torch import load_file, save_file
from weather_specs import EVERYTHING, everything, heads, numbers, run

from entrack.engine import tracing
from entrack.results import Results
from entrack.store import DiskStore


@pytest.fixture(scope="module")
def spec(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return everything(tmp_path_factory.mktemp("every") / "spec", small)


@pytest.fixture(scope="module")
def roomy(spec: Path) -> Results:
    return run(spec, spec.parent / "roomy")[0]


def only(prompts: int, monkeypatch: pytest.MonkeyPatch, counted: list[int], gradient: bool = False) -> None:
    """Room for so many prompts in a pass. Those with a gradient, of which the language says how many go together,
    always fit, or never."""
    forward: Callable[..., Any] = tracing.forward

    def small(model: Any, tokens: torch.Tensor, **options: Any) -> Any:
        if len(tokens) > prompts and (gradient or not options.get("gradient")):
            counted.append(len(tokens))
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return forward(model, tokens, **options)

    monkeypatch.setattr(tracing, "forward", small)


@pytest.mark.parametrize("reference", [False, True], ids=["optimised", "reference"])
@pytest.mark.parametrize("prompts", [1, 2, 5])
def test_fewer_prompts_at_a_time_and_the_same_numbers(
    spec: Path, roomy: Results, tmp_path: Path, prompts: int, reference: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[int] = []
    only(prompts, monkeypatch, refused)
    found, _ = run(spec, tmp_path, reference=reference)
    assert len(refused) > 5
    assert heads(found) == heads(roomy)
    expected = numbers(roomy)
    for place, values in numbers(found).items():
        assert values == pytest.approx(expected[place], abs=1e-5), place


def test_one_prompt_that_does_not_fit(spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(0, monkeypatch, [], gradient=True)
    ended = entrack("run", spec, "--store", tmp_path, "--device", "cpu")
    assert (ended.exit_code, ended.stdout) == (3, ""), ended.output
    assert ended.stderr.startswith("error: out of memory: a forward pass on one prompt of ")
    assert "dtype = bfloat16" in ended.stderr and "--device cpu" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not list(DiskStore(tmp_path).addresses())


def test_what_was_finished_before_is_kept(
    spec: Path, tmp_path: Path, roomy: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory that another program takes in the middle of a run."""
    forward: Callable[..., Any] = tracing.forward
    passes = 0

    def later(*given: Any, **options: Any) -> Any:
        nonlocal passes
        passes += 1
        if passes > 20:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(*given, **options)

    monkeypatch.setattr(tracing, "forward", later)
    assert entrack("run", spec, "--store", tmp_path, "--threads", "1").exit_code == 3
    finished = len(list(DiskStore(tmp_path).addresses()))
    assert finished
    monkeypatch.undo()
    again, _ = run(spec, tmp_path, threads=1)
    assert again.provenance.computed == roomy.provenance.computed - finished
    assert numbers(again) == numbers(roomy)


# --- NaN ---------------------------------------------------------------------------------------------------------

PLACES = {
    "a weight of an attention": ("model.layers.1.self_attn.v_proj.weight", ("layer 1",)),
    "a weight of an MLP": (
        "model.layers.0.mlp.down_proj.weight",
        ("layer 0", "a head output of prompt 0 is not finite: NaN or infinity first at layer 1"),
    ),
    "the last": ("lm_head.weight", ("the last layer's output or the logits",)),
}


def spoil(model: Path, name: str, value: float) -> None:
    weights = load_file(model / "model.safetensors")
    weights[name].view(-1)[7] = value
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("place", PLACES)
def test_a_weight_that_is_no_number(small: Path, tmp_path: Path, place: str, value: float) -> None:
    spec = everything(tmp_path / "spec", small)
    name, where = PLACES[place]
    spoil(spec.parent / "model", name, value)
    ended = entrack("run", spec, "--store", tmp_path / "store")
    assert (ended.exit_code, ended.stdout) == (3, ""), ended.output
    assert ended.stderr.startswith("error: not finite: ")
    assert (
        "of prompt " in ended.stderr and any(words in ended.stderr for words in where) and "in a step " in ended.stderr
    )
    finite_store(tmp_path / "store")


DISCOVER = "discover found in base on 40 boxes against scrambled { score logit of answer "
MEASURED = "measure m = logit of answer (base with {}) on 60 boxes"
CONSTRUCTS = {
    "path patching": DISCOVER + "group fetchers at last -> logits keep 4 }",
    "a screen": DISCOVER.replace("scrambled", "scrambled screen 4") + "group fetchers at last -> logits keep 4 }",
    "a mask": "mask role over written in base for [position] { train 24; validate 8; batch 4; epochs 2 }",
    "nothing": MEASURED.format("nothing"),
    "zero": MEASURED.format("zero movers"),
    "a patch": MEASURED.format("patch movers from scrambled"),
    "a patch of queries": MEASURED.format("patch deeper.query from other"),
    "a patch of values": MEASURED.format("patch deeper.value from other"),
    "a mean": "intervention only(c) = keep c, mean elsewhere over 60 scrambled\n" + MEASURED.format("only(written)"),
    "a block": MEASURED.format("block attention last -> previous in layers 0.."),
}


@pytest.mark.parametrize("construct", CONSTRUCTS)
@pytest.mark.parametrize("reference", [False, True], ids=["optimised", "reference"])
def test_every_kind_of_step_says_it(small: Path, tmp_path: Path, construct: str, reference: bool) -> None:
    """The embedding of one letter is spoilt, which only some of the prompts have."""
    spec = everything(tmp_path / "spec", small)
    spec.write_text(f"{EVERYTHING[: EVERYTHING.index('discover found')]}\n{CONSTRUCTS[construct]}\n")
    for model in (spec.parent / "model", spec.parent / "other"):
        weights = load_file(model / "model.safetensors")
        weights["model.embed_tokens.weight"][token("Z", small)] = float("nan")
        save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    ended = entrack("run", spec, "--store", tmp_path / "store", *(["--reference"] if reference else []))
    assert (ended.exit_code, ended.stdout) == (3, ""), ended.output
    assert "error: not finite: " in ended.stderr and "Traceback" not in ended.stderr, ended.stderr
    finite_store(tmp_path / "store")


def token(word: str, model: Path) -> int:
    from entrack.prompts.tokenizer import Tokenizer

    return Tokenizer(model / "tokenizer.json").encode(word).ids[-1]


def finite_store(folder: Path) -> None:
    """No value that was kept has a number that is none."""
    if not folder.exists():
        return
    with DiskStore(folder) as store:
        for address in store.addresses():
            values = store.load(address) or {}
            assert all(torch.as_tensor(value).isfinite().all() for value in values.values()), address
