"""Names by which links find what a report shows. Different things have different names, whatever they are called."""

from __future__ import annotations

import re
from collections.abc import Sequence

from entrack.address import address

PLAIN = re.compile(r"[A-Za-z0-9_]{1,64}")


def anchor(kind: str, name: str) -> str:
    """Of a measure, a discovery, a file: `measure-kept`."""
    return f"{kind}-{name if PLAIN.fullmatch(name) else _digest(name)}"


def cell_anchor(measure: str, labels: Sequence[str]) -> str:
    """Of a cell: `cell-kept-`, and digits made of its labels, which stay while these do."""
    return f"{anchor('cell', measure)}-{_digest(*labels)}"


def _digest(*texts: str) -> str:
    return address(texts)[:12]
