"""`entrack plan`, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from entrack.cli.plan_places import Places, places_text
from entrack.cli.plan_time import time_json, time_view
from entrack.cli.table import table
from entrack.diagnostics.escape import visible
from entrack.execution.forecast import Forecast, MayCome
from entrack.plan.plan import CertificatePlan

HEAD = ("step", "steps", "stored", "forward passes", "token-layers", "to be stored")


def plan_json(given: Forecast, price: float | None = None, places: Places | None = None) -> dict[str, Any]:
    """The plan's cost, altogether and by what the steps are for, and how long it takes and where its models stand,
    where that is asked."""
    return {
        "steps": [{"what": what, **counted} for what, counted in given.rows],
        "total": dict(given.total),
        "models": {name: dict(model) for name, model in given.models.items()},
        **({"may_come": may_come_json(given.may_come)} if given.may_come else {}),
        **({} if given.took is None else {"time": time_json(given.took, price)}),
        **({} if places is None else {"places": {name: [*several] for name, several in places.items()}}),
    }


def plan_table(given: Forecast, price: float | None, places: Places | None = None) -> RenderableType:
    """The plan for a person."""
    made = table(*HEAD, right=HEAD[1:])
    *rows, altogether = plan_rows(given)
    for row in rows:
        made.add_row(*map(Text, row))
    made.add_section()
    made.add_row(*map(Text, altogether))
    notes = plan_notes(given) + ("" if places is None else f"\n{visible(places_text(places))}")
    return Group(made, Text(f"\n{notes}"), *([] if given.took is None else [time_view(given.took, price)]))


def plan_rows(given: Forecast) -> list[tuple[str, ...]]:
    """Under `HEAD`, what the steps of each kind cost, and all of them."""
    rows = [_row(visible(what), counted) for what, counted in given.rows]
    return [*rows, _row("altogether", given.total)]


def plan_notes(given: Forecast) -> str:
    """The models of a plan, and what its numbers are of."""
    models = "; ".join(
        f"{name}: {model['source']}, {model['layers']} layers x {model['heads']} heads"
        for name, model in given.models.items()
    )
    return (
        f"{models}\nForward passes and token-layers are those of the reference executor, for what is not stored; "
        "path patches that cannot reach their receivers are found when their receivers are known; "
        "--explain says how much is really computed, and why."
        + (f"\n{RACING}." if given.racing else "")
        + may_come_words(given.may_come)
        + _declined(given.declined)
    )


def may_come_json(several: Sequence[CertificatePlan | MayCome]) -> list[dict[str, Any]]:
    """How many fresh prompts of certified claims are planned, and how many may come."""
    return [{"what": one.name, "prompts": one.prompts, "at_most": one.most} for one in several]


def may_come_words(several: Sequence[CertificatePlan | MayCome]) -> str:
    """The same for a person, a line for each claim."""
    lines = (f"{one.prompts:,} fresh prompts are planned, {one.most:,} may come" for one in several)
    return "".join(f"\n{visible(one.name)}: {line}." for one, line in zip(several, lines, strict=True))


RACING = "racing: at least the first round, at most all; how much of path patching of the undecided is run, a race says"
"""Of a plan in which there is a race."""


def _declined(many: int) -> str:
    return (
        f"\n{many} steps that are not stored are, but made with another stack; --accept any takes them as they are."
        if many
        else ""
    )


def _row(name: str, counted: Mapping[str, int]) -> tuple[str, ...]:
    words = {"known_zero": "zero", "screened_out": "screened out", "decided": "decided", "not_kept": "not kept"}
    rest = [(counted.get(name, 0), what) for name, what in words.items()]
    stored = " + ".join([f"{counted['stored']}", *(f"{many} {what}" for many, what in rest if many)])
    return (
        name,
        str(counted["steps"]),
        stored,
        f"{counted['forwards']:,}",
        f"{counted['token_layers']:,}",
        _size(counted["bytes"]),
    )


def _size(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
