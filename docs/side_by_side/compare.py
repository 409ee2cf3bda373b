"""Runs the four experiments of `docs/coming-from.md` with entrack and with each other library, and compares them.

    make side-by-side

The numbers of the others go to `numbers.json`, which the test suite compares with entrack's. Exits with 1 where any two
lie further apart than FAR.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import entrack

HERE = Path(__file__).parent
EXPERIMENTS = ("activation_patching", "ablation", "path_patching", "interchange")
PROGRAM = """
import importlib.metadata, json, runpy, sys
sys.path.insert(0, sys.argv[2])
result = runpy.run_path(f"{sys.argv[2]}/{sys.argv[3]}.py")["result"]
rows = [row.tolist() for row in result]
print(json.dumps({"version": importlib.metadata.version(sys.argv[1]), "numbers": rows}))
"""
LAYERS, HEADS = 4, 8
FAR = 1e-3
"""Logits, changes of logits, and fractions of prompts, in float32."""


def main(peers: str) -> int:
    ours = {experiment: entrack_numbers(experiment) for experiment in EXPERIMENTS}
    found = {
        library: {experiment: run(library, python, experiment) for experiment in EXPERIMENTS}
        for library, python in (
            ("transformer_lens", str(Path(peers).absolute())),
            ("nnsight", sys.executable),
            ("pyvene", str(Path(peers).absolute())),
        )
    }
    apart = {
        (library, experiment): distance(np.array(each["numbers"]), ours[experiment])
        for library, experiments in found.items()
        for experiment, each in experiments.items()
    }
    for (library, experiment), far in apart.items():
        print(f"{experiment:20} {library} {found[library][experiment]['version']}: at most {far:.0e} apart")
    (HERE / "numbers.json").write_text(json.dumps(rounded(found)).replace('"version"', '\n"version"') + "\n")
    return int(max(apart.values()) > FAR)


def entrack_numbers(experiment: str) -> np.ndarray[Any, Any]:
    """What the spec of this name gives, (layer, token), (layer, head) or (intervention)."""
    with tempfile.TemporaryDirectory() as store:
        results = entrack.load(HERE / f"{experiment}.et").run(store)
    if experiment == "path_patching":
        scores = results["direct"].group("movers").scores
        return np.array([score for _, score in sorted(scores.items())]).reshape(LAYERS, HEADS)
    measure = results[{"activation_patching": "grid", "ablation": "by_head", "interchange": "kept"}[experiment]]
    shape = [len(axis.labels) for axis in measure.axes if len(axis.labels) > 1]
    return np.array([cell.value for cell in measure.cells]).reshape(shape)


def distance(theirs: np.ndarray[Any, Any], ours: np.ndarray[Any, Any]) -> float:
    """The largest difference of any two numbers. Raises ValueError where the shapes differ."""
    if theirs.shape != ours.shape:
        raise ValueError(f"{theirs.shape} and {ours.shape}")
    return float(np.abs(theirs - ours).max())


def run(library: str, python: str, experiment: str) -> Any:
    folder = HERE / library
    name = library.replace("_", "-")
    done = subprocess.run(
        [python, "-c", PROGRAM, name, str(folder), experiment], cwd="/", capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{folder}/{experiment}.py: {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def rounded(found: Any) -> Any:
    match found:
        case dict():
            return {key: rounded(value) for key, value in found.items()}
        case list():
            return [rounded(value) for value in found]
        case float():
            return round(found, 4)
    return found


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
