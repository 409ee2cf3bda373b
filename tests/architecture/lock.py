"""`make lock`: what constraints.txt pins, with the digest of every file of each release, for every system and version
of Python.

`requirements.lock` is what entrack needs to be installed and run, `requirements-dev.lock` that and its tests,
`requirements-cluster.lock` what it needs for workers on a cluster, and `requirements-reader.lock` what it needs where
no model is run (docs/decisions/041). pip takes an archive only when its digest is listed. torch stands apart, with what
only it needs: which of its builds is right depends on the machine (CPU, CUDA, ROCm; from the package index, from
PyTorch's, or from a folder), the digests of these are in different places, and a list of one kind would force it on
everybody.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = "hatchling>=1.27\neditables>=0.5\n"
"""What an editable install is built with: listed too, so that pip fetches nothing by itself."""
READER = "requirements-reader.lock"
PROJECT = "pyproject.toml"
LOCKS = {
    "requirements.lock": (PROJECT,),
    "requirements-dev.lock": (PROJECT, "--extra", "dev", "--extra", "remote"),
    "requirements-cluster.lock": (PROJECT, "--extra", "cluster", "--extra", "ray"),
    READER: (),
}
"""What is locked, beside `BUILD` and, for a reader, `light()`."""
RUNS_MODELS = re.compile(r"(torch|transformers|nnsight)\b")
"""The dependencies that only the engine has."""
OPTIONS = (
    "--universal",
    "--python-version",
    "3.11",
    "--generate-hashes",
    "--no-annotate",
    "--no-header",
    "--quiet",
    "--no-config",
)
APART = re.compile(r"(torch|triton|nvidia-[a-z0-9-]+|cuda-[a-z0-9-]+)==")
HEAD = (
    "# Made by `make lock` from pyproject.toml and constraints.txt: every file of each release by "
    "its digest, but for torch (tests/architecture/lock.py says why).\n"
)


def light() -> tuple[str, ...]:
    """The dependencies of a reader, who runs no model."""
    project = tomllib.loads((ROOT / PROJECT).read_text(encoding="utf-8"))["project"]
    return tuple(each for each in project["dependencies"] if not RUNS_MODELS.match(each))


def locked(uv: Path, more: Sequence[str], asked: Iterable[str] = ()) -> str:
    """The pins with their digests. Raises CalledProcessError, having shown what uv says."""
    command = [str(uv), "pip", "compile", *more, "-", "--constraint", "constraints.txt", *OPTIONS]
    wanted = BUILD + "".join(f"{each}\n" for each in asked)
    done = subprocess.run(command, input=wanted, stdout=subprocess.PIPE, text=True, cwd=ROOT, check=True, timeout=600)
    return HEAD + "".join(pin for pin in pins(done.stdout) if not APART.match(pin))


def pins(text: str) -> Iterator[str]:
    """Each requirement with its digests, as lines."""
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        if line.startswith("#") or not line.strip():
            continue
        if not line.startswith(" ") and lines:
            yield "".join(lines)
            lines = []
        lines.append(line)
    if lines:
        yield "".join(lines)


def main(uv: Path) -> None:
    for name, more in LOCKS.items():
        asked = light() if name == READER else ()
        (ROOT / name).write_text(locked(uv, more, asked), encoding="ascii")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
