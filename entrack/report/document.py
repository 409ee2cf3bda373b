"""Documents: results for other programs. docs/results.md describes every field.

`results.json` holds everything; `results.jsonl` has one line per cell, per head group, per mask and per claim. A number
that does not exist (0/0) is null: JSON has no NaN.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from entrack.files import put
from entrack.results import Results


def write(results: Results, folder: Path) -> tuple[Path, ...]:
    """Write `results.json` and `results.jsonl` into `folder`, each in one move. Raises OSError."""
    return (
        put(folder / "results.json", document(results).encode()),
        put(folder / "results.jsonl", lines(results).encode()),
    )


def document(results: Results) -> str:
    """The text of `results.json` and of `run --json`: sorted keys, ASCII, floats in their shortest exact form."""
    return _laid_out(_plain(results.to_json()), 4) + "\n"


def lines(results: Results) -> str:
    """The text of `results.jsonl`."""
    records = (_plain(record) for record in _records(results.to_json()))
    return "".join(json.dumps(record, sort_keys=True, allow_nan=False) + "\n" for record in records)


def _records(whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    spec = {"spec_address": whole["provenance"]["spec_address"]}
    for measure in whole["measures"]:
        about = {"kind": "cell", "measure": measure["name"], "metric": measure["metric"], "unit": measure["unit"]}
        yield from (spec | about | cell for cell in measure["cells"])
    for found in whole["discoveries"]:
        about = {"kind": "group", "discovery": found["name"]} | {
            name: found[name] for name in ("model", "score", "n", "address")
        }
        yield from (spec | about | {"group": group["name"]} | _nameless(group) for group in found["groups"])
    yield from (spec | {"kind": "mask", "mask": mask["name"]} | _nameless(mask) for mask in whole["masks"])
    yield from (spec | {"kind": "claim"} | claim for claim in whole["claims"])


def _nameless(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "name"}


def _laid_out(value: Any, levels: int, indent: str = "\n") -> str:
    """JSON with a line for each item down to `levels`: a cell, a head group, a claim is one line, however long."""
    if levels == 0 or not isinstance(value, dict | list) or not value:
        return json.dumps(value, sort_keys=True, allow_nan=False)
    deeper = indent + " "
    if isinstance(value, list):
        return "[" + ",".join(deeper + _laid_out(each, levels - 1, deeper) for each in value) + indent + "]"
    items = (
        f"{deeper}{json.dumps(name)}: {_laid_out(each, levels - 1, deeper)}" for name, each in sorted(value.items())
    )
    return "{" + ",".join(items) + indent + "}"


def _plain(value: Any) -> Any:
    match value:
        case Mapping():
            return {str(name): _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case float():
            return value if isfinite(value) else None
        case None | bool() | int() | str():
            return value
    return str(value)
