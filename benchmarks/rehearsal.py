"""A study walked from its text to its report at its real number of steps, with made-up outcomes: everything but the
model. What it costs beside the computing, once from an empty store and once from the full one.

make rehearsal                                                       specs/paper/study.et, in the shape of Llama-7B
python -m benchmarks.rehearsal specs/gender_bias/gpt2.et --stand-in specs/stand_ins/gpt2

Heads are two numbers wide, whatever the shape says: how many steps there are does not depend on it, and captures of
heads of 128 numbers would be 63 GB.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from attrs import asdict, evolve, frozen
from numpy.typing import NDArray

from entrack import api
from entrack.address import address
from entrack.budget import within
from entrack.cli.artifacts import write_all
from entrack.events import Event, RunFinished, RunStarted
from entrack.models.key import ModelSource
from entrack.plan.bind import step_address
from entrack.plan.steps import Step, kind_of
from entrack.plan.value_forms import Array
from entrack.run import repository_of, run_spec
from entrack.spec import Spec

ROOT = Path(__file__).parents[1]
STUDY, SHAPE = ROOT / "specs" / "paper" / "study.et", ROOT / "specs" / "paper" / "llama-7b"
WIDTH = 2
"""Numbers of a head."""
NO_PARAMS: Mapping[str, float] = {}
RIGHT = 0.6
"""The share of prompts on which the made-up model says a word that is asked for."""


@frozen
class Rehearsed:
    """What a round took: seconds of the processor for plans, for running them and for results with their report; the
    most memory; how many steps there were, and how many of them were computed; bytes of the values in the store."""

    planning: float
    running: float
    reporting: float
    peak_bytes: int
    steps: int
    computed: int
    stored_bytes: int

    @property
    def row(self) -> str:
        each = 1000 * self.running / max(1, self.steps)
        return (
            f"{self.planning:8.1f} {self.running:8.1f} {self.reporting:8.1f} {each:8.2f} {self.peak_bytes / 1e6:8.0f} "
            f"{self.steps:8,} {self.computed:9,} {self.stored_bytes / 1e6:9.1f}"
        )


HEADER = "plans, s   run, s report, s  ms/step  peak MB    steps  computed  store MB"


class Stopwatch:
    """Processor time between the beginnings and the ends of runs."""

    def __init__(self) -> None:
        self.running, self._since, self.computed = 0.0, 0.0, 0

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._since = time.process_time()
            case RunFinished():
                self.running += time.process_time() - self._since
                self.computed = event.computed
            case _:
                pass


def rehearsed(spec: Spec, store: Path, out: Path) -> Rehearsed:
    """A run of a spec through a store, with made-up outcomes, and its report in the folder `out`."""
    watch, opened, began = Stopwatch(), api.open_store(store), time.process_time()
    with within(planning=True):
        results = run_spec(spec.checked_spec, repository_of(opened, "any"), watch, engine=lambda plan: made_up)
    ran = time.process_time()
    write_all(results, spec, out)
    return Rehearsed(
        ran - began - watch.running,
        watch.running,
        time.process_time() - ran,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        results.provenance.steps,
        watch.computed,
        opened.stats().bytes,
    )


def made_up(step: Step, inputs: Mapping[str, Any]) -> tuple[dict[str, NDArray[Any]], Mapping[str, Any]]:
    """A value of a step's form that follows from its address, once all inputs have been read."""
    for digest in inputs:
        inputs[digest]
    chance = np.random.default_rng(int(step_address(step)[:16], 16))
    value = {name: _array(form, chance) for name, form in kind_of(step).form(step).items()}
    asked = getattr(step, "asked", None)
    if asked and "top" in value:
        right = chance.random(value["top"].shape) < RIGHT
        value["top"] = np.where(right, np.array([words[0] for words in asked]), value["top"])
    return value, {"executor": "rehearsal", "device": "none"}


def _array(form: Array, chance: np.random.Generator) -> NDArray[Any]:
    if form.dtype == "int64":
        return np.asarray(chance.integers(int(form.least), int(form.most), form.shape, endpoint=True))
    if np.isfinite([form.least, form.most]).all():
        return chance.uniform(form.least, form.most, form.shape).astype(form.dtype)
    some = chance.normal(size=form.shape)
    if not np.isinf(form.most):
        some = form.most - np.abs(some)
    elif not np.isinf(form.least):
        some = form.least + np.abs(some)
    return some.astype(form.dtype)


def without_weights(path: Path, shape: Path, folder: Path, params: Mapping[str, float] = NO_PARAMS) -> Spec:
    """A spec whose models are known by made-up digests, in the shape of a stand-in, with narrow heads; `folder` is
    for the stand-in that is made."""
    config = json.loads((shape / "config.json").read_text())
    width, heads = ("n_embd", "n_head") if "n_embd" in config else ("hidden_size", "num_attention_heads")
    config |= {width: WIDTH * config[heads], "intermediate_size": WIDTH}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_bytes((shape / "tokenizer.json").read_bytes())
    spec = api.checked(api.read(path), params, folder)
    models = {
        name: evolve(model, source=ModelSource(str(model.named), folder, digests=(address(str(model.named)), None)))
        for name, model in spec.resolved.models.items()
    }
    checked = evolve(spec.checked_spec.checked, resolved=evolve(spec.resolved, models=models))
    return Spec(spec.source, checked, stands_in=True)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rehearsal", description=__doc__)
    parser.add_argument("spec", nargs="?", type=Path, default=STUDY)
    parser.add_argument("--stand-in", type=Path, default=SHAPE)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)  # one round, in this folder
    given = parser.parse_args(arguments)
    if given.into is not None:
        shape = given.into / "shape"
        shape.mkdir(exist_ok=True)
        spec = without_weights(given.spec, given.stand_in, shape)
        print(json.dumps(asdict(rehearsed(spec, given.into / "store", given.into / "out"))))
        return 0
    print(f"{'':16}{HEADER}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("empty store", "full store"):
            print(f"{name:16}{_round(given.spec, given.stand_in, folder).row}", flush=True)
    return 0


def _round(spec: Path, shape: Path, folder: str) -> Rehearsed:
    """In a process of its own, so that the most memory is this round's."""
    command = [sys.executable, "-m", "benchmarks.rehearsal", str(spec), "--stand-in", str(shape), "--into", folder]
    ran = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=3600)
    return Rehearsed(**json.loads(ran.stdout))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
