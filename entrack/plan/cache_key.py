"""The key of a step, part by part: what decides its value, as a digest and in words for each part.

An address is one digest of everything; two that differ do not tell why. Here a step comes in, bound or not, and its
parts come out: each leaf of the step goes to one part, by the tag of its field. So two steps have the same parts when
they have the same address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import attrs

from entrack.address import address, fields_by_tag, tag_of
from entrack.frozen import frozen
from entrack.models.key import ModelKey
from entrack.plan.bind import STORE_VERSION
from entrack.plan.executor_kind import ExecutorKind
from entrack.plan.steps import Batch, Choice, Node, Ref, Spans, Step, StepKind, kind_of
from entrack.plan.steps.edits import WORDS as WORDS_OF_EDITS
from entrack.sites import Part

DIGITS = 16
PARTS = (
    "step",
    "tokens",
    "positions",
    "asked",
    "also",
    "layers",
    "senders",
    "heads",
    "component",
    "receivers",
    "edits",
    "upstream",
    "gradient",
    "training",
    "weights",
    "adapter",
    "config",
    "tokenizer",
    "shape",
    "dtype",
    "attention",
    "executor",
    "version",
    "store_version",
)
"""In the order in which they are shown; a field that is in no part below is a part of its own."""
TITLES = {
    "positions": "token positions",
    "asked": "words asked for",
    "also": "statistics beside them",
    "layers": "layers",
    "edits": "what is set",
    "upstream": "values it builds on",
    "weights": "model weights",
    "version": "step version",
    "store_version": "store version",
    "shape": "model shape",
    "gradient": "points of the gradient",
}
EDITS = {tag_of(edit): words for edit, words in WORDS_OF_EDITS.items()}
LATER = ("also",)
"""Fields that there were not always: entries from before have no part of them, and neither have steps without any."""
MOST_HEADS = 6

Leaf = tuple[str, Any]


@frozen
class KeyPart:
    """One part of a key. `words` say what is known of it without the model's files or the prompts; they may be
    empty."""

    name: str
    digest: str
    words: str

    @property
    def title(self) -> str:
        return title(self.name)


def title(name: str) -> str:
    """A part as a person calls it."""
    return TITLES.get(name, name)


def kind(step: Node) -> str:
    """What a step is, as docs/store.md calls it."""
    assert not isinstance(step, Choice)  # which is never stored
    return kind_of(step).words


def parts(step: Step, executor: ExecutorKind = ExecutorKind.OPTIMISED, model: str = "") -> tuple[KeyPart, ...]:
    """The parts of a step's key, in the order of `PARTS`; `model` says in words where its weights are from."""
    leaves: dict[str, list[Leaf]] = {}
    for tag, value in fields_by_tag(step).items():
        told = tag != "model" and (value or tag not in LATER)
        for part, leaf in _leaves(kind_of(step), value, tag, tag) if told else ():
            leaves.setdefault(part, []).append(leaf)
    own = [KeyPart(name, _digest(found), WORDS.get(name, _values)(found)) for name, found in leaves.items()]
    told = [
        *_how(step, executor),
        *own,
        *(attrs.evolve(part, words=model) if part.name == "weights" else part for part in _of_model(step.model)),
    ]
    return in_order(told)


def in_order(several: Iterable[KeyPart]) -> tuple[KeyPart, ...]:
    """Parts in the order in which they are shown."""
    return tuple(
        sorted(several, key=lambda part: (PARTS.index(part.name) if part.name in PARTS else len(PARTS), part.name))
    )


def _how(step: Step, executor: ExecutorKind) -> Iterator[KeyPart]:
    yield KeyPart("step", address(tag_of(type(step)))[:DIGITS], kind(step))
    yield KeyPart("executor", address(executor.value)[:DIGITS], executor.value)
    version = kind_of(step).version_of(step)
    yield KeyPart("version", address(version)[:DIGITS], str(version))
    yield KeyPart("store_version", address(STORE_VERSION)[:DIGITS], str(STORE_VERSION))


@lru_cache(maxsize=64)
def _of_model(model: ModelKey) -> tuple[KeyPart, ...]:
    facts = model.facts
    shape = f"{facts.family}, {facts.layers} layers x {facts.heads} heads, width {facts.d_model}"
    words = {
        "adapter": "none" if model.adapter is None else "",
        "shape": shape,
        "dtype": model.dtype,
        "attention": model.attention,
    }
    values = {"shape" if name == "facts" else name: value for name, value in fields_by_tag(model).items()}
    return tuple(KeyPart(name, address(value)[:DIGITS], words.get(name, "")) for name, value in values.items())


def _leaves(kind: StepKind[Any], value: Any, field: str, path: str) -> Iterator[tuple[str, Leaf]]:
    """The leaves of a field's value, each with its part and its place in the step. Of a field whose own fields belong
    to several parts, how many there are, and of which class, belongs to its own."""
    branch = kind.branches.get(field)
    match value:
        case Batch():
            yield "tokens", (path, value)
        case Ref():
            yield "upstream", (path, value)
        case tuple() if branch or (value and isinstance(value[0], Ref)):
            yield branch or "upstream", (path, len(value))
            for place, item in enumerate(value):
                yield from _leaves(kind, item, field, f"{path}.{place}")
        case _ if branch and attrs.has(type(value)):
            yield branch, (path, tag_of(type(value)))
            for tag, inner in fields_by_tag(value).items():
                yield from _leaves(kind, inner, tag, f"{path}.{tag}")
        case _:
            yield kind.parts.get(field, field), (path, value)


def _digest(leaves: Sequence[Leaf]) -> str:
    return address([[path, _indices(value) if _is_indices(value) else address(value)] for path, value in leaves])[
        :DIGITS
    ]


def _is_indices(value: object) -> bool:
    return isinstance(value, tuple) and bool(value) and type(value[0]) is int


@lru_cache(maxsize=1 << 12)
def _indices(value: tuple[int, ...]) -> str:
    return address(value)


# --- words -------------------------------------------------------------------------------------------------------


def _tokens(leaves: Sequence[Leaf]) -> str:
    batches = [value for _, value in leaves if isinstance(value, Batch)]
    return (
        f"{sum(batch.prompts for batch in batches)} prompts of {_range([batch.length for batch in batches])} tokens"
        if batches
        else "no prompts"
    )


def _positions(leaves: Sequence[Leaf]) -> str:
    found = list(_ints([value for _, value in leaves if value is not None]))
    named = f"token{'s' if len(set(found)) > 1 else ''} {_range(found)}" if found else ""
    return ", ".join(filter(None, (named, "every token" if (None in [value for _, value in leaves]) else ""))) or "none"


def _asked(leaves: Sequence[Leaf]) -> str:
    first = next((value[0] for _, value in leaves if value), 0)
    many = len(first) if isinstance(first, tuple) else 1
    return f"{many} word{'s' if many != 1 else ''} a prompt"


def _also(leaves: Sequence[Leaf]) -> str:
    return ", ".join(one.value for _, value in leaves for one in value) or "none"


def _layers(leaves: Sequence[Leaf]) -> str:
    return _range([value for _, value in leaves])


def _sites(leaves: Sequence[Leaf]) -> str:
    return "; ".join(dict.fromkeys(_named(value) for _, value in leaves))


def _receivers(leaves: Sequence[Leaf]) -> str:
    return (
        "; ".join(f"{_read(each.part)} of {_named(each.sites)}" for _, value in leaves for each in value)
        or "the logits"
    )


def _read(part: Part) -> str:
    return "input" if part is Part.MLP else part.value


def _senders(leaves: Sequence[Leaf]) -> str:
    every = "the MLP of the layer" if any(value is Part.MLP for _, value in leaves) else "all heads of the layer"
    return "; ".join(every if value is None else _named(value) for _, value in leaves if not isinstance(value, Part))


def _named(sites: Any) -> str:
    if sites is None:
        return "all"
    if not isinstance(sites, tuple):
        return "those that the run chooses"
    shown = " ".join(map(str, sites[:MOST_HEADS]))
    return f"{shown} ... ({len(sites)} sites)" if len(sites) > MOST_HEADS else shown or "none"


def _edits(leaves: Sequence[Leaf]) -> str:
    """The class of an edit's target says what is set, that of its source to what."""
    said: list[list[str]] = []
    for path, value in leaves:
        if value in EDITS and path.count(".") == 1:
            said.append([])
        if value in EDITS and path.count(".") <= 2:
            said[-1].append(EDITS[value])
    return ", ".join(dict.fromkeys(" ".join(filter(None, words)) for words in said)) or "nothing"


def _upstream(leaves: Sequence[Leaf]) -> str:
    many = sum(isinstance(value, Ref) for _, value in leaves)
    return f"{many} value{'s' if many != 1 else ''}"


def _component(leaves: Sequence[Leaf]) -> str:
    parts = [part for _, value in leaves for part in (value if isinstance(value, tuple) else (value or Part.OUTPUT,))]
    return ", ".join(dict.fromkeys(part.value for part in parts))


def _values(leaves: Sequence[Leaf]) -> str:
    return ", ".join(f"{path} {value}" for path, value in leaves)[:80]


def _ints(value: Any) -> Iterator[int]:
    if isinstance(value, int):
        yield value
    elif isinstance(value, Spans):
        yield from _ints(value.at)
    else:
        for item in value:
            yield from _ints(item)


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"


WORDS: Mapping[str, Callable[[Sequence[Leaf]], str]] = {
    "tokens": _tokens,
    "positions": _positions,
    "asked": _asked,
    "also": _also,
    "layers": _layers,
    "senders": _senders,
    "heads": _sites,
    "receivers": _receivers,
    "edits": _edits,
    "upstream": _upstream,
    "component": _component,
}
