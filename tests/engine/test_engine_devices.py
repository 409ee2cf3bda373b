"""A model over several devices: every kind of step gives the bits that it gives on one, and nothing meets what is on
another device. The devices are fakes (`fake_devices.py`): no GPU is needed, and none has been tried."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from attrs import evolve
from engine_models import ALTERNATES, MODELS, PROMPTS, Saved, save
from fake_devices import OnDevice, fake, fake_devices
from test_engine_half import CASES, HEADS, Case, edited

from entrack.cli.plan_places import places_of, places_text
from entrack.compile import Models
from entrack.engine import engine as engine_file
from entrack.engine import settings
from entrack.engine.engine import Engine
from entrack.engine.errors import DeviceMissing, OutOfMemory
from entrack.engine.settings import chosen_devices
from entrack.models.key import ModelSource
from entrack.numbers import Numbers
from entrack.plan.placement import SPARE, weights_of
from entrack.plan.schedule import Memory
from entrack.plan.steps import Add, At, Capture, FromVector, Given, Ref, Term
from entrack.sites import Part, Site

MEMORY = Memory.of(1 << 24)
WAYS = [
    ("llama, grouped, tied", "optimised", (0, 1, 1, 2)),
    ("gemma3, grouped, windows", "reference", (0, 1, 1)),
    ("gpt_neo, local", "optimised", (1, 1, 0)),
]
"""Models, and on which device each layer stands; one has a mask of its own in each layer, one masks for windows."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


def saved(folder: Path, name: str) -> Saved:
    return save(MODELS[name](), folder / name, name)


def engine_over(
    many: int, saved: Saved, executor: str, monkeypatch: pytest.MonkeyPatch, places: tuple[int, ...] | None = None
) -> Engine:
    """An engine of fake devices, with all layers where they are wanted, or where they are placed."""
    monkeypatch.setattr(engine_file, "chosen_devices", lambda *_: tuple(fake(number) for number in range(many)))
    if places is not None:
        monkeypatch.setattr(engine_file, "placed", lambda *_: places)
    return saved.engine(executor, memory=MEMORY, gpus_per_worker=many)


def computed(engine: Engine, case: Case) -> dict[str, np.ndarray]:
    inputs = {name: engine.compute(step, {}).tensors for name, step in case.needs.items()}
    return engine.compute(case.step, inputs).tensors


@pytest.mark.parametrize(("name", "executor", "places"), WAYS, ids=[name for name, *_ in WAYS])
def test_several_devices_give_the_bits_of_one(
    folder: Path, name: str, executor: str, places: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = saved(folder, name)
    single = model.engine(executor, memory=MEMORY)
    with fake_devices() as devices:
        several = engine_over(3, model, executor, monkeypatch, places)
        for kind, make in CASES.items():
            if kind == "direct attribution" and model.key.facts.layout.norms_what_is_added:
                continue
            found, expected = computed(several, make(model.key)), computed(single, make(model.key))
            for array, value in expected.items():
                if kind == "direct attribution":  # the fakes take a product of a vector apart otherwise
                    np.testing.assert_allclose(found[array], value, rtol=1e-5, atol=1e-6)
                else:
                    assert found[array].tobytes() == value.tobytes(), (kind, array)
    assert devices == {fake(place) for place in {0, *places}}


def stays(self: Any, *_: Any) -> Any:
    """What ought to go to another device, and does not."""
    return self


def as_it_is(value: Any, device: torch.device) -> Any:
    return value


@pytest.mark.parametrize(
    ("name", "instead"),
    [("entrack.engine.writes.Write.to", stays), ("entrack.engine.place.brought", as_it_is)],
    ids=["a write", "a residual stream"],
)
def test_a_value_that_is_left_behind_is_noticed(
    folder: Path, name: str, instead: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fakes refuse what a GPU would."""
    model = saved(folder, "llama, grouped, tied")
    monkeypatch.setattr(name, instead)
    with fake_devices():
        several = engine_over(2, model, "optimised", monkeypatch, (1, 1, 0, 0))
        with pytest.raises(RuntimeError, match="expected all tensors to be on the same device"):
            computed(several, CASES["patched"](model.key))


def test_layers_stand_where_there_is_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = saved(folder, "llama, grouped, tied")
    weights = weights_of(model.key.facts, "float32")
    room = int(SPARE * (weights.at_home + 1.5 * weights.a_layer)) + MEMORY.budget
    monkeypatch.setattr(engine_file, "device_memory", lambda device: room if device == fake(0) else room // 2)
    single = model.engine("optimised", memory=MEMORY)
    with fake_devices():
        several = engine_over(2, model, "optimised", monkeypatch)
        case = CASES["clean"](model.key)
        found = computed(several, case)
        (loaded,) = several._loaded.values()
        assert loaded.places == (fake(0), *[fake(1)] * 3)
        weight = loaded.module.get_submodule("model.layers.3.mlp.down_proj").weight
        assert isinstance(weight, OnDevice) and weight.device == fake(1)
        assert loaded.module.get_submodule("lm_head").weight.device == fake(0)
    assert all(found[array].tobytes() == value.tobytes() for array, value in computed(single, case).items())


@pytest.mark.parametrize(("many", "there"), [(1, "1 device is there, of 0.0 GB"), (2, "2 devices are there")])
def test_what_does_not_fit_is_refused_before_a_weight_is_read(
    folder: Path, many: int, there: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = saved(folder, "llama, grouped, tied")
    monkeypatch.setattr(engine_file, "device_memory", lambda device: 1000)
    monkeypatch.setattr(engine_file, "load", lambda *_: pytest.fail("it was read"))
    several = engine_over(many, model, "optimised", monkeypatch)
    several.device = torch.device("cuda")
    with pytest.raises(OutOfMemory) as caught:
        several.compute(CASES["clean"](model.key).step, {})
    said = str(caught.value)
    assert said.startswith("llama, grouped, tied in float32 has no room: its weights take 0.0 GB (4 layers of 0.00 GB")
    assert there in said and "--gpus-per-worker" in said and "dtype = bfloat16" in said


def test_a_model_over_several_devices_is_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = saved(folder, "llama, grouped, tied")
    other = evolve(model.key, attention="eager")
    with fake_devices():
        several = engine_over(2, model, "optimised", monkeypatch, (0, 0, 1, 1))
        several._sources = {model.key: model.source, other: model.source}
        for key in (model.key, other):
            several.compute(CASES["clean"](key).step, {})
        assert list(several._loaded) == [other]


# --- the devices that are asked for -------------------------------------------------------------------------------


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> dict[int, str]:
    """Three GPUs, of two names."""
    names = {0: "NVIDIA H200", 1: "NVIDIA H200", 2: "NVIDIA L4"}
    monkeypatch.setitem(settings._DEVICES, "cuda", lambda: len(names))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: names[device.index or 0])
    return names


def test_devices_of_one_name(gpus: dict[int, str]) -> None:
    cuda = [torch.device("cuda", number) for number in gpus]
    assert chosen_devices("cuda", 2) == tuple(cuda[:2]) == chosen_devices(None, 2)
    assert chosen_devices("cuda:2", 1) == (cuda[2],)


@pytest.mark.parametrize(
    ("asked", "many", "why"),
    [
        ("cuda", 4, "over 4 GPUs, and from cuda on there are 3"),
        ("cuda:1", 3, "over 3 GPUs, and from cuda:1 on there are 2"),
        ("cuda", 3, "of one name, and these are NVIDIA H200 and NVIDIA L4"),
        ("cpu", 2, "over 2 GPUs, and cpu is none"),
    ],
)
def test_devices_that_are_not_there(gpus: dict[int, str], asked: str, many: int, why: str) -> None:
    with pytest.raises(DeviceMissing, match=why):
        chosen_devices(asked, many)


@pytest.mark.parametrize("layers", [(2, 2), (4, 0)])
def test_a_plan_says_where_the_layers_would_stand(
    layers: tuple[int, int], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an engine places them; nothing is loaded."""
    model = saved(folder, "llama, grouped, tied")
    weights = weights_of(model.key.facts, "float32")
    room = int(SPARE * (weights.at_home + (layers[0] + 0.5) * weights.a_layer)) + 10**9
    monkeypatch.setattr(engine_file, "chosen_devices", lambda *_: (fake(0), fake(1)))
    monkeypatch.setattr(engine_file, "device_memory", lambda device: room)
    monkeypatch.setattr(engine_file, "load", lambda *_: pytest.fail("it was read"))
    models = Models({"base": ModelSource("m", folder)}, {"base": model.key})
    places = places_of(models, 2, 10**9)
    said = "base: layers 0-1 on cpu:0, 2-3 on cpu:1" if layers[1] else "base: layers 0-3 on cpu:0"
    assert places_text(places) == said
    monkeypatch.setattr(engine_file, "device_memory", lambda device: 1000)
    with pytest.raises(OutOfMemory, match=r"m in float32 has no room: its weights take .* 2 devices are there"):
        places_of(models, 2, None)


TERMS = (Term(0.5, HEADS, (Ref("heads"),)), Given(2.0, Numbers((0.25,) * 32)))
WRITTEN = {
    "added, what heads write": edited(
        Add(At((Site(1, Part.RESIDUAL),), None), FromVector(TERMS), 0.5),
        heads=lambda key: Capture(key, ALTERNATES, (2,) * PROMPTS, HEADS),
    )
}


@pytest.mark.parametrize("executor", ["optimised", "reference"])
def test_a_device_without_float64_has_it_summed_on_the_cpu(
    executor: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on an Apple GPU, which is not here: the fake refuses what it would. The same bits."""
    model = saved(folder, "llama, grouped, tied")
    single, made = model.engine(executor, memory=MEMORY), OnDevice.__new__

    def refusing(cls: type[OnDevice], numbers: torch.Tensor, device: torch.device) -> OnDevice:
        if numbers.dtype == torch.float64:
            raise TypeError(f"the fake device {device} has no float64")
        return made(cls, numbers, device)

    cases = {kind: (computed(single, make(model.key)), make(model.key)) for kind, make in {**CASES, **WRITTEN}.items()}
    monkeypatch.setattr(OnDevice, "__new__", staticmethod(refusing))
    with fake_devices():
        engine = engine_over(1, model, executor, monkeypatch)
        with pytest.raises(TypeError, match="no float64"):
            computed(engine, CASES["sum"](model.key))
        monkeypatch.setattr(settings, "NO_FLOAT64", (fake(0).type,))
        for kind, (expected, case) in cases.items():
            found = computed(engine, case)
            for array, value in expected.items():
                if kind == "direct attribution":  # the fakes take a product of a vector apart otherwise
                    np.testing.assert_allclose(found[array], value, rtol=1e-5, atol=1e-6)
                else:
                    assert found[array].tobytes() == value.tobytes(), (kind, array)
