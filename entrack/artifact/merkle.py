"""A Merkle tree over addresses: one digest that stands for a set of them (RFC 6962, with SHA-256)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def root(addresses: Iterable[str]) -> str:
    """The digest of a set of texts, whatever their order. A leaf and an inner node never have one digest."""
    level = [_digest(b"\0", address.encode("ascii")) for address in sorted(set(addresses))]
    if not level:
        return hashlib.sha256().hexdigest()
    while len(level) > 1:
        pairs = [_digest(b"\1", *level[at : at + 2]) for at in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) - len(level) % 2 :]
    return level[0].hex()


def _digest(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()
