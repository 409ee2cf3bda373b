"""What a note beside a value says, as far as it is said as we say it.

Notes of stores from others hold anything. Here each word is of its type, bounded and safe to show, or not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from entrack.diagnostics.escape import clip

TEXTS = ("torch", "transformers", "nnsight", "device", "executor", "kernel", "machine", "made", "beside", "what")
NUMBERS = ("threads", "memory", "seconds", "forwards", "token_layers", "layer_flops")
LONGEST, MOST = 4000, 2**63
"""Letters of a text that are told, and what a number is below."""

RunRecord = Mapping[str, Any]


def read_run_record(how: RunRecord) -> RunRecord:
    """The words of a note that are texts or numbers as we write them. The key, which has parts, is for
    `run_record.recorded_key`."""
    texts = {name: clip(how[name], LONGEST) for name in TEXTS if isinstance(how.get(name), str)}
    return {**texts, **{name: how[name] for name in NUMBERS if _is_number(how.get(name))}}


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and isfinite(value) and 0 <= value < MOST  # type: ignore[arg-type,operator]  # one of the two
