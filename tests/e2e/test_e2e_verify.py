"""`entrack verify`: a sample of what is stored is computed again and held against it; nothing in the store changes,
and a mismatch is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attrs import evolve
from e2e_world import World, entrack
from typer.testing import Result

from entrack.engine.engine import Computed, Engine
from entrack.model_config import ModelFacts
from entrack.models.key import ModelKey
from entrack.plan.steps import Batch, Capture, Evaluate, MaskBatch, PathPatch, Ref, TrainMask
from entrack.sites import Site
from entrack.store import DiskStore, Tensors
from entrack.verification.compare import FAR, NEAR, difference

TEXT = """entrack 1
include "tasks.et"
model base = local("base")
group g in base at last = 0.1
discover cir in base on 12 boxes against scrambled { score logit of answer group first at last -> logits keep 3 }
intervention only(c) = keep c, mean elsewhere over 10 scrambled
measure p = probability of answer (base with [nothing, patch g from scrambled, only(cir)]) on 12 boxes
"""


@pytest.fixture(scope="module")
def spec(world: World) -> Path:
    path = world.folder / "verified.et"
    path.write_text(TEXT)
    return path


@pytest.fixture(scope="module")
def filled(spec: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("filled")
    result = entrack("run", spec, "--store", store)
    assert result.exit_code == 0, result.stderr
    return store


@pytest.fixture
def store(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "store"))


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")


def verified(spec: Path, store: Path, *more: object) -> tuple[Result, dict[str, Any]]:
    result = entrack("verify", spec, "--json", "--store", store, *more)
    assert result.stdout, result.stderr
    found: dict[str, Any] = json.loads(result.stdout, parse_constant=pytest.fail)
    return result, found


def files_of(store: Path) -> dict[str, bytes]:
    """What was made, as it is: the index may be opened, and locks touched."""
    return {
        str(path.relative_to(store)): path.read_bytes()
        for kind in ("objects", "actions")
        for path in (store / kind).rglob("*")
        if path.is_file()
    }


def remade(folder: Path, what: str, change: Callable[[Tensors], Tensors], **how: Any) -> str:
    """The one entry of a purpose again, with another value; its address."""
    with DiskStore(folder) as opened:
        actions = [
            action
            for address in opened.addresses()
            if (action := opened.find(address)) is not None and action.how["what"] == what
        ]
        value = opened.load(actions[0])
        assert value is not None
        opened.put(
            actions[0].address, change({name: array.copy() for name, array in value.items()}), {**actions[0].how, **how}
        )
        return actions[0].address


def moved(name: str, by: float) -> Callable[[Tensors], Tensors]:
    def change(value: Tensors) -> Tensors:
        value[name].reshape(-1)[3] += by
        return value

    return change


# --- what holds --------------------------------------------------------------------------------------------------


def test_all_is_the_same_bytes(spec: Path, store: Path) -> None:
    before = files_of(store)
    result, found = verified(spec, store, "--all")
    assert result.exit_code == 0, result.stderr
    assert found["verdicts"] == {"identical": found["compared"]}
    assert found["compared"] == found["sampled"] == sum(found["stored"].values()) == len(before) // 2
    assert set(found["stored"]) == {
        "an evaluation",
        "activations of a clean run",
        "path patching, one layer",
        "sums for a mean",
    }
    assert files_of(store) == before, "nothing is written"


def test_the_reference_is_near(spec: Path, store: Path) -> None:
    before = files_of(store)
    result, found = verified(spec, store, "--all", "--reference")
    assert result.exit_code == 0, result.stderr
    assert set(found["verdicts"]) <= {"identical", "within"} and found["verdicts"]["within"] > 0
    assert {one["again"].split("executor ")[1] for one in found["steps"]} == {"reference"}
    assert all(one["apart"]["probability"] <= 1e-4 for one in found["steps"])
    assert files_of(store) == before


def test_a_sample_follows_from_its_seed(spec: Path, store: Path) -> None:
    def drawn(*more: object) -> list[str]:
        return [one["address"] for one in verified(spec, store, *more)[1]["steps"]]

    assert len(drawn()) == 4, "5 % of them, and at least one of each kind"
    assert drawn("--sample", 3) == drawn("--sample", 3)
    assert len(drawn("--sample", 3)) == 3
    assert len(drawn("--sample", 1000)) == len(drawn("--sample", "100%")) == len(drawn("--all"))
    assert len({tuple(drawn("--sample", 3, "--seed", seed)) for seed in range(6)}) > 1


def test_the_table(spec: Path, store: Path) -> None:
    shown = entrack("verify", spec, "--all", "--store", store).stdout
    for words in (
        "stored steps computed again (seed 0)",
        "path patching, one layer",
        "4 of 4",
        "made and computed again with torch",
        "tolerance (float32",
    ):
        assert words in shown


# --- what does not -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "by", "verdict", "words"),
    [
        ("logit", 1e-6, "within", ""),
        ("log_probability", 1e-6, "within", ""),
        ("logit", 0.1, "mismatch", "logits differ by up to 0.1"),
        ("log_probability", 3.0, "mismatch", "probabilities differ"),
    ],
)
def test_an_evaluation_that_was_changed(
    spec: Path, store: Path, name: str, by: float, verdict: str, words: str
) -> None:
    address = remade(store, "p: base with only(cir)", moved(name, by))
    before = files_of(store)
    result, found = verified(spec, store, "--all")
    (one,) = [one for one in found["steps"] if one["verdict"] != "identical"]
    assert (one["address"], one["verdict"]) == (address, verdict)
    assert words in one["apart"]["why"]
    assert result.exit_code == (1 if verdict == "mismatch" else 0)
    assert files_of(store) == before, "the store's value stays"
    shown = entrack("verify", spec, "--all", "--store", store).stdout
    assert (f"mismatch: entry {address[:12]}, p: base with only(cir): {words}" in shown) == (verdict == "mismatch")
    assert ("1 of them are not the same bytes" in shown) == (verdict == "within")


@pytest.mark.parametrize("what", ["p: base with only(cir)", "cir.first: path patching"])
def test_another_argmax(spec: Path, store: Path, what: str) -> None:
    """By how much it leads is asked of the model, for prompts and for heads."""

    def change(value: Tensors) -> Tensors:
        value["top"].reshape(-1)[[1, 2]] += 1
        return value

    address = remade(store, what, change)
    result, found = verified(spec, store, "--all")
    (one,) = [one for one in found["steps"] if one["verdict"] != "identical"]
    assert (one["address"], one["verdict"], one["apart"]["flips"]) == (address, "mismatch", 2)
    assert one["apart"]["margin"] > 1e-3 and "another token" in one["apart"]["why"]
    assert one["apart"]["logit"] == 0
    assert result.exit_code == 1


def test_a_damaged_entry_is_lost(spec: Path, store: Path) -> None:
    with DiskStore(store) as opened:
        action = next(
            action
            for address in opened.addresses()
            if (action := opened.find(address)) and action.how["what"] == "p: base with only(cir)"
        )
    path = store / "objects" / action.object[:2] / action.object
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-3])
    result, found = verified(spec, store, "--all")
    assert (result.exit_code, found["verdicts"]["lost"]) == (1, 1)
    assert "damage" in result.stderr
    assert path.exists() and not (store / "quarantine").exists(), "whoever only looks puts nothing aside"


def test_another_stack_is_said_and_has_another_tolerance(spec: Path, store: Path) -> None:
    remade(store, "p: base with only(cir)", moved("log_probability", 3e-3), torch="1.0.0", threads=64)
    found = verified(spec, store, "--all")[1]
    (one,) = [one for one in found["steps"] if one["verdict"] != "identical"]
    assert (one["verdict"], one["tolerance"]["probability"]) == ("within", FAR.probability)
    shown = entrack("verify", spec, "--all", "--store", store).stdout
    assert "1 made with torch 1.0.0" in shown and "threads 64" in shown and "another version" in shown
    assert verified(spec, store, "--all", "--accept", "same-stack")[1]["verdicts"] == {
        "identical": found["compared"] - 1
    }, "not looked at"


def test_interrupted(spec: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, real, count = files_of(store), Engine.compute, [0]

    def compute(engine: Engine, *given: Any) -> Computed:
        count[0] += 1
        if count[0] == 3:
            raise KeyboardInterrupt
        return real(engine, *given)

    monkeypatch.setattr(Engine, "compute", compute)
    result, found = verified(spec, store, "--all")
    assert (result.exit_code, found["compared"]) == (130, 2)
    assert found["sampled"] > 2
    count[0] = 0
    shown = entrack("verify", spec, "--all", "--store", store)
    assert shown.exit_code == 130
    assert "2 of" in shown.stdout and "interrupted" in shown.stdout
    assert files_of(store) == before


def test_nothing_to_verify(spec: Path, tmp_path: Path) -> None:
    result, found = verified(spec, tmp_path / "none")
    assert (result.exit_code, found["compared"]) == (1, 0)
    assert "run it first" in result.stderr
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("sample", ["0", "-1", "0%", "101%", "many", "2.5", "nan%", "inf%"])
def test_a_wrong_sample(spec: Path, store: Path, sample: str) -> None:
    result = entrack("verify", spec, "--store", store, f"--sample={sample}")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--sample" in result.stderr and "Traceback" not in result.stderr


def test_a_store_that_is_only_read(spec: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from entrack.store import fs

    monkeypatch.setattr(fs, "writable", lambda _: False)
    assert verified(spec, store)[0].exit_code == 0


# --- each kind of value ------------------------------------------------------------------------------------------

MODEL = ModelKey("w", "c", "t", ModelFacts("llama", 4, 8, 8, 64, 8, 256, 300))
BATCH = Batch(((1, 2), (3, 4)))
EVALUATE = Evaluate(MODEL, BATCH, (), ((7,), (8,)))
PATCH = PathPatch(MODEL, BATCH, ((7,), (8,)), (1, 1), 1, Ref("a" * 64), ())
PAIR = MaskBatch(BATCH, BATCH, (1, 1), (1, 1), (7, 8))
MASK = TrainMask(MODEL, (Site.of_head(0, 0), Site.of_head(0, 1)), (PAIR,), (PAIR,), 0.01, 1, 0.1)


def never(_: object) -> Tensors:
    raise AssertionError("nothing flipped")


def mask(*values: float) -> Tensors:
    return {
        "mask": np.array(values, np.float32),
        "steps": np.array(4),
        "loss": np.zeros(4, np.float32),
        "validation": np.zeros(1, np.float32),
    }


def test_a_mask_is_the_heads_that_it_patches() -> None:
    assert difference(MASK, mask(0.1, 0.9), mask(0.1, 0.9), NEAR, never).identical
    near = difference(MASK, mask(0.1, 0.9), mask(0.3, 0.8), NEAR, never)
    assert (near.identical, near.why) == (False, "") and near.value == pytest.approx(0.2)
    assert difference(MASK, mask(0.1, 0.9), mask(0.1, 0.2), NEAR, never).why == "the mask patches other heads"


def test_numbers_are_compared_by_their_size() -> None:
    step = Capture(MODEL, BATCH, (1, 1))
    large, small = {"z": np.array([1000.0, 1.0], np.float32)}, {"z": np.array([1000.05, 1.0], np.float32)}
    assert difference(step, large, small, NEAR, never).why == ""
    assert difference(step, {"z": np.array([0.0], np.float32)}, {"z": np.array([2e-4], np.float32)}, NEAR, never).why
    assert (
        difference(step, {"z": np.array([0.0], np.float32)}, {"z": np.array([2e-4], np.float32)}, FAR, never).why == ""
    )


def outcomes(*shape: int, top: int = 5) -> Tensors:
    return {
        "top": np.full(shape, top),
        "logit": np.zeros((*shape, 1), np.float32),
        "log_probability": np.full((*shape, 1), -np.inf, np.float32),
    }


@pytest.mark.parametrize(("step", "shape"), [(EVALUATE, (2,)), (PATCH, (8, 2))])
@pytest.mark.parametrize(
    ("lead", "tolerance", "fine"), [(5e-4, NEAR, True), (2e-3, NEAR, False), (2e-3, FAR, True), (0.2, FAR, False)]
)
def test_the_lead_of_an_argmax(
    step: Evaluate | PathPatch, shape: tuple[int, ...], lead: float, tolerance: Any, fine: bool
) -> None:
    """The logits of both tokens are asked for, prompt by prompt, for every head; only what flipped leads."""
    stored, again = outcomes(*shape), outcomes(*shape)
    again["top"][..., 1] = 6

    def rerun(asked: Any) -> Tensors:
        assert [set(prompt) for prompt in asked] == [{5}, {5, 6}]
        assert evolve(step, asked=asked).asked == asked
        logit = np.array([[1.0 + lead * (token == 6) for token in prompt] for prompt in asked], np.float32)
        return {"logit": np.broadcast_to(logit, (*shape[:-1], *logit.shape))}

    found = difference(step, stored, again, tolerance, rerun)
    assert found.flips == again["top"].size // 2
    assert found.margin == pytest.approx(lead, rel=1e-3)
    assert (found.why == "") == fine


def test_entropy_and_divergence_are_compared_and_ranks_follow_from_logits() -> None:
    stored = {**outcomes(2), "entropy": np.ones(2, np.float32), "rank": np.ones((2, 1), np.int64)}
    for name, change, fine in (("entropy", 5e-5, True), ("entropy", 1e-2, False), ("rank", 1, True)):
        again = {**stored, name: stored[name] + np.array(change, stored[name].dtype)}
        assert (difference(EVALUATE, stored, again, NEAR, never).why == "") == fine, name
