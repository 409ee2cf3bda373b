"""Adapters and GGUF files from strangers."""

from __future__ import annotations

import random
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("peft", reason="adapters are applied by peft")
pytest.importorskip("gguf", reason="GGUF files are written and read with the package gguf")
pytest.importorskip("accelerate", reason="transformers reads GGUF files only where accelerate is installed")

from attack_adapters import IGNORED, REFUSED, write
from attack_guard import Guard
from attack_runs import SPEC, Study, entrack, refused, unmoved
from ioi_gguf import write as write_gguf

from entrack.engine.errors import ModelUnreadable
from entrack.engine.gguf import check, unpack


@pytest.fixture(scope="module")
def adapted(good: Study, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The good study with a good adapter. Not to be changed."""
    folder = shutil.copytree(good.folder, tmp_path_factory.mktemp("adapted") / "study")
    write(folder / "adapter", folder / "model")
    (folder / "study.et").write_text(SPEC.replace('local("model")', 'local("model") + lora("adapter")'))
    ran = entrack("run", folder / "study.et", "--store", folder / "store", "--json")
    assert ran.exit_code == 0, ran.stderr
    shutil.rmtree(folder / "store")
    return Study(folder, ran.stdout)


@pytest.fixture
def with_adapter(adapted: Study, tmp_path: Path) -> Study:
    return Study(shutil.copytree(adapted.folder, tmp_path / "study"), adapted.printed)


@pytest.mark.parametrize("name", REFUSED)
def test_adapters_refused(name: str, with_adapter: Study, guard: Guard) -> None:
    spoil, named = REFUSED[name]
    spoil(with_adapter.folder / "adapter", guard)
    refused(with_adapter, guard, named)


@pytest.mark.parametrize("name", IGNORED)
def test_adapters_as_if_it_were_not_there(name: str, with_adapter: Study, guard: Guard) -> None:
    IGNORED[name](with_adapter.folder / "adapter", guard)
    unmoved(with_adapter, guard)


# --- GGUF --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study of a GGUF file. Not to be changed."""
    folder = tmp_path_factory.mktemp("packed") / "study"
    folder.mkdir()
    write_gguf(folder / "tiny.gguf")
    unpack(folder / "tiny.gguf")
    (folder / "study.et").write_text(
        SPEC.replace('local("model")', 'gguf("tiny.gguf")').replace(
            '["apple", "ball", "bell", "book"]', '["A", "B", "C", "D"]'
        )
    )
    ran = entrack("run", folder / "study.et", "--store", folder / "store", "--json")
    assert ran.exit_code == 0, ran.stderr
    shutil.rmtree(folder / "store")
    return Study(folder, ran.stdout)


@pytest.fixture
def gguf(packed: Study, tmp_path: Path) -> Study:
    return Study(shutil.copytree(packed.folder, tmp_path / "study"), packed.printed)


def after(name: bytes, more: int, raw: bytes) -> Callable[[bytearray], None]:
    """Bytes put so far behind a name in the header."""

    def change(content: bytearray) -> None:
        at = content.index(name) + len(name) + more
        content[at : at + len(raw)] = raw

    return change


def at(place: int, raw: bytes) -> Callable[[bytearray], None]:
    return lambda content: content.__setitem__(slice(place, place + len(raw)), raw)


def q(number: int) -> bytes:
    return struct.pack("<Q", number)


LIES: dict[str, Callable[[bytearray], None]] = {
    "tensors without end": at(8, q(1 << 60)),
    "values without end": at(16, q(1 << 60)),
    "a name without end": at(24, q((1 << 64) - 1)),
    "a list without end": after(b"tokenizer.ggml.token_type", 8, q(1 << 59)),
    "a list that overflows": after(b"tokenizer.ggml.token_type", 8, q((1 << 64) - 1)),
    "texts without end": after(b"tokenizer.ggml.tokens", 8, q(1 << 60)),
    "a list of lists": after(b"tokenizer.ggml.token_type", 4, struct.pack("<I", 9)),
    "an unknown type of value": after(b"llama.block_count", 0, struct.pack("<I", 99)),
    "an unknown type of tensor": after(b"token_embd.weight", 4 + 16, struct.pack("<I", 777)),
    "dimensions without end": after(b"token_embd.weight", 0, struct.pack("<I", 1 << 31)),
    "a dimension that overflows": after(b"token_embd.weight", 4, q(1 << 63)),
    "a dimension of nothing": after(b"token_embd.weight", 4, q(0)),
    "an offset beyond the file": after(b"token_embd.weight", 4 + 16 + 4, q(1 << 40)),
    "another family": at(0, b"GGML"),
    "a version to come": at(4, struct.pack("<I", 77)),
    "cut in the header": lambda content: content.__delitem__(slice(300, None)),
    "cut in the tensors": lambda content: content.__delitem__(slice(-5000, None)),
    "nothing": lambda content: content.clear(),
}


@pytest.mark.parametrize("name", LIES)
def test_gguf_lies(name: str, gguf: Study, guard: Guard) -> None:
    path = gguf.folder / "tiny.gguf"
    content = bytearray(path.read_bytes())
    LIES[name](content)
    path.write_bytes(content)
    refused(gguf, guard, "model unreadable")


def test_a_gguf_file_s_own_words_for_its_shape_are_not_believed(gguf: Study, guard: Guard) -> None:
    """A million layers are said in the file; config.json, which is in the model's address, decides."""
    path = gguf.folder / "tiny.gguf"
    content = bytearray(path.read_bytes())
    after(b"llama.block_count", 4, struct.pack("<I", 1_000_000))(content)
    path.write_bytes(content)
    unmoved(gguf, guard)
    with guard.watching(seconds=4.0), pytest.raises(ModelUnreadable):
        unpack(path)


@pytest.mark.parametrize("seed", range(4))
def test_gguf_headers_with_bytes_changed(seed: int, packed: Study, tmp_path: Path, guard: Guard) -> None:
    content, path = (packed.folder / "tiny.gguf").read_bytes(), tmp_path / "changed.gguf"
    chance, refusals = random.Random(seed), 0
    with guard.watching(seconds=8.0):
        for _ in range(100):
            changed = bytearray(content)
            for _ in range(chance.choice((1, 2, 8))):
                changed[chance.randrange(6000)] = chance.randrange(256)
            path.write_bytes(changed)
            try:
                check(path)
            except ModelUnreadable:
                refusals += 1
    assert refusals
