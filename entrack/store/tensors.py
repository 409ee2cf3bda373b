"""Tensors as safetensors bytes and back.

Equal tensors give equal bytes: names sorted, little endian, C order, nothing else in the file. No pickle is
near: decoding reads a length-checked JSON header and copies numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from entrack.store.base import Tensors

if TYPE_CHECKING:
    from numpy.typing import NDArray

DTYPES = ("float16", "float32", "float64", "int32", "int64", "bool")
MAX_HEADER = 1 << 20


def encode(tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """Safetensors bytes. Raises `TypeError` for what is not an array of `DTYPES`, `ValueError` for bad names."""
    from safetensors.numpy import save

    data = save({name: _plain(name, tensors[name]) for name in sorted(tensors)})
    if _header_size(data) > MAX_HEADER:
        raise ValueError(f"the names and shapes of {len(tensors)} tensors take over {MAX_HEADER} bytes")
    return data


def decode(data: bytes) -> Tensors:
    """Fresh, writable arrays, names sorted. Raises `ValueError` for anything that `encode` would not have written."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if _header_size(data) > MAX_HEADER:
        raise ValueError("the header is too large")
    try:
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise ValueError("not a safetensors file we can read") from error
    if any(array.dtype.name not in DTYPES for array in tensors.values()):
        raise ValueError("a tensor has a dtype we do not store")
    return {name: tensors[name] for name in sorted(tensors)}


def _plain(name: str, value: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    if type(name) is not str or name == "__metadata__":
        raise ValueError(f"not a name for a tensor: {name!r:.80}")
    if not isinstance(value, np.ndarray) or value.dtype.name not in DTYPES:
        raise TypeError(f"tensor {name!r:.80} must be a numpy array of {', '.join(DTYPES)}; convert it first")
    return np.asarray(value, dtype=value.dtype.newbyteorder("<"), order="C")


def _header_size(data: bytes) -> int:
    return int.from_bytes(data[:8], "little")
