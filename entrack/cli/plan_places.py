"""Where the layers of a spec's models stand on several GPUs, as a line for each model and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise

from entrack.compile import Models

Places = Mapping[str, Sequence[str]]
"""By model, the device of each layer."""


def places_of(models: Models, gpus_per_worker: int, memory: int | None) -> Places:
    """As a run with so many GPUs places them, from the first on. Reads no weight; asks torch what the GPUs have. Raises
    DeviceMissing, and OutOfMemory where a model has no room."""
    from entrack.engine.engine import Engine
    from entrack.plan.schedule import Memory

    asked = None if memory is None else Memory.of(memory)
    sources = {models.keys[name]: source for name, source in models.sources.items()}
    engine = Engine(sources, gpus_per_worker=gpus_per_worker, memory=asked)
    return {name: tuple(map(str, engine.places(key))) for name, key in models.keys.items()}


def places_text(given: Places) -> str:
    """`base: layers 0-39 on cuda:0, 40-79 on cuda:1`, a line for each model."""
    return "\n".join(f"{name}: layers {_runs(places)}" for name, places in given.items())


def _runs(places: Sequence[str]) -> str:
    together = [(device, len([*several])) for device, several in groupby(places)]
    ends = [0]
    for _, many in together:
        ends.append(ends[-1] + many)
    spans = [f"{first}" if last == first + 1 else f"{first}-{last - 1}" for first, last in pairwise(ends)]
    return ", ".join(f"{span} on {device}" for span, (device, _) in zip(spans, together, strict=True))
