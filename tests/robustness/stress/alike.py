"""The same numbers, however they are computed: other batch sizes, threads, memory and executors, within the
tolerance that results carry."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from determinism_specs import FAMILIES, VARIED
from engine_models import save, tiny
from test_determinism_batches import SIZES, THREADS, TOLERANCE, agree, run

from entrack.models.locate import BUILTIN
from entrack.plan import builder
from stress.tried import Tally, Tried


def however_computed(count: int, seed: int, folder: Path) -> Tried:
    """`count` runs of a spec on a small model, each computed in a way chosen by chance, held to the usual way."""
    tally, largest, threads = Tally(), 0.0, torch.get_num_threads()
    for number in range(count):
        chance = random.Random(f"{seed} {number}")
        model, size = chance.choice(sorted(FAMILIES)), chance.choice(SIZES)
        how = {
            "threads": chance.choice(THREADS),
            "memory": chance.choice((100_000, 3_000_000, None)),
            "reference": chance.random() < 0.3,
        }
        place = folder / str(number)
        _model(place, model, seed + number)
        with tally.case(f"{model}, batches of {size}, {how}, {number} of seed {seed}"):
            usual = run(place, model, VARIED, place / "usual", threads=1)
            with _batches(size):
                largest = max(largest, agree(run(place, model, VARIED, place / "other", **how), usual))
        shutil.rmtree(place)
    torch.set_num_threads(threads)
    tally.notes.append(f"probabilities within {largest:.1e} of one another, promised {TOLERANCE:.0e}")
    return tally.tried


def _model(place: Path, name: str, seed: int) -> None:
    family, layers, heads, shared, more = FAMILIES[name]
    module = tiny(family, layers, heads, shared, vocab_size=233, **more)
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(float(parameter.dim() == 1), 0.3)
    save(module, place / name)
    shutil.copy(BUILTIN / "boxes-base" / "tokenizer.json", place / name)


@contextmanager
def _batches(size: int) -> Iterator[None]:
    """Another number of prompts that run together, which is part of the language and not to be chosen otherwise."""
    before = builder.batches.__defaults__
    builder.batches.__defaults__ = ((), size, ())
    try:
        yield
    finally:
        builder.batches.__defaults__ = before
