"""`entrack models`: the built-in models, their location, shape and description."""

from __future__ import annotations

from typing import Any

from rich.console import RenderableType
from rich.table import Table

from entrack.models.locate import BUILTIN, Named, builtin_names, facts_of, locate, read_json


def known_models() -> list[dict[str, Any]]:
    """One entry a model: name, how a spec names it, folder, shape, and its training record's summary."""
    return [_known(name) for name in builtin_names()]


def models_table(known: list[dict[str, Any]]) -> RenderableType:
    """The same for a person."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("in a spec", "shape", "known of it", "folder"):
        table.add_column(heading, overflow="fold")
    for entry in known:
        shape = (
            f"{entry['layers']} layers x {entry['heads']} heads x {entry['d_head']}, "
            f"{entry['parameters'] or '?'} parameters"
        )
        table.add_row(entry["spec"], shape, entry["summary"], entry["folder"])
    return table


def _known(name: str) -> dict[str, Any]:
    source = locate(Named("builtin", name), BUILTIN)
    facts = facts_of(source)
    record = read_json(source.folder / "training.json")
    return {
        "name": name,
        "spec": source.description,
        "folder": str(source.folder),
        "family": facts.family,
        "layers": facts.layers,
        "heads": facts.heads,
        "key_value_heads": facts.key_value_heads,
        "d_model": facts.d_model,
        "d_head": facts.d_head,
        "vocabulary": facts.vocabulary,
        "parameters": record.get("parameters"),
        "summary": record.get("summary", ""),
        "accuracy_by_boxes": record.get("accuracy_by_boxes"),
    }
