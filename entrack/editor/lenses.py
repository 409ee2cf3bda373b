"""What each measure and each discovery costs, and how much of it is stored: from a plan and a store, nothing computed.

This takes longer than a keystroke, and is asked for in the background.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from entrack.budget import Limit
from entrack.diagnostics import errors
from entrack.editor.document import Document
from entrack.errors import EntrackError
from entrack.frozen import frozen
from entrack.models.locate import key_of, locate
from entrack.models.weight_files import weights_bytes
from entrack.plan.cost import cost
from entrack.plan.plan import Plan
from entrack.source import Span
from entrack.spec import Spec
from entrack.stores import open_store, store_folder
from entrack.syntax import ast

MOST_HASHED = 1 << 30
"""Bytes of weights that are hashed to look into a store: more would keep a core busy for long."""
LENSED = (ast.Measure, ast.Examine, ast.Overlap, ast.Discover, ast.Mask)


@frozen
class Priced:
    """What an item asks for: forward passes of the reference executor, its steps, how many of these are stored (None:
    not looked for), and whether more will be known when something has run."""

    passes: int
    steps: int
    stored: int | None = None
    grows: bool = False

    def __str__(self) -> str:
        many = f"{'at least ' if self.grows else ''}{self.passes:,} pass{'es' * (self.passes != 1)}"
        if self.stored is None or not self.steps:
            return many
        if self.stored == self.steps and not self.grows:
            return f"{many}, all stored"
        return f"{many}, {f'{self.stored:,} of {self.steps:,} steps' if self.stored else 'none'} stored"


@frozen
class Lens:
    """Where an item begins, and what is said of it."""

    span: Span
    text: str


class Unwanted(Exception):
    """Nobody waits for it any more."""


def priced(
    document: Document, store: Path | None = None, wanted: Callable[[], bool] = lambda: True
) -> Mapping[str, Priced]:
    """What each measure, discovery and mask of a spec costs, by its name; nothing of one with errors, or whose models
    are not here. `store` is looked into if it is there (default: that of a run from here). Raises Unwanted where a long
    plan is not `wanted` any more."""
    if errors(document.problems):
        return {}

    def tell(limit: Limit) -> None:
        if not wanted():
            raise Unwanted

    spec = Spec(document.source, document.checked)
    folder = store_folder(store)
    try:
        if not folder.is_dir() or _weights(spec) > MOST_HASHED:
            return _priced(spec.plan(hashed=False).plan, None)
        plan, survey = spec.survey(open_store(folder, inspect=True), tell=tell)
    except EntrackError:
        return {}
    return _priced(plan, frozenset((*survey.found, *survey.zero)))


def lenses(document: Document, prices: Mapping[str, Priced]) -> tuple[Lens, ...]:
    """What is known of the items of a text, in its order."""
    items = (item for item in document.program.items if isinstance(item, LENSED))
    return tuple(Lens(item.name_span, str(prices[item.name])) for item in items if item.name in prices)


def _priced(plan: Plan, stored: frozenset[str] | None) -> Mapping[str, Priced]:
    """Steps are those that `entrack plan` counts under an item's name."""
    by_item: dict[str, list[str]] = {}
    for id in plan.steps:
        by_item.setdefault(plan.what[id].partition(":")[0].partition(".")[0], []).append(id)
    return {
        name: Priced(
            cost(plan, ids).forwards,
            len(ids),
            None if stored is None else sum(id in stored for id in ids),
            name in plan.deferred,
        )
        for name, ids in by_item.items()
    }


def _weights(spec: Spec) -> int:
    """What would be hashed. Raises ModelMissing."""
    models = {spec.resolved.models[name].named for name in spec.used_models}
    sources = {named: locate(named, spec.root) for named in models}
    return sum(weights_bytes(source, key_of(named, source, hashed=False)) for named, source in sources.items())
