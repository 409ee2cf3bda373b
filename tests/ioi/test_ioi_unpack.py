"""Unpacking GGUF files: what is written, that it is what transformers reads, and what is refused by name."""

from __future__ import annotations

import json
import random
import socket
import struct
from pathlib import Path

import pytest
from ioi_gguf import HEADS, LAYERS, SHARED, TOKENS, write

from entrack.engine.errors import ModelUnreadable
from entrack.engine.gguf import check, unpack
from entrack.model_config import ModelFacts, read_facts
from entrack.prompts.tokenizer import Tokenizer

TEXTS = ("When Ann and Bob went", " Ann", "Ann", "  Ann", "Ann ", "a\n\nB", "Zoë gave", "", "<|im_start|>x", "12 345")


def refused(path: Path, match: str) -> None:
    before = sorted(path.parent.iterdir())
    with pytest.raises(ModelUnreadable, match=match):
        unpack(path)
    assert sorted(path.parent.iterdir()) == before


def changed(packed: Path, tmp_path: Path, start: int, raw: bytes) -> Path:
    content = bytearray(packed.read_bytes())
    content[start : start + len(raw)] = raw
    path = tmp_path / "changed.gguf"
    path.write_bytes(content)
    return path


def test_two_files_are_written_and_nothing_is_said(
    packed: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(packed.read_bytes())
    assert unpack(path) == (tmp_path / "config.json", tmp_path / "tokenizer.json")
    first = [place.read_bytes() for place in sorted(tmp_path.iterdir())]
    unpack(path)
    assert [place.read_bytes() for place in sorted(tmp_path.iterdir())] == first
    assert len(first) == 3
    assert capfd.readouterr() == ("", "")


def test_the_config_gives_the_facts_and_no_place(unpacked: Path) -> None:
    config = json.loads((unpacked.parent / "config.json").read_text())
    assert read_facts(config) == ModelFacts("llama", LAYERS, HEADS, SHARED, 32, 8, 48, len(TOKENS))
    assert not any("path" in name or "version" in name for name in config)


def test_tokens_are_those_of_transformers(unpacked: Path) -> None:
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(str(unpacked.parent), gguf_file=unpacked.name, local_files_only=True)
    ours = Tokenizer(unpacked.parent / "tokenizer.json")
    for text in TEXTS:
        assert list(ours.encode(text).ids) == theirs(text).input_ids, text


def test_no_token_is_added_in_front(unpacked: Path) -> None:
    ours = Tokenizer(unpacked.parent / "tokenizer.json")
    assert [ours.word(token) for token in ours.encode("Ann Bob").ids] == ["A", "n", "n", " B", "o", "b"]


def test_nothing_is_asked_of_the_network(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no(*_: object, **__: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", no)
    monkeypatch.setattr(socket, "getaddrinfo", no)
    path = tmp_path / "tiny.gguf"
    path.write_bytes(packed.read_bytes())
    unpack(path)


def test_what_lies_beside_is_not_read(packed: Path, tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(packed.read_bytes())
    (tmp_path / "config.json").write_text(
        json.dumps({"model_type": "llama", "auto_map": {"AutoConfig": "evil.Config"}})
    )
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"auto_map": {"AutoTokenizer": ["evil.Tokenizer", None]}})
    )
    (tmp_path / "evil.py").write_text("raise SystemExit('code ran')")
    unpack(path)
    assert "auto_map" not in json.loads((tmp_path / "config.json").read_text())


@pytest.mark.parametrize(
    ("content", "match"), [(b"", "does not begin"), (b"PK\x03\x04 a zip", "does not begin"), (b"GGUF", "in the middle")]
)
def test_no_gguf(tmp_path: Path, content: bytes, match: str) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(content)
    refused(path, match)


def test_no_file(tmp_path: Path) -> None:
    refused(tmp_path / "x.gguf", "No such file")
    refused(tmp_path, "cannot be read")


@pytest.mark.parametrize(
    ("start", "raw", "match"),
    [
        (4, struct.pack("<I", 9), "version is 9"),
        (4, struct.pack(">I", 3), "big-endian"),
        (8, struct.pack("<Q", 1 << 60), f"{1 << 60} tensors"),
        (16, struct.pack("<Q", 1 << 40), f"{1 << 40} values"),
        (24, struct.pack("<Q", 1 << 50), "bytes long"),
    ],
)
def test_numbers_that_cannot_be(packed: Path, tmp_path: Path, start: int, raw: bytes, match: str) -> None:
    refused(changed(packed, tmp_path, start, raw), match)


def test_a_list_that_is_longer_than_the_file(packed: Path, tmp_path: Path) -> None:
    start = packed.read_bytes().index(b"tokenizer.ggml.token_type") + len("tokenizer.ggml.token_type") + 8
    refused(changed(packed, tmp_path, start, struct.pack("<Q", 1 << 59)), "elements in 'tokenizer.ggml.token_type'")


def test_a_giant_piece_and_a_giant_list(packed: Path, tmp_path: Path) -> None:
    """The reader would make an object of each element, and cut each piece everywhere."""
    content = packed.read_bytes()
    start = content.index(b"tokenizer.ggml.tokens") + len("tokenizer.ggml.tokens") + 4 + 4 + 8
    (length,) = struct.unpack_from("<Q", content, start)
    (tmp_path / "x.gguf").write_bytes(
        content[:start] + struct.pack("<Q", 3_000) + b"x" * 3_000 + content[start + 8 + length :]
    )
    refused(tmp_path / "x.gguf", "3000 bytes long; .* and 2049 are allowed")
    start = content.index(b"tokenizer.ggml.token_type") + len("tokenizer.ggml.token_type") + 8
    (length,) = struct.unpack_from("<Q", content, start)
    (tmp_path / "x.gguf").write_bytes(
        content[:start] + struct.pack("<Q", 2_000_001) + b"\0" * 4 * 2_000_001 + content[start + 8 + 4 * length :]
    )
    refused(tmp_path / "x.gguf", "its lists have over 2,000,000 elements")


def test_tensors_that_are_not_there(packed: Path, tmp_path: Path) -> None:
    path = tmp_path / "short.gguf"
    path.write_bytes(packed.read_bytes()[:-4096])
    refused(path, "ends at byte")


def test_a_family_that_is_not_known(tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    write(path, family="bloom")
    refused(path, "the model family 'bloom' is not known; known are gemma3, gpt2, llama, mistral, phi3, qwen2, qwen3")


def test_a_family_that_is_read_from_other_files_only(tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    write(path, family="olmo2")
    refused(path, "models of the family 'olmo2' are read from safetensors only")


def test_damage_anywhere_in_the_header_is_told_by_name_or_harmless(packed: Path, tmp_path: Path) -> None:
    content, path = packed.read_bytes(), tmp_path / "damaged.gguf"
    header = content.index(b"blk.1.ffn_norm.weight")
    for seed in range(300):
        chance = random.Random(seed)
        damaged = bytearray(content)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(header)] = chance.randrange(256)
        path.write_bytes(damaged if seed % 3 else damaged[: chance.randrange(header)])
        try:
            check(path)
        except ModelUnreadable:
            continue
