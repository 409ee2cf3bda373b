"""Where the numbers came from, in a few lines of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from entrack.report.format import short, visible
from entrack.results import Provenance


def provenance_lines(provenance: Provenance) -> tuple[str, ...]:
    """Where the numbers came from, in a few lines."""
    changed = set(provenance.changed_params)
    params = ", ".join(
        f"{name} = {value:g}{' (changed)' if name in changed else ''}" for name, value in provenance.params.items()
    )
    lines = [
        f"spec: {provenance.spec} {short(provenance.spec_address)}; language {provenance.language}; "
        f"entrack {provenance.entrack}; seed {provenance.seed}",
        *([f"params: {params}"] if params else []),
        *(f"model {name}: {_facts(_told(facts))}" for name, facts in provenance.models.items()),
        _steps(provenance),
        *(f"computed with: {_facts(entry)}" for entry in provenance.realised),
        *(f"reused: {_reused(entry)}" for entry in provenance.reused),
        *([f"tolerance: {provenance.tolerance}"] if provenance.tolerance else []),
    ]
    return tuple(visible(line) for line in lines)


def _told(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a line says of a model: its digest says the rest."""
    return {name: value for name, value in facts.items() if name not in ("d_model", "parallel")}


def _reused(entry: Mapping[str, Any]) -> str:
    """Where values came from that were not made as this run makes them."""
    days = dict.fromkeys(str(entry[name])[:10] for name in ("first", "last") if entry[name])
    when = f" computed {' to '.join(days)}" if days else ""
    rest = {name: value for name, value in entry.items() if name not in ("steps", "machine", "first", "last")}
    return f"{entry['steps']} values{when} on {entry['machine']} machine with {_facts(rest)}"


def _steps(provenance: Provenance) -> str:
    reasons = (
        (provenance.known_zero, "their heads cannot reach a receiver"),
        (provenance.screened_out, "none of their heads was let through by a screen, or kept"),
        (provenance.decided, "a race had decided all of their heads"),
    )
    rest = "".join(f"; {many} not run, because {why}" for many, why in reasons if many)
    return (
        f"steps: {provenance.steps}, of which {provenance.computed} computed and {provenance.found} found "
        f"in the store{rest}"
    )


def _facts(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {short(str(value))}" for name, value in facts.items() if value not in (None, "", (), []))
