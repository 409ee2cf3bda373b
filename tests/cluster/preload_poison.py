"""Dask loads this into a worker before it begins: a step of path patching ends its process."""

import os
from collections.abc import Mapping
from typing import Any

from entrack.workers import remote

plainly = vars(remote).setdefault("plainly", remote.answer)  # Dask loads this more than once


def deadly(told: Mapping[str, Any], asked: bytes) -> bytes:
    if b'"path-patch"' in asked:
        os._exit(9)
    replied: bytes = plainly(told, asked)
    return replied


vars(remote)["answer"] = deadly
