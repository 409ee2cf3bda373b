"""Which executor a value is made by. It is part of a step's address: each keeps its values apart, or the reference one
would check nothing."""

from __future__ import annotations

from enum import StrEnum


class ExecutorKind(StrEnum):
    """`reference`: one full forward pass per variant, as the semantics say; `optimised`: the same numbers from the
    schedule that the compiler's passes leave."""

    REFERENCE = "reference"
    OPTIMISED = "optimised"

    @classmethod
    def of(cls, *, reference: bool) -> ExecutorKind:
        """From the keyword `reference` of the Python interface."""
        return cls.REFERENCE if reference else cls.OPTIMISED
