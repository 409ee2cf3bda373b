"""A law of devices: a model that is placed over some gives what it gives on one, whatever the step, and meets nothing
that is elsewhere, in the memory of the machine or on another device.

The devices are fakes (`tests/engine/fake_devices.py`), which refuse what a GPU would.
"""

from __future__ import annotations

import copy

from differential import cases
from differential_models import InMemory, Options, built, options
from differential_steps import Case, World, case_of
from fake_devices import fake, fake_devices
from hypothesis import given
from hypothesis import strategies as st
from test_differential_steps import agree, executors, outcome

from entrack.engine.errors import EngineError
from entrack.engine.loaded_model import LoadedModel
from entrack.engine.place import place
from entrack.models.key import ModelKey


class OverDevices(InMemory):
    """An engine whose models stand on fake devices; layer after layer, over these."""

    def __init__(self, world: World, executor: str, within: Options, over: tuple[int, ...]) -> None:
        super().__init__(world.models, executor, within)  # type: ignore[arg-type]
        self.device, self._over = fake(0), [fake(number) for number in over]

    def loaded(self, key: ModelKey) -> LoadedModel:
        shape = self._shapes[key]
        places = tuple(self._over[layer * len(self._over) // shape.layers] for layer in range(shape.layers))
        module = place(copy.deepcopy(built(shape)), key.facts.layout, self.device, places)
        return LoadedModel.of(key, module, self.device, places)


def over_devices(case: Case, executor: str, within: Options, over: tuple[int, ...]) -> object:
    with fake_devices():
        try:
            return OverDevices(case.world, executor, within, over).compute(case.step, case.inputs()).tensors
        except EngineError as error:
            return f"{type(error).__name__}: {error}"


@cases(0.04)
@given(
    case_of("evaluate", "circuit", "path patch", "attribute", "clean run", "reading", "mask"),
    st.sampled_from(((0,), (0, 1), (1, 0), (0, 1, 2))),
    executors,
    options,
)
def test_where_layers_stand_changes_nothing(case: Case, over: tuple[int, ...], executor: str, within: Options) -> None:
    expected = outcome(case, executor, within)
    agree(case, over_devices(case, executor, within, over), expected)  # type: ignore[arg-type]
