"""A model's facts: what its config.json says, read without loading a weight.

A family is known when it has a record in `entrack.families`, which says which words of its config.json mean what.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from entrack.address import tagged
from entrack.families import FAMILIES, REFUSED
from entrack.families.base import ConfigWords, Family, Only
from entrack.families.reaches import reaches
from entrack.frozen import frozen
from entrack.sites import Part, Site

NARROW = 256
"""Width up to which one thread is enough: the products are too small to share, and two threads would only wait for
each other."""
MOST = {
    "layers": 1024,
    "heads": 1024,
    "d_model": 1 << 20,
    "vocabulary": 1 << 24,
    "positions": 1 << 24,
    "experts": 1 << 14,
}
CODE = ("custom_pipelines", "custom_generate", "trust_remote_code", "use_kernels", "kernel_config")
OTHERWISE = {
    "quantization_config": "its weights are quantised",
    "compression_config": "its weights are compressed",
    "per_layer_config": "its layers differ from one another",
    "fusion_config": "its modules are fused",
    "transformers_weights": "its weights are in a file of another name",
}
"""What would change the numbers if it were obeyed, so that a model that says it is not one that can be had by
leaving it out."""


class BadConfig(ValueError):
    """A config.json that does not describe a model entrack can work with; the message says why."""


@tagged(
    "facts",
    "family layers heads key_value_heads d_model d_head d_mlp vocabulary positions parallel experts experts_per_token",
)
@frozen
class ModelFacts:
    """Shape of a model. `key_value_heads` is smaller than `heads` under grouped-query attention; `d_mlp` is the
    width inside an MLP, or inside an expert. `positions` is how many tokens a model with a table of positions can take
    at most; `parallel` says whether attention and MLP of a layer read the same residual stream. Where the MLP of a
    layer is `experts`, `experts_per_token` of them answer a token."""

    family: str
    layers: int
    heads: int
    key_value_heads: int
    d_model: int
    d_head: int
    d_mlp: int
    vocabulary: int
    positions: int | None = None
    parallel: bool = False
    experts: int = 1
    experts_per_token: int = 1

    @property
    def layout(self) -> Family:
        """The record of the model's family."""
        return FAMILIES[self.family]

    def reaches(self, earlier: Site, later: Site) -> bool:
        """Whether what is computed at `later` depends on what stands at `earlier`."""
        return reaches(earlier, later, parallel=self.parallel)

    def has(self, part: Part) -> bool:
        """Whether the model's layers have a part."""
        return part in self.layout.parts and not (self.parallel and part is Part.MID)

    def canonical(self, site: Site) -> Site:
        """The site by the name that steps have for it: what stands after a layer stands before the next."""
        after = site.part is Part.POST and site.layer + 1 < self.layers
        return Site(site.layer + 1, Part.RESIDUAL) if after else site

    def every(self, part: Part, *, single: bool = True) -> tuple[Site, ...]:
        """All sites of a part: its heads or neurons one by one, with `single`, or that of each layer."""
        return _every(
            self.layers, part, {Part.OUTPUT: self.heads, Part.NEURON: self.d_mlp}.get(part) if single else None
        )

    @property
    def grouped(self) -> bool:
        return self.key_value_heads != self.heads

    @property
    def narrow(self) -> bool:
        return self.d_model <= NARROW

    def key_value_head(self, head: int) -> int:
        """The key/value head that serves a query head."""
        return head // (self.heads // self.key_value_heads)

    def sharers(self, head: int) -> tuple[int, ...]:
        """The query heads that share this one's key/value head, itself included."""
        size = self.heads // self.key_value_heads
        first = self.key_value_head(head) * size
        return tuple(range(first, first + size))


@lru_cache(maxsize=4)
def _every(layers: int, part: Part, many: int | None) -> tuple[Site, ...]:
    """The sites of a part in each layer, `many` in one, made once: a plan that draws heads asks again and again."""
    inside = (None,) if many is None else range(many)
    return tuple(Site(layer, part, index) for layer in range(layers) for index in inside)


def read_facts(config: object) -> ModelFacts:
    """Facts from a parsed config.json. Raises BadConfig with what is missing or impossible."""
    if not isinstance(config, dict):
        raise BadConfig("config.json is not an object")
    family = config.get("model_type")
    if not isinstance(family, str) or family not in FAMILIES:
        raise BadConfig(_not_known(str(family)[:60]))
    _refuse(config, FAMILIES[family])
    return _shape(family, config, FAMILIES[family].words)


def _not_known(family: str) -> str:
    if family in REFUSED:
        return f"models of the family {family!r} are not run: {REFUSED[family]}"
    return f"the model family {family!r} is not known; known are {', '.join(sorted(FAMILIES))}"


def _shape(family: str, config: Mapping[str, Any], words: ConfigWords) -> ModelFacts:
    layers, heads = _number(config, words.layers, MOST["layers"]), _number(config, words.heads, MOST["heads"])
    d_model = _number(config, words.d_model, MOST["d_model"])
    shared = _optional(config, words.key_value_heads, heads) or heads
    if heads % shared:
        raise BadConfig(f"{heads} heads cannot share {shared} key/value heads")
    d_head = _optional(config, words.d_head, d_model)
    if d_head is None and d_model % heads:
        raise BadConfig(f"a width of {d_model} does not divide into {heads} heads")
    return ModelFacts(
        family,
        layers,
        heads,
        shared,
        d_model,
        d_head or d_model // heads,
        _d_mlp(config, words, d_model),
        _number(config, words.vocabulary, MOST["vocabulary"]),
        None if words.positions is None else _number(config, words.positions, MOST["positions"]),
        _parallel(config, words),
        *_experts(config, words),
    )


def _refuse(config: Mapping[str, Any], family: Family) -> None:
    if config.get("auto_map") and not _is_taken_over(config["auto_map"], family):
        raise BadConfig("config.json asks for code of its own (auto_map), which entrack never runs")
    for word in CODE:
        if config.get(word):
            raise BadConfig(f"config.json asks for code of its own ({word}), which entrack never runs")
    for word in ("attn_implementation", "_attn_implementation", "experts_implementation", "_experts_implementation"):
        if any(mark in str(config.get(word)) for mark in "/:|"):
            raise BadConfig(f"config.json asks for code of its own ({word}), which entrack never runs")
    for word, why in {**OTHERWISE, **family.refuses}.items():
        if config.get(word):
            raise BadConfig(f"{why} ({word} in config.json), which entrack does not read")
    for word, only in family.only.items():
        if not _allowed(config, word, only):
            raise BadConfig(f"{only.why} ({word} in config.json), which entrack does not read")
    for word in ("rope_parameters", "rope_scaling"):
        if _is_dynamic(config.get(word)):
            raise BadConfig(
                f"its rotary embedding depends on the longest prompt that ran before ({word} in config.json is "
                "dynamic), so its numbers would depend on what was run"
            )


def _is_taken_over(said: object, family: Family) -> bool:
    """Whether an `auto_map` names nothing but classes that transformers has itself, as `owner/name--module.Class`,
    beside a tokenizer, of which only a tokenizer.json is ever read."""
    if not isinstance(said, dict):
        return False
    classes = [name for word, name in said.items() if word != "AutoTokenizer"]
    return bool(classes) and all(str(name).rpartition(".")[2] in family.taken_over for name in classes)


def _allowed(config: Mapping[str, Any], word: str, only: Only) -> bool:
    """Whether a file says nothing of a word, or what it may."""
    may = config.get(str(only.value)) if only.of_word else only.value
    return config.get(word) is None or (type(config[word]) is type(may) and config[word] == may)


def _is_dynamic(rope: object) -> bool:
    """Of a rotary embedding, or of one for each kind of layer."""
    if not isinstance(rope, dict):
        return False
    return "dynamic" in (rope.get("rope_type"), rope.get("type")) or any(_is_dynamic(part) for part in rope.values())


def _d_mlp(config: Mapping[str, Any], words: ConfigWords, d_model: int) -> int:
    if words.d_mlp_factor is not None and config.get(words.d_mlp) is None:
        return words.d_mlp_factor * d_model
    return _number(config, words.d_mlp, 16 * MOST["d_model"])


def _parallel(config: Mapping[str, Any], words: ConfigWords) -> bool:
    said = words.parallel if isinstance(words.parallel, bool) else config.get(words.parallel, True)
    if type(said) is not bool:
        raise BadConfig(f"config.json needs true or false as {words.parallel}, not {str(said)[:60]}")
    return said


def _experts(config: Mapping[str, Any], words: ConfigWords) -> tuple[int, int]:
    """How many MLPs a layer has, and how many of them answer a token."""
    if words.experts_per_token is None:
        return 1, 1
    said = [word for word in words.experts if config.get(word) is not None]
    counts = {_number(config, word, MOST["experts"]) for word in said or words.experts[:1]}
    if len(counts) > 1:
        raise BadConfig(f"config.json says {' and '.join(map(str, sorted(counts)))} experts ({', '.join(said)})")
    return (most := max(counts)), _number(config, words.experts_per_token, most)


def _optional(config: Mapping[str, Any], word: str | None, most: int) -> int | None:
    return None if word is None or config.get(word) is None else _number(config, word, most)


def _number(config: Mapping[str, Any], name: str, most: int) -> int:
    value = config.get(name)
    if type(value) is not int or not 1 <= value <= most:
        raise BadConfig(f"config.json needs a whole number from 1 to {most} as {name}, not {str(value)[:60]}")
    return value
