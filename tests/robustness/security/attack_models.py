"""Model folders as a stranger might send them: each attack spoils a good folder. Named after what is attacked."""

from __future__ import annotations

import json
import os
import pickle
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from attack_guard import Guard, Pickled
from safetensors.torch import load_file, save_file

Attack = Callable[[Path, Guard], object]
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"


def config(**words: Any) -> Attack:
    """Words put into config.json; None takes one away."""

    def spoil(model: Path, guard: Guard) -> None:
        said = json.loads((model / "config.json").read_text())
        said.update(words)
        (model / "config.json").write_text(
            json.dumps({word: value for word, value in said.items() if value is not None})
        )

    return spoil


def text(name: str, content: str | bytes) -> Attack:
    return lambda model, guard: (
        (model / name).write_bytes(content.encode() if isinstance(content, str) else content) and None
    )


def both(*attacks: Attack) -> Attack:
    def spoil(model: Path, guard: Guard) -> None:
        for attack in attacks:
            attack(model, guard)

    return spoil


def without(name: str) -> Attack:
    return lambda model, guard: (model / name).unlink()


def code(name: str) -> Attack:
    """A module of the attack's own."""
    return lambda model, guard: (model / name).write_text(guard.payload(name)) and None


def pickled(name: str) -> Attack:
    def spoil(model: Path, guard: Guard) -> None:
        (model / name).write_bytes(pickle.dumps({"model.norm.weight": Pickled(guard.canary / name)}))

    return spoil


def torch_pickled(name: str) -> Attack:
    def spoil(model: Path, guard: Guard) -> None:
        torch.save({"x": Pickled(guard.canary / name)}, model / name)

    return spoil


def weights(change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Attack:
    def spoil(model: Path, guard: Guard) -> None:
        save_file(change(load_file(model / WEIGHTS)), model / WEIGHTS, metadata={"format": "pt"})

    return spoil


def header(change: Callable[[dict[str, Any]], object]) -> Attack:
    """A header that says something else of the same bytes."""

    def spoil(model: Path, guard: Guard) -> None:
        raw = (model / WEIGHTS).read_bytes()
        (length,) = struct.unpack("<Q", raw[:8])
        said = json.loads(raw[8 : 8 + length])
        changed = change(said)
        written = changed if isinstance(changed, bytes) else json.dumps(said if changed is None else changed).encode()
        (model / WEIGHTS).write_bytes(struct.pack("<Q", len(written)) + written + raw[8 + length :])

    return spoil


def entry(**said: Any) -> Attack:
    """One tensor of which something else is said."""
    return header(lambda names: names["model.norm.weight"].update(said))


def raw(change: Callable[[bytearray], None]) -> Attack:
    def spoil(model: Path, guard: Guard) -> None:
        content = bytearray((model / WEIGHTS).read_bytes())
        change(content)
        (model / WEIGHTS).write_bytes(content)

    return spoil


def length(said: int) -> Attack:
    """Another length of the header."""
    return raw(lambda content: content.__setitem__(slice(0, 8), struct.pack("<Q", said)))


def sparse(header_bytes: int, file_bytes: int) -> Attack:
    """A file of nothing, of any size."""

    def spoil(model: Path, guard: Guard) -> None:
        (model / WEIGHTS).write_bytes(struct.pack("<Q", header_bytes) + b"{")
        os.truncate(model / WEIGHTS, file_bytes)

    return spoil


def twice(model: Path, guard: Guard) -> None:
    """A header with one name for two tensors: readers differ in which they take."""
    raw = (model / WEIGHTS).read_bytes()
    (size,) = struct.unpack("<Q", raw[:8])
    said = raw[8 : 8 + size].rstrip()
    name = b'"model.norm.weight":'
    doubled = said[:-1] + b"," + name + said.split(name)[1].split(b"}")[0] + b"}}"
    (model / WEIGHTS).write_bytes(struct.pack("<Q", len(doubled)) + doubled + raw[8 + size :])


def index(shards: Mapping[str, str] | None = None, **words: Any) -> Attack:
    """The weights in two shards and an index; `shards` maps a shard's right name to what the index says instead."""

    def spoil(model: Path, guard: Guard) -> None:
        tensors = load_file(model / WEIGHTS)
        names = sorted(tensors)
        parts = {"one.safetensors": names[::2], "two.safetensors": names[1::2]}
        for shard, inside in parts.items():
            save_file({name: tensors[name] for name in inside}, model / shard, metadata={"format": "pt"})
        where = {name: (shards or {}).get(shard, shard) for shard, inside in parts.items() for name in inside}
        (model / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": where} | words))
        (model / WEIGHTS).unlink()

    return spoil


def shard_outside(written: Callable[[Path], str]) -> Attack:
    """An index that names a whole model elsewhere."""

    def spoil(model: Path, guard: Guard) -> None:
        outside = model.parents[1] / "outside.safetensors"
        (model / WEIGHTS).rename(outside)
        names = load_file(outside)
        (model / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": dict.fromkeys(names, written(outside))}))

    return spoil


def linked(name: str, to: Callable[[Path, Guard], Path]) -> Attack:
    def spoil(model: Path, guard: Guard) -> None:
        if (model / name).exists():
            (model / name).rename(model.parents[1] / name)
        (model / name).symlink_to(to(model, guard))

    return spoil


def moved_out(name: str) -> Attack:
    """A file that lies outside and is linked to."""
    return linked(name, lambda model, guard: model.parents[1] / name)


def pipe(name: str) -> Attack:
    def spoil(model: Path, guard: Guard) -> None:
        (model / name).unlink(missing_ok=True)
        os.mkfifo(model / name)

    return spoil


def folder(name: str) -> Attack:
    def spoil(model: Path, guard: Guard) -> None:
        (model / name).unlink(missing_ok=True)
        (model / name).mkdir()

    return spoil


def tokenizer(change: Callable[[dict[str, Any]], object]) -> Attack:
    def spoil(model: Path, guard: Guard) -> None:
        said = json.loads((model / "tokenizer.json").read_text())
        changed = change(said)
        (model / "tokenizer.json").write_text(json.dumps(said if changed is None else changed))

    return spoil


def _set(tensors: dict[str, torch.Tensor], name: str, value: float) -> dict[str, torch.Tensor]:
    tensors[name].view(-1)[3] = value
    return tensors


DEEP = "[" * 200_000
LAST = "model.layers.1.self_attn.o_proj.weight"
DISTRIBUTED = "shard-00001-model-00001-of-00001.safetensors"
TEMPLATE = "{{ cycler.__init__.__globals__.os.system('touch evil') }}"

REFUSED: Mapping[str, tuple[Attack, str]] = {
    # code that a configuration asks for
    "code, auto_map": (
        both(config(auto_map={"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"}), code("evil.py")),
        "E506",
    ),
    "code, a hub's kernel as attention": (config(attn_implementation="evil/kernel"), "E506"),
    "code, a hub's kernel as attention, inner word": (config(_attn_implementation="evil/kernel:forward"), "E506"),
    "code, a hub's kernel as experts": (config(experts_implementation="evil/kernel"), "E506"),
    "code, kernels": (config(use_kernels=True), "E506"),
    "code, kernel configuration": (config(kernel_config={"kernel_mapping": {"RMSNorm": "evil/norm:Norm"}}), "E506"),
    "code, trust flag": (both(config(trust_remote_code=True), code("modeling_evil.py")), "E506"),
    "code, pipelines": (config(custom_pipelines={"evil": {"impl": "evil.Pipe"}}), "E506"),
    "config, a family that is a list": (config(model_type=["llama"]), "E506"),
    "config, a family that is an object": (config(model_type={"llama": 1}), "E506"),
    "config, a family without end": (config(model_type="x" * 100_000), "E506"),
    "config, layers without end, as text": (config(num_hidden_layers="9" * 100_000), "E506"),
    "code, unknown family": (
        both(config(model_type="evil", auto_map={"AutoConfig": "evil.Config"}), code("evil.py")),
        "E506",
    ),
    # numbers that would be others
    "config, quantised": (config(quantization_config={"quant_method": "gptq", "bits": 4}), "E506"),
    "config, quantised by code": (config(quantization_config={"quant_method": "evil", "modules": "evil.Q"}), "E506"),
    "config, layers that differ": (config(per_layer_config={"0": {"num_attention_heads": 2}}), "E506"),
    "config, fusion": (config(fusion_config={"patch_embeddings": True}), "E506"),
    "config, other weights": (config(transformers_weights="../outside.safetensors"), "E506"),
    # a configuration that lies
    "config, empty": (text("config.json", b""), "E506"),
    "config, null": (text("config.json", "null"), "E506"),
    "config, a list": (text("config.json", "[]"), "E506"),
    "config, deep": (text("config.json", DEEP), "E506"),
    "config, not UTF-8": (text("config.json", b'{"model_type": "\xff"}'), "E506"),
    "config, NUL": (text("config.json", b"\0" * 100), "E506"),
    "config, digits": (text("config.json", '{"model_type": "llama", "num_hidden_layers": ' + "9" * 5000 + "}"), "E506"),
    "config, layers below nothing": (config(num_hidden_layers=-1), "E506"),
    "config, layers without end": (config(num_hidden_layers=10**9), "E506"),
    "config, heads as text": (config(num_attention_heads="4"), "E506"),
    "config, heads as truth": (config(num_attention_heads=True), "E506"),
    "config, width of a terabyte": (config(hidden_size=1 << 20), "model unreadable"),
    "config, inner width of a terabyte": (config(intermediate_size=1 << 24), "model unreadable"),
    "config, vocabulary of a terabyte": (
        config(vocab_size=1 << 24, hidden_size=1 << 14, num_attention_heads=4, head_dim=None),
        "model unreadable",
    ),
    "config, a thousand layers": (config(num_hidden_layers=1024), "model unreadable"),
    "config, inner width below nothing": (config(intermediate_size=-5), "E506"),
    "config, inner width as text": (config(intermediate_size="evil"), "E506"),
    "config, activation": (config(hidden_act="__import__('os').system"), "model unreadable"),
    "config, rope": (config(rope_parameters={"rope_type": "evil", "rope_theta": 1.0}), "model unreadable"),
    "config, norm": (config(rms_norm_eps=float("nan")), "E506"),
    "config, more layers": (config(num_hidden_layers=3), "model unreadable"),
    "config, another width": (config(hidden_size=64), "model unreadable"),
    # weights that are pickles
    "pickle, pytorch_model.bin": (both(without(WEIGHTS), torch_pickled("pytorch_model.bin")), "model missing"),
    "pickle, plain": (both(without(WEIGHTS), pickled("pytorch_model.bin")), "model missing"),
    "pickle, model.pt": (both(without(WEIGHTS), torch_pickled("model.pt")), "model missing"),
    "pickle, called safetensors": (both(without(WEIGHTS), torch_pickled(WEIGHTS)), "model refused"),
    "pickle, sharded": (
        both(
            without(WEIGHTS), pickled("x.bin"), text("pytorch_model.bin.index.json", '{"weight_map": {"a": "x.bin"}}')
        ),
        "model missing",
    ),
    "pickle, in an index": (
        both(without(WEIGHTS), pickled("x.bin"), text(INDEX, '{"metadata": {}, "weight_map": {"a": "x.bin"}}')),
        "model refused",
    ),
    # headers that lie
    "header, empty file": (text(WEIGHTS, b""), "model refused"),
    "header, short": (text(WEIGHTS, b"\x01\x02"), "model refused"),
    "header, length of nothing": (length(0), "model refused"),
    "header, length of all": (length(2**64 - 1), "model refused"),
    "header, longer than the file": (length(1 << 20), "model refused"),
    "header, 100 MB": (sparse(100_000_000, 100_000_100), "model refused"),
    "header, 4 MB of nothing": (sparse(1 << 22, (1 << 22) + 8), "model refused"),
    "header, a terabyte": (sparse(2, 1 << 40), "model refused"),
    "header, cut": (raw(lambda content: content.__delitem__(slice(-100, None))), "model refused"),
    "header, bytes behind": (raw(lambda content: content.extend(b"PK\x03\x04evil")), "model refused"),
    "header, a list": (header(lambda said: []), "model refused"),
    "header, deep": (header(lambda said: DEEP.encode()), "model refused"),
    "header, no JSON": (header(lambda said: b"{evil}"), "model refused"),
    "header, not UTF-8": (header(lambda said: b'{"\xff": 1}'), "model refused"),
    "header, a name twice": (twice, "model refused"),
    "header, a shape of text": (entry(shape=["32"]), "model refused"),
    "header, a shape below nothing": (entry(shape=[-32]), "model refused"),
    "header, another shape": (entry(shape=[31]), "model refused"),
    "header, a shape that overflows": (entry(shape=[1 << 33, 1 << 33]), "model refused"),
    "header, many dimensions": (entry(shape=[32] + [1] * 500), "model refused"),
    "header, an offset below nothing": (entry(data_offsets=[-4, 124]), "model refused"),
    "header, offsets turned": (entry(data_offsets=[128, 0]), "model refused"),
    "header, offsets beyond the file": (entry(data_offsets=[1 << 40, (1 << 40) + 128]), "model refused"),
    "header, overlapping": (entry(data_offsets=[0, 128]), "model refused"),
    "header, offsets missing": (
        header(lambda said: said["model.norm.weight"].pop("data_offsets") and None),
        "model refused",
    ),
    "header, an unknown type": (entry(dtype="EVIL"), "model refused"),
    "header, integers": (entry(dtype="I32"), "model refused"),
    "header, half the width": (entry(dtype="F16"), "model refused"),
    # weights that are not the model's
    "weights, none": (weights(lambda tensors: {}), "model unreadable"),
    "weights, one missing": (
        weights(lambda tensors: {name: value for name, value in tensors.items() if name != LAST}),
        "model unreadable",
    ),
    "weights, one turned": (
        weights(lambda tensors: tensors | {LAST.replace("o_proj", "k_proj"): tensors[LAST].clone()}),
        "model unreadable",
    ),
    "weights, NaN": (weights(lambda tensors: _set(tensors, LAST, float("nan"))), "not finite"),
    "weights, infinite": (weights(lambda tensors: _set(tensors, LAST, float("inf"))), "not finite"),
    "weights, too large": (
        weights(lambda tensors: _set(tensors, LAST, 3e38) | {"lm_head.weight": tensors["lm_head.weight"] * 1e38}),
        "not finite",
    ),
    # indexes that lead elsewhere
    "index, above": (shard_outside(lambda outside: f"../../{outside.name}"), "model refused"),
    "index, absolute": (shard_outside(str), "model refused"),
    "index, Windows": (shard_outside(lambda outside: f"..\\..\\{outside.name}"), "model refused"),
    "index, a host": (index({"one.safetensors": "https://evil.example/one.safetensors"}), "model refused"),
    "index, a shard missing": (index({"one.safetensors": "three.safetensors"}), "model missing"),
    "index, a number": (index(weight_map={"a": 7}), "model refused"),
    "index, a list": (index(weight_map=["one.safetensors"]), "model refused"),
    "index, nothing": (index(weight_map={}), "model refused"),
    "index, empty file": (both(without(WEIGHTS), text(INDEX, b"")), "model refused"),
    "index, deep": (both(without(WEIGHTS), text(INDEX, DEEP)), "model refused"),
    "index, one tensor in two": (
        both(index(), lambda model, guard: save_file(load_file(model / "one.safetensors"), model / "two.safetensors")),
        "model refused",
    ),
    # files that are not files
    "link, weights": (moved_out(WEIGHTS), "model refused"),
    "link, config": (moved_out("config.json"), "model refused"),
    "link, tokenizer": (moved_out("tokenizer.json"), "model refused"),
    "link, a secret as config": (linked("config.json", lambda model, guard: guard.secret), "model refused"),
    "link, a device": (linked(WEIGHTS, lambda model, guard: Path("/dev/zero")), "model refused"),
    "link, a circle": (linked(WEIGHTS, lambda model, guard: model / WEIGHTS), "model missing"),
    "pipe, weights": (pipe(WEIGHTS), "model missing"),
    "pipe, config": (pipe("config.json"), "model missing"),
    "pipe, tokenizer": (pipe("tokenizer.json"), "model missing"),
    "folder, weights": (folder(WEIGHTS), "model missing"),
    "folder, config": (folder("config.json"), "model missing"),
    "an adapter, with a base of its own": (
        text("adapter_config.json", '{"peft_type": "LORA", "base_model_name_or_path": "evil/base"}'),
        "model unreadable",
    ),
    # tokenizers
    "tokenizer, empty": (text("tokenizer.json", b""), "E434"),
    "tokenizer, deep": (text("tokenizer.json", DEEP), "E434"),
    "tokenizer, another kind": (tokenizer(lambda said: said["model"].update(type="Evil")), "E434"),
    "tokenizer, a pickle": (torch_pickled("tokenizer.json"), "E434"),
    "tokenizer, an expression that does not end": (
        tokenizer(
            lambda said: said.update(
                normalizer={"type": "Replace", "pattern": {"Regex": "(a*)*" * 30 + "$"}, "content": ""}
            )
        ),
        "E434",
    ),
    "tokenizer, more tokens than the model": (
        tokenizer(lambda said: said["model"]["vocab"].update(apple=5000)),
        "E434",
    ),
}

IGNORED: Mapping[str, Attack] = {
    "pickles beside": both(
        torch_pickled("pytorch_model.bin"),
        torch_pickled("optimizer.pt"),
        pickled("training_args.bin"),
        pickled("rng_state.pth"),
    ),
    "modules beside": both(
        code("modeling_llama.py"),
        code("configuration_llama.py"),
        code("tokenization_evil.py"),
        code("__init__.py"),
        code("sitecustomize.py"),
    ),
    "the tokenizer's settings": text(
        "tokenizer_config.json",
        json.dumps(
            {"auto_map": {"AutoTokenizer": ["evil.T", None]}, "chat_template": TEMPLATE, "trust_remote_code": True}
        ),
    ),
    "a chat template": text("chat_template.jinja", TEMPLATE),
    "settings for generation": text(
        "generation_config.json",
        json.dumps({"custom_generate": "evil", "trust_remote_code": True, "cache_implementation": "evil.Cache"}),
    ),
    "generation by code": both(
        lambda model, guard: (model / "custom_generate").mkdir(), code("custom_generate/generate.py")
    ),
    "a distributed checkpoint": both(text(DISTRIBUTED, b"evil"), pickled(".metadata")),
    "processors": both(
        text("preprocessor_config.json", '{"auto_map": {"AutoProcessor": "evil.P"}}'),
        text("processor_config.json", '{"auto_map": {"AutoProcessor": "evil.P"}}'),
    ),
    "words of a configuration that nobody knows": config(
        to_dict="evil",
        get_text_config="evil",
        dtype="load",
        torch_dtype="load",
        name_or_path="evil/base",
        evil={"a": [1]},
    ),
    "a place for the attention's own": config(
        _attn_implementation="eager",
        attn_implementation="flash_attention_2",
        _attn_implementation_internal="evil/kernel",
    ),
    "tokens that are not there": config(pad_token_id=10**6, bos_token_id=-7, eos_token_id="evil"),
    "a plan for many devices": config(
        base_model_tp_plan={"layers.*": "evil"}, base_model_ep_plan="evil", distributed_config={"tp_size": 8}
    ),
    "an index of a file that is whole": text(INDEX, '{"metadata": {}, "weight_map": {"a": "../../evil.safetensors"}}'),
    "tensors that nobody asked for": weights(
        lambda tensors: tensors | {"evil.__class__.weight": torch.zeros(3), "../../evil": torch.zeros(3)}
    ),
    "a pipe beside": pipe("special_tokens_map.json"),
}


def seeds(count: int) -> list[int]:
    return np.random.default_rng(0).integers(0, 1 << 31, count).tolist()  # type: ignore[no-any-return]  # numpy's Any
