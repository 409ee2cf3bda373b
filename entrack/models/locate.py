"""Finding models: from how a spec names one to the files it stands for, without reading a weight into memory.

A model is looked for on this machine only; `fetch.py` downloads. What is missing is a `ModelMissing`, with what to do
about it.
"""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from attrs import evolve

from entrack.address import address, file_digest
from entrack.frozen import frozen
from entrack.model_config import BadConfig, ModelFacts, read_facts
from entrack.models.key import ModelKey, ModelSource
from entrack.models.strict_json import no_number
from entrack.models.weight_files import ModelMissing, ModelRefused, tensors_in, weights_of

__all__ = ["ModelMissing", "ModelRefused"]
BUILTIN = Path(__file__).parents[1] / "builtin"
MOST_JSON, MOST_CONFIG = 48 << 20, 1 << 22
"""Bytes of a tokenizer.json, and of any other file: 64 bytes of memory may stand behind three of them."""
READ = (".json", ".safetensors", ".gguf")


@frozen
class Named:
    """A model as a spec names it: `kind` is hub, local, gguf or builtin; `name` what stands in the brackets. Without
    `attention` it is computed as its family is by default."""

    kind: str
    name: str
    revision: str | None = None
    dtype: str = "float32"
    attention: str | None = None
    adapter: tuple[str, str] | None = None
    """Kind (hub or local) and name of a LoRA adapter."""
    adapter_revision: str | None = None

    def __str__(self) -> str:
        adapter = f' + lora("{self.adapter[1]}")' if self.adapter else ""
        return f'{self.kind}("{self.name}"){adapter}'


def builtin_names() -> tuple[str, ...]:
    """The models that come with entrack."""
    return tuple(sorted(path.parent.name for path in BUILTIN.glob("*/config.json")))


def locate(named: Named, root: Path) -> ModelSource:
    """Where the files are; `root` is the spec's folder. Raises ModelMissing."""
    folder, gguf, revision = _folder(named, root)
    if named.kind in ("local", "gguf"):
        _no_way_out(folder, root)
    if not (folder / "config.json").is_file():
        raise ModelMissing(f"{named}: there is no config.json in {folder}" + _gguf_help(gguf))
    return ModelSource(str(named), folder, gguf, _adapter(named, root), revision)


def is_builtin(source: ModelSource) -> bool:
    """Whether a model comes with entrack, as it is."""
    return source.folder.parent == BUILTIN and source.adapter is None


def on_this_machine(source: ModelSource) -> ModelSource:
    """Where the files of a model are that another machine has in `source`: there too, or, of one that comes with
    entrack or from the hub, where they are here. Raises ModelMissing."""
    if source.adapter is not None and not source.adapter.is_dir():
        raise ModelMissing(f"{source.description}: there is no {source.adapter} on {platform.node()}")
    if (source.folder / "config.json").is_file():
        return source
    named = re.match(r'(builtin|hub)\("([^"]+)"\)', source.description)
    if named is None:
        raise ModelMissing(f"{source.description}: there is no {source.folder} on {platform.node()}")
    try:
        return evolve(source, folder=_folder(Named(named[1], named[2], source.revision), source.folder)[0])
    except ModelMissing as missing:
        raise ModelMissing(f"on {platform.node()}: {missing}") from None


def need_files(source: ModelSource) -> None:
    """Raises ModelMissing for a model that cannot be computed with, whatever machine that is on."""
    if source.digests is not None:
        raise ModelMissing(f"{source.description} is known by the digests of its weights alone")


def stand_in(named: Named, folder: Path) -> ModelSource:
    """A folder with a config.json and a tokenizer.json in place of a model that is not here: good for a plan, not
    for a run."""
    if not (folder / "config.json").is_file() or not (folder / "tokenizer.json").is_file():
        raise ModelMissing(f"{folder} has no config.json and tokenizer.json to stand in for a model")
    return ModelSource(str(named), folder)


def facts_of(source: ModelSource) -> ModelFacts:
    """The facts in a model's config.json. Raises ModelMissing when it cannot be read, BadConfig when it makes no
    sense."""
    return read_facts(read_json(source.folder / "config.json"))


def attention_of(named: Named, facts: ModelFacts) -> str:
    """How the attention of a model is computed. Raises BadConfig when its family is not computed as it is named."""
    able = facts.layout.attentions
    if named.attention not in (None, *able):
        said = f"attention = {named.attention} computes something else than a {facts.family} model"
        raise BadConfig(f"{said}: use {' or '.join(able)}")
    return named.attention or able[0]


def key_of(named: Named, source: ModelSource, *, hashed: bool = True) -> ModelKey:
    """The model's content as addresses see it: every weight file is hashed. Raises ModelMissing where there are no
    weights.

    With `hashed` False weights are not looked at; such a key is good for a plan that is only checked, not for an
    address.
    """
    facts = facts_of(source)
    try:
        weights, adapter = _digests(named, source) if hashed else (address(str(named)), None)
        return ModelKey(
            weights=weights,
            config=config_digest(source.folder),
            tokenizer=file_digest(tokenizer_file(source)),
            facts=facts,
            adapter=adapter,
            dtype=named.dtype,
            attention=attention_of(named, facts),
        )
    except OSError as error:
        raise ModelMissing(f"{named}: {error}") from None


def _digests(named: Named, source: ModelSource) -> tuple[str, str | None]:
    """The addresses of weights and adapter, whose headers are looked at first."""
    if source.digests is not None:
        return source.digests
    try:
        weights = weights_of(source.folder, source.gguf)
    except ModelMissing as missing:
        more = "; `entrack run` downloads what is missing" if named.kind == "hub" else ""
        raise type(missing)(f"{named}: {missing}{more}") from None
    added = () if source.adapter is None else adapter_files(source.adapter)
    for files in ([] if source.gguf else weights), added[1:]:
        tensors_in(files)
    return of_files(map(file_digest, weights)), of_files(map(file_digest, added)) if added else None


def config_digest(folder: Path) -> str:
    """The address of what a model's config.json says of its numbers. Raises ModelMissing, BadConfig."""
    return address(_plain(read_json(folder / "config.json")))


def of_files(digests: Iterable[str]) -> str:
    """The address of a model's weights, or of an adapter, by the SHA-256 of its files in order."""
    return address(list(digests))


def tokenizer_file(source: ModelSource) -> Path:
    """The model's tokenizer.json. Raises ModelMissing."""
    path = source.folder / "tokenizer.json"
    if not path.is_file():
        raise ModelMissing(
            f"{source.description}: there is no tokenizer.json in {source.folder}" + _gguf_help(source.gguf)
        )
    return path


@lru_cache(maxsize=64)
def vocabulary_of(source: ModelSource) -> str:
    """The address of what decides a model's tokens: its vocabulary, merges and normalisation, not its special
    tokens' flags."""
    told = read_json(tokenizer_file(source), MOST_JSON)
    parts = (
        [told.get(name) for name in ("model", "pre_tokenizer", "normalizer", "post_processor")]
        if isinstance(told, dict)
        else [told]
    )
    return address([json.dumps(part, sort_keys=True) for part in parts])


def read_json(path: Path, most: int = MOST_CONFIG) -> Any:
    """A JSON file of at most `most` bytes. Raises ModelMissing when it cannot be read."""
    try:
        if path.stat().st_size > most:
            raise ModelMissing(f"{path} is larger than any such file should be")
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=no_number)
    except (OSError, ValueError, RecursionError) as error:
        raise ModelMissing(f"{path} cannot be read: {str(error)[:200]}") from None


def _folder(named: Named, root: Path) -> tuple[Path, str | None, str | None]:
    match named.kind:
        case "builtin":
            if named.name not in builtin_names():
                raise ModelMissing(
                    f"{named}: there is no built-in model of that name; there are {', '.join(builtin_names())}"
                )
            return BUILTIN / named.name, None, None
        case "local":
            folder = root / named.name
            if not folder.is_dir():
                raise ModelMissing(f"{named}: there is no folder {folder}")
            return folder, None, None
        case "gguf":
            path = root / named.name
            if not path.is_file():
                raise ModelMissing(f"{named}: there is no file {path}")
            return path.parent, path.name, None
    return _hub_folder(named.name, named.revision)


def _no_way_out(folder: Path, root: Path) -> None:
    """That no file of a model beside the spec is a link to somewhere else: such a folder may come from a stranger.
    Raises ModelRefused."""
    for path in folder.iterdir():
        if (
            path.suffix in READ
            and path.is_symlink()
            and not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))
        ):
            raise ModelRefused(f"{path} is a link that leads out of the spec's folder; put the file itself there")


def _hub_folder(name: str, revision: str | None) -> tuple[Path, None, str]:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(name, "config.json", revision=revision) or try_to_load_from_cache(
        name, "adapter_config.json", revision=revision
    )
    if not isinstance(found, str):
        raise ModelMissing(
            f'hub("{name}") is not on this machine yet; `entrack run` downloads it where the network allows'
        )
    folder = Path(found).parent
    return folder, None, folder.name


def _adapter(named: Named, root: Path) -> Path | None:
    if named.adapter is None:
        return None
    kind, name = named.adapter
    folder = root / name if kind == "local" else _hub_folder(name, named.adapter_revision)[0]
    if kind == "local":
        _no_way_out(folder, root)
    if not (folder / "adapter_config.json").is_file():
        raise ModelMissing(f'lora("{name}"): there is no adapter_config.json in {folder}')
    return folder


def adapter_files(folder: Path) -> tuple[Path, ...]:
    """The files of a LoRA adapter. Raises ModelMissing."""
    weights = folder / "adapter_model.safetensors"
    if not weights.is_file():
        raise ModelMissing(
            f"there is no adapter_model.safetensors in {folder}; weights that are pickled (adapter_model.bin) "
            "are never read"
        )
    return (folder / "adapter_config.json", weights)


def _gguf_help(gguf: str | None) -> str:
    return f"; `entrack models unpack {gguf}` writes what a GGUF file says of itself beside it" if gguf else ""


def _plain(config: Any) -> Any:
    """The configuration without what says nothing about the numbers: where it was saved, and by which version."""
    if not isinstance(config, dict):
        raise BadConfig("config.json is not an object")
    return {
        key: value
        for key, value in config.items()
        if key not in ("_name_or_path", "transformers_version", "torch_dtype", "dtype")
    }
