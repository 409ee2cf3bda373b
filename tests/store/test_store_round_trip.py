"""What is put is what is loaded, and equal tensors are equal bytes."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from store_tools import COUNT, address, same

from entrack.store import Action, DiskStore, MemoryStore, action_codec, tensors
from entrack.store.base import json_bytes

arrays = st.sampled_from(tensors.DTYPES).flatmap(
    lambda dtype: hnp.arrays(np.dtype(dtype), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)
bundles = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), arrays, max_size=4)
notes = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(bundles)
@settings(max_examples=20 * COUNT, deadline=None)
def test_bytes_round_trip(bundle: dict[str, NDArray[Any]]) -> None:
    assert same(tensors.decode(tensors.encode(bundle)), bundle)


@given(bundles)
@settings(max_examples=2 * COUNT, deadline=None)
def test_both_stores_give_back_what_was_put(bundle: dict[str, NDArray[Any]]) -> None:
    with TemporaryDirectory() as folder:
        for store in (DiskStore(folder), MemoryStore()):
            made = store.put(address("x"), bundle, {"device": "cpu"})
            assert store.find(address("x")) == made
            assert same(store.load(made), bundle)
            assert same(store.load(address("x")), bundle)


@given(bundles)
@settings(max_examples=10 * COUNT, deadline=None)
def test_equal_tensors_are_equal_bytes(bundle: dict[str, NDArray[Any]]) -> None:
    reversed_names = {name: bundle[name] for name in reversed(bundle)}
    big_endian = {name: array.astype(array.dtype.newbyteorder(">")) for name, array in bundle.items()}
    transposed = {name: array.T.copy().T for name, array in bundle.items()}
    expected = tensors.encode(bundle)
    assert [tensors.encode(other) for other in (reversed_names, big_endian, transposed)] == [expected] * 3


@given(st.dictionaries(st.text(), notes, max_size=4), st.integers(0, 2**62))
@settings(max_examples=20 * COUNT, deadline=None)
def test_records_round_trip(how: dict[str, Any], size: int) -> None:
    action = Action(address(1), address(2), size, how)
    assert action_codec.decode(action_codec.encode(action), address(1)) == action


@given(st.integers(0, 10_000), st.integers(1, 255))
@settings(max_examples=20 * COUNT, deadline=None)
def test_a_record_with_any_byte_changed_is_refused(place: int, change: int) -> None:
    data = bytearray(action_codec.encode(Action(address(1), address(2), 17, {"device": "cpu", "seconds": 0.5})))
    data[place % len(data)] ^= change
    with pytest.raises(ValueError, match="record"):
        action_codec.decode(bytes(data), address(1))


@pytest.mark.parametrize("foreign", [b"", b"[]", b"{}", b"[" * 60_000, b"null", b"\xff", b'{"address":NaN}'])
def test_foreign_records_are_refused(foreign: bytes) -> None:
    with pytest.raises(ValueError, match="record"):
        action_codec.decode(foreign, address(1))


@pytest.mark.parametrize("foreign", [b"", b"\x00" * 40, b"\xff" * 40, b"\x80\x04K\x01.", (2**63).to_bytes(8, "little")])
def test_foreign_objects_are_refused(foreign: bytes) -> None:
    with pytest.raises(ValueError, match=r"header|safetensors"):
        tensors.decode(foreign)


@pytest.mark.parametrize("value", [np.zeros(2, "complex64"), np.array(["a"]), np.array([None]), [1.0], 1.0])
def test_what_is_not_a_tensor_is_refused(store: DiskStore, folder: Path, value: Any) -> None:
    with pytest.raises(TypeError, match="numpy array of"):
        store.put(address(1), {"x": value}, {})
    assert not folder.exists()


@pytest.mark.parametrize("wrong", ["", "a" * 63, "A" * 64, "../" + "a" * 61, "a" * 64 + "\n", None, 7])
def test_only_addresses_are_addresses(store: DiskStore, wrong: Any) -> None:
    for ask in (store.find, lambda name: store.put(name, {}, {}), lambda name: store.computing(name).__enter__()):
        with pytest.raises(ValueError, match="address"):
            ask(wrong)


def test_equal_results_are_kept_once(store: DiskStore) -> None:
    one, two = (store.put(address(number), {"x": np.zeros(100)}, {"number": number}) for number in (1, 2))
    assert one.object == two.object
    assert store.stats().entries == 2
    assert store.stats().bytes == one.size
    assert list(store.addresses()) == sorted([address(1), address(2)])


def test_a_note_that_is_not_json_is_refused(store: DiskStore) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        store.put(address(1), {}, {"loss": float("nan")})
    with pytest.raises(ValueError, match="takes"):
        store.put(address(1), {}, {"log": "x" * 70_000})
    assert json_bytes({"b": 1, "a": [True, None]}) == b'{"a":[true,null],"b":1}'
