"""What is said of a tokenizer.json that cannot be used."""

from __future__ import annotations

from pathlib import Path


class BadTokenizer(Exception):
    """A tokenizer.json that cannot be used; the message says why."""


def refused(path: Path, place: str, why: str) -> BadTokenizer:
    """What to raise for what stands at a place of the file, such as `normalizer.normalizers[3]`."""
    return BadTokenizer(f"{path} is refused: its {place} {why}")
