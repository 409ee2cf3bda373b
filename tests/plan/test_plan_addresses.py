"""What a step's address follows from: content, and nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from plan_worlds import SPEC, Made, made, make_model, weights

from entrack.api import loads
from entrack.plan.executor_kind import ExecutorKind
from entrack.source import Source

FIRST = ("clean runs", "alternates at last", "cir.first", "plain", "zero written", "patched", "mean over")
"""What does not depend on heads that a run chooses."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plan")
    make_model(folder / "model")
    make_model(folder / "model" / "other", rms_norm_eps=1e-5)
    return folder


@pytest.fixture(scope="module")
def before(folder: Path) -> Made:
    return made(folder)


def changed(old: str, new: str) -> str:
    assert old in SPEC, old
    return SPEC.replace(old, new)


def test_every_step_has_its_own(before: Made) -> None:
    everything = [found for many in before.by_what.values() for found in many]
    assert len(everything) == len(set(everything)) > 10


@pytest.mark.parametrize(
    "text",
    [
        SPEC.replace("\n", "  # a comment\n"),
        SPEC.replace(" = ", "=").replace("\n\n", "\n"),
        SPEC.replace("\n", "\n\n\n").replace("{\n", "{ "),
        changed('title "A title"', 'title "Another" cite "x"'),
        SPEC.replace("plain", "renamed"),
        SPEC.replace("cir", "circuit_1"),
        SPEC.replace("first", "early").replace("second", "late"),
        SPEC.replace("written", "by_hand"),
        SPEC.replace("boxes", "containers"),
        SPEC.replace("scrambled", "mixed"),
        SPEC.replace("context", "story").replace("question", "request"),
        SPEC.replace("query", "place"),
        SPEC.replace("base", "llama"),
        SPEC.replace("only(c) = keep c", "just(k) = keep k").replace("only", "just"),
        SPEC.replace(" n ", " 6 ").replace("param 6 =", "param n ="),
        SPEC.replace("= 0.1 1.2", "= 1.2 0.1"),
        changed("relative probability of answer", "probability of answer"),
    ],
    ids=[
        "comments",
        "layout",
        "lines",
        "title",
        "a measure",
        "a discovery",
        "groups",
        "a group",
        "a task",
        "an alternate",
        "texts",
        "a position",
        "a model",
        "an intervention",
        "params",
        "the order of heads",
        "the score, up to the choice",
    ],
)
def test_unchanged(folder: Path, before: Made, text: str) -> None:
    after = made(folder, text)
    if "\n  score probability" in text:  # other heads may be chosen: what is run before is the same
        assert {*before.of(*FIRST)} == {*after.of(*FIRST)}
    else:
        assert after.all == before.all


def test_unchanged_by_the_order_of_declarations(folder: Path, before: Made) -> None:
    head, *items = SPEC.split("\n\n")
    measures = items[-1].strip().splitlines()
    assert made(folder, "\n\n".join([head, *reversed(items[:-1]), *reversed(measures)])).all == before.all


def test_unchanged_by_the_place_of_the_files(folder: Path, before: Made, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "elsewhere")
    config = tmp_path / "elsewhere" / "model" / "config.json"
    config.write_text(
        json.dumps(json.loads(config.read_text()) | {"_name_or_path": "/x", "transformers_version": "9"}, indent=3)
    )
    assert made(tmp_path / "elsewhere").all == before.all


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seed 1", "seed 2"),
        ('local("model")', 'local("model", dtype = bfloat16)'),
        ('local("model")', 'local("model", attention = eager)'),
        ('local("model")', 'local("model/other")'),
        ('local("model")', 'local("model") + lora("adapter")'),
        ("contains the", "contains one"),
        ("3 distinct from A..Z", "3 distinct from A..Y"),
        ("answer   = object[asked]", "answer   = object[0]"),
    ],
    ids=["seed", "dtype", "attention", "config", "adapter", "text", "pool", "answer"],
)
def test_changes_everything(folder: Path, before: Made, old: str, new: str) -> None:
    adapter = folder / "adapter"
    adapter.mkdir(exist_ok=True)
    (adapter / "adapter_config.json").write_text("{}")
    (adapter / "adapter_model.safetensors").write_bytes(weights("adapter"))
    after = made(folder, changed(old, new))
    same = before.all & after.all
    assert not same if old != "answer   = object[asked]" else same == before.of("alternates at", "mean over"), (
        "captures ask for no answer"
    )


@pytest.mark.parametrize(("file", "content"), [("model.safetensors", weights("weightz")), ("tokenizer.json", None)])
def test_changes_everything_with_the_files(
    folder: Path, before: Made, tmp_path: Path, file: str, content: bytes | None
) -> None:
    shutil.copytree(folder / "model", tmp_path / "model")
    path = tmp_path / "model" / file
    path.write_bytes(content if content is not None else path.read_bytes() + b"\n")
    assert not before.all & made(tmp_path).all


def test_an_adapter_counts_by_its_bytes(folder: Path) -> None:
    text = changed('local("model")', 'local("model") + lora("adapter_2")')
    (folder / "adapter_2").mkdir()
    (folder / "adapter_2" / "adapter_config.json").write_text("{}")
    found = []
    for content in (weights("one"), weights("two")):
        (folder / "adapter_2" / "adapter_model.safetensors").write_bytes(content)
        found.append(made(folder, text))
    assert not found[0].all & found[1].all


def test_the_number_of_prompts(folder: Path, before: Made) -> None:
    after = made(folder, n=7)
    assert before.all & after.all == before.of("mean over"), "a mean has a number of its own"


def test_a_position(folder: Path, before: Made) -> None:
    """`query` one token on: what stands there changes, and what follows from it."""
    after = made(folder, changed("question.label", "question.label + 1"))
    assert before.all & after.all == before.of("clean runs", "alternates at last", "cir.first", "plain", "mean over")


def test_the_heads_of_an_edit(folder: Path, before: Made) -> None:
    after = made(folder, changed("= 0.1 1.2", "= 0.1 1.3"))
    gone = before.all - after.all
    assert before.of("zero written", "patch written") < gone
    assert len(gone) == len(before.of("zero written", "patch written")) + 1, "and what is captured of these heads"


def test_what_is_kept_counts_downstream_only(folder: Path, before: Made) -> None:
    after = made(folder, changed("logits      keep 3", "logits      keep 2"))
    assert before.of(*FIRST) <= after.all
    assert not before.of("cir.second", "only(cir)", "cir.second") & after.all
    last = made(folder, changed("first.value keep 2", "first.value keep 1"))
    assert before.all - last.all == before.of("only(cir)", "zero cir.second")


def spec_address(text: str, **params: float) -> str:
    return loads(Source("spec.et", text), **params).address


def test_a_spec_has_an_address_too() -> None:
    """Of what it says: not of comments or layout, and not of the values that its params would have had."""
    said = spec_address(SPEC)
    assert spec_address(SPEC.replace("\n", "  # a comment\n")) == said
    assert spec_address(SPEC.replace("\n", "\n\n").replace(" = ", "=")) == said
    assert spec_address(SPEC, n=6) == said
    others = [
        spec_address(changed(old, new))
        for old, new in (("seed 1", "seed 2"), ("A title", "B title"), ("A..Z", "A..Y"), ("keep 3", "keep 2"))
    ]
    assert len({said, spec_address(SPEC, n=7), *others}) == 6


def test_the_reference_is_kept_apart(folder: Path, before: Made) -> None:
    assert not before.all & made(folder, executor=ExecutorKind.REFERENCE).all
