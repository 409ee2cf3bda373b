"""Which stored values may be taken: a policy over the stack that is recorded beside each."""

from __future__ import annotations

from enum import StrEnum


class ReusePolicy(StrEnum):
    """`exact`: the same versions, device and threads; `same-stack`: the same major.minor versions and
    device; `any`: whatever."""

    EXACT = "exact"
    SAME_STACK = "same-stack"
    ANY = "any"
