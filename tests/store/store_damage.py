"""Ways to harm a store of two entries: each is done to the paths of one's object and action, and of the other's
object."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

Harm = Callable[[Path, Path, Path], object]  # object, action, another object


def rewritten(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def flipped(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 0x10
    rewritten(path, bytes(data))


def linked(path: Path, target: Path) -> None:
    path.unlink()
    path.symlink_to(target)


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def swapped(one: Path, other: Path) -> None:
    data = one.read_bytes()
    rewritten(one, other.read_bytes())
    rewritten(other, data)


OBJECT: dict[str, Harm] = {
    "empty": lambda o, a, b: rewritten(o, b""),
    "half": lambda o, a, b: rewritten(o, o.read_bytes()[: o.stat().st_size // 2]),
    "longer": lambda o, a, b: rewritten(o, o.read_bytes() + b"\0"),
    "header flipped": lambda o, a, b: flipped(o, 9),
    "data flipped": lambda o, a, b: flipped(o, -1),
    "zeros": lambda o, a, b: rewritten(o, bytes(o.stat().st_size)),
    "swapped": lambda o, a, b: swapped(o, b),
    "a link": lambda o, a, b: linked(o, b),
    "a pipe": lambda o, a, b: piped(o),
}
ACTION: dict[str, Harm] = {
    "action empty": lambda o, a, b: rewritten(a, b""),
    "action flipped": lambda o, a, b: flipped(a, 40),
    "action of an old version": lambda o, a, b: rewritten(a, a.read_bytes().replace(b'"version":1', b'"version":0')),
    "action of another": lambda o, a, b: shutil.copy(next(p for p in a.parents[1].rglob("*.json") if p != a), a),
    "action a link": lambda o, a, b: linked(a, o),
}
GONE: dict[str, Harm] = {
    "action missing": lambda o, a, b: a.unlink(),
    "object missing": lambda o, a, b: o.unlink(),
    "both missing": lambda o, a, b: [path.rename(path.with_suffix(".gone")) for path in (o, a)],
}
HARMLESS: dict[str, Harm] = {
    "index missing": lambda o, a, b: shutil.rmtree(o.parents[2] / "index"),
    "index garbage": lambda o, a, b: (o.parents[2] / "index/cache.db").write_bytes(b"garbage" * 99),
    "locks missing": lambda o, a, b: shutil.rmtree(o.parents[2] / "locks"),
    "foreign files": lambda o, a, b: [(d / "notes.txt").write_text("?") for d in (*o.parents[:3], a.parent)],
}
