"""Which stored values a run takes: by the stack recorded beside them. What is not taken stays, and what is taken
says where it is from."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from e2e_world import World, entrack
from typer.testing import Result

from entrack.execution import environment
from entrack.execution.environment import Environment, described
from entrack.execution.reuse_policy import ReusePolicy
from entrack.model_config import ModelFacts
from entrack.store import DiskStore, fs

NARROW = ModelFacts("llama", 4, 8, 8, 64, 8, 256, 300)
WIDE = ModelFacts("llama", 30, 9, 3, 576, 64, 1536, 300)
TEXT = (
    "group g in base at last = 0.1\nmeasure p = probability of answer (base with [nothing, patch g "
    "from scrambled]) on 12 boxes"
)


def patched(package: str) -> str:
    """The same major and minor version with another patch."""
    return ".".join(environment.versions()[package].split(".")[:2]) + ".99"


HERE = dict(environment.versions())
CHANGES: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({}, ("exact", "same-stack", "any")),
    ({"threads": 7}, ("same-stack", "any")),
    ({"torch": patched("torch")}, ("same-stack", "any")),
    ({"nnsight": patched("nnsight")}, ("same-stack", "any")),
    ({"torch": "2.12.0"}, ("any",)),
    ({"transformers": "4.50.0"}, ("any",)),
    ({"device": "NVIDIA H100 80GB HBM3"}, ("any",)),
]


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No GPU, whatever is here."""
    monkeypatch.setattr(environment, "_gpu", lambda: False)
    yield


@pytest.fixture
def spec(world: World) -> Path:
    path = world.folder / "accepted.et"
    path.write_text(f'entrack 1\ninclude "tasks.et"\nmodel base = local("base")\n{TEXT}\n')
    return path


@pytest.fixture
def store(tmp_path: Path, spec: Path) -> Path:
    """What a run of the spec left."""
    assert entrack("run", spec, "--store", tmp_path / "store").exit_code == 0
    return tmp_path / "store"


def remade(folder: Path, how: Mapping[str, Any]) -> None:
    """Every entry again, as if it had been made otherwise."""
    with DiskStore(folder) as opened:
        for address in list(opened.addresses()):
            action, value = opened.find(address), opened.load(address)
            assert action is not None and value is not None
            opened.put(address, value, {**action.how, **how})


def provenance(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)["provenance"]
    return found


@pytest.mark.parametrize(("how", "takers"), CHANGES)
@pytest.mark.parametrize("accept", ["exact", "same-stack", "any"])
def test_what_is_taken(spec: Path, store: Path, how: dict[str, Any], takers: tuple[str, ...], accept: str) -> None:
    remade(store, how)
    planned = json.loads(entrack("plan", spec, "--json", "--store", store, "--accept", accept).stdout)["total"]
    taken = accept in takers
    assert (planned["stored"], planned["declined"]) == ((3, 0) if taken else (0, 2)), "a patch waits for its capture"
    result = entrack("run", spec, "--json", "--store", store, "--accept", accept)
    assert provenance(result)["computed"] == (0 if taken else 3)
    assert ("computed again" in result.stderr) == (not taken)
    assert provenance(result)["accept"] == accept


def test_the_default_is_the_same_stack(spec: Path, store: Path) -> None:
    remade(store, {"torch": "2.12.0"})
    result = entrack("run", spec, "--json", "--store", store)
    assert provenance(result)["accept"] == "same-stack"
    assert provenance(result)["computed"] == 3
    for words in ("2 stored values", "torch 2.12", f"torch {patched('torch')[:-3]}", "--accept any"):
        assert words in result.stderr


def test_a_store_that_cannot_be_written_is_taken_as_it_is(
    spec: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remade(store, {"torch": "2.12.0", "machine": "afar"})
    monkeypatch.setattr(fs, "writable", lambda _: False)
    result = entrack("run", spec, "--json", "--store", store)
    assert provenance(result)["computed"] == 0
    assert provenance(result)["accept"] == "any"
    (reused,) = provenance(result)["reused"]
    assert (reused["steps"], reused["machine"], reused["torch"]) == (3, "another", "2.12.0")


def test_both_values_stand_and_neither_run_undoes_the_other(spec: Path, store: Path) -> None:
    """A second machine computes its own; the first one's are there as before, and each finds its own ever after."""
    remade(store, {"torch": "2.12.0"})
    with DiskStore(store) as opened:
        before = {address: opened.find(address) for address in opened.addresses()}
    assert provenance(entrack("run", spec, "--json", "--store", store))["computed"] == 3
    with DiskStore(store) as opened:
        after = {address: opened.find(address) for address in opened.addresses()}
    assert {address: after[address] for address in before} == before
    assert len(after) == 6
    for address in after.keys() - before.keys():
        beside = after[address]
        assert beside is not None
        assert beside.how["beside"] in before
    again = entrack("run", spec, "--json", "--store", store)
    assert provenance(again)["computed"] == 0
    assert again.stderr == ""
    assert provenance(again)["reused"] == [], "they are this machine's own"
    old = provenance(entrack("run", spec, "--json", "--store", store, "--accept", "any"))
    assert (old["computed"], old["reused"][0]["torch"]) == (0, "2.12.0")


def test_cells_have_one_address_whatever_the_stack(spec: Path, store: Path) -> None:
    def addresses(result: Result) -> list[str]:
        return [cell["address"] for cell in json.loads(result.stdout)["measures"][0]["cells"]]

    first = addresses(entrack("run", spec, "--json", "--store", store))
    remade(store, {"torch": "2.12.0"})
    assert addresses(entrack("run", spec, "--json", "--store", store)) == first


def test_garbage_collection_keeps_both(spec: Path, store: Path) -> None:
    remade(store, {"torch": "2.12.0"})
    assert entrack("run", spec, "--store", store).exit_code == 0
    assert "removed 0 entries" in entrack("cache", "gc", "--store", store, "--keep-spec", spec).stderr


def test_where_numbers_came_from_is_shown(spec: Path, store: Path) -> None:
    assert "reused" not in entrack("run", spec, "--store", store).stdout, "this machine, this stack"
    remade(store, {"machine": "afar"})
    assert [entry["machine"] for entry in provenance(entrack("run", spec, "--json", "--store", store))["reused"]] == [
        "another"
    ]
    remade(store, {"torch": "2.12.0", "made": "2026-01-02T03:04:05Z", "machine": "afar"})
    shown = entrack("run", spec, "--store", store, "--accept", "any").stdout
    rest = f"transformers {HERE['transformers']}, nnsight {HERE['nnsight']}, device cpu, threads 1"
    assert f"reused: 3 values computed 2026-01-02 on another machine with torch 2.12.0, {rest}" in shown


def test_an_entry_without_a_note_is_not_taken(spec: Path, store: Path) -> None:
    """Nothing is known of its stack: it is only taken where that does not matter."""
    with DiskStore(store) as opened:
        for address in list(opened.addresses()):
            value = opened.load(address)
            assert value is not None
            opened.put(address, value, {})
    assert provenance(entrack("run", spec, "--json", "--store", store, "--accept", "any"))["computed"] == 0
    assert provenance(entrack("run", spec, "--json", "--store", store))["computed"] == 3


def test_a_wrong_policy(spec: Path, store: Path) -> None:
    result = entrack("run", spec, "--store", store, "--accept", "most")
    assert result.exit_code == 2
    assert "same-stack" in result.stderr


# --- the stack, without torch ------------------------------------------------------------------------------------


def test_this_stack_is_what_the_engine_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    from entrack.engine.engine import Engine

    kernel: Any = len
    how = Engine({}, device="cpu")._how(kernel, 1, 0.0, 0.0)
    for accept in ReusePolicy:
        assert described(how, accept) == Environment("cpu", 1).told(WIDE, accept)


H200, H100 = "NVIDIA H200", "NVIDIA H100 80GB HBM3"


@pytest.mark.parametrize(
    ("asked", "gpu", "names", "visible", "device"),
    [
        (None, False, {H200}, "", "cpu"),
        (None, True, {H200}, "0,1", H200),
        ("cuda:1", True, {H200}, "", H200),
        ("cuda:1", True, {H200, H100}, "", "what torch says of cuda:1"),
        (None, True, set(), "", "what torch says of None"),
        ("cuda", True, {H200}, "MIG-5c89852c", "what torch says of cuda"),
        ("cpu", True, {H200}, "", "cpu"),
        ("mps", False, set(), "", "mps"),
    ],
)
def test_the_device(
    monkeypatch: pytest.MonkeyPatch, asked: str | None, gpu: bool, names: set[str], visible: str, device: str
) -> None:
    from entrack.engine import settings

    monkeypatch.setattr(environment, "_gpu", lambda: gpu)
    monkeypatch.setattr(environment, "_gpu_names", lambda: frozenset(names))
    monkeypatch.setattr(settings, "own_device", lambda asked: f"what torch says of {asked}")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert Environment(asked).told(NARROW, ReusePolicy.SAME_STACK)["device"] == device


def test_a_gpu_that_torch_cannot_use_has_the_name_of_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_gpu_names", frozenset)
    assert Environment("cuda:7").told(NARROW, ReusePolicy.SAME_STACK)["device"] == "cuda"


def test_the_driver_says_what_gpus_are_called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for place in ("0000:19:00.0", "0000:3b:00.0"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "information").write_text(f"Model: \t\t {H200}\nIRQ:   \t\t 18\nGPU UUID: \t GPU-1\n")
    monkeypatch.setattr(environment, "GPU_MODELS", f"{tmp_path}/*/information")
    assert environment._gpu_names.__wrapped__() == {H200}


def test_another_gpu_is_another_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = ({**HERE, "device": name} for name in (H200, H100))
    assert described(one, ReusePolicy.SAME_STACK) != described(other, ReusePolicy.SAME_STACK)
    assert described(one, ReusePolicy.ANY) == described(other, ReusePolicy.ANY)


@pytest.mark.parametrize(
    ("torch", "visible", "there", "found"),
    [
        ("2.13.0", None, True, True),
        ("2.13.0+cpu", None, True, False),
        ("2.13.0", "", True, False),
        ("2.13.0", "-1", True, False),
        ("2.13.0", None, False, False),
    ],
)
def test_signs_of_a_gpu(
    monkeypatch: pytest.MonkeyPatch, torch: str, visible: str | None, there: bool, found: bool
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(environment, "versions", lambda: {"torch": torch})
    monkeypatch.setattr(environment, "glob", lambda pattern: [pattern] if there else [])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert environment._gpu.__wrapped__() is found


@pytest.mark.parametrize("accept", ["exact", "same-stack", "any"])
def test_a_warm_run_loads_no_torch(world: World, tmp_path: Path, accept: str) -> None:
    world.spec(TEXT).run(tmp_path)
    code = (
        "import sys, entrack\n"
        "from entrack.source import Source\n"
        f"spec = entrack.loads(Source({str(world.folder / 'other.et')!r}, '''entrack 1\\ninclude "
        f'"tasks.et"\\nmodel base = local("base")\\n{TEXT}\'\'\'))\n'
        f"results = spec.run({str(tmp_path)!r}, accept={accept!r})\n"
        "assert results.provenance.computed == 0, results.provenance.computed\n"
        "assert not {'torch', 'transformers', 'nnsight'} & set(sys.modules)\n"
    )
    again = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=200)
    assert again.returncode == 0, again.stderr


def test_exact_asks_torch_where_only_torch_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    from entrack.engine import settings

    monkeypatch.setattr(settings, "own_threads", lambda: 11)
    assert Environment("cpu").told(WIDE, ReusePolicy.EXACT)["threads"] == 11
    assert Environment("cpu", 3).told(WIDE, ReusePolicy.EXACT)["threads"] == 3
    assert Environment("cpu").told(NARROW, ReusePolicy.EXACT)["threads"] == 1
