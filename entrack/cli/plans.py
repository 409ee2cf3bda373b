"""`entrack plan`, as a table and as JSON: the cost of each kind of step, and how much of it the store has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from entrack.cli.plan_time import time_json, time_view
from entrack.cli.table import table
from entrack.diagnostics.escape import visible
from entrack.execution.estimate import Estimate
from entrack.execution.survey import Survey
from entrack.frozen import frozen
from entrack.plan.cost import Cost, cost
from entrack.plan.plan import CertificatePlan, Plan
from entrack.plan.steps import Race

HEAD = ("step", "steps", "stored", "forward passes", "token-layers", "to be stored")


def plan_json(plan: Plan, survey: Survey, took: Estimate | None = None, price: float | None = None) -> dict[str, Any]:
    """The plan's cost, altogether and by what the steps are for, and how long it takes, where that is asked."""
    known = _Known.of(survey)
    return {
        "steps": [{"what": what, **_counted(plan, ids, known)} for what, ids in _by_what(plan).items()],
        "total": _counted(plan, plan.steps, known),
        "models": {
            name: {"layers": key.facts.layers, "heads": key.facts.heads, "source": plan.sources[key].description}
            for name, key in plan.models.items()
        },
        **({"may_come": may_come} if (may_come := may_come_json(plan.may_come(known.found))) else {}),
        **({} if took is None else {"time": time_json(took, price)}),
    }


def plan_table(plan: Plan, survey: Survey, took: Estimate, price: float | None) -> RenderableType:
    """The plan for a person."""
    made = table(*HEAD, right=HEAD[1:])
    *rows, altogether = plan_rows(plan, survey)
    for row in rows:
        made.add_row(*map(Text, row))
    made.add_section()
    made.add_row(*map(Text, altogether))
    return Group(made, Text(f"\n{plan_notes(plan, survey)}"), time_view(took, price))


def plan_rows(plan: Plan, survey: Survey) -> list[tuple[str, ...]]:
    """Under `HEAD`, what the steps of each kind cost, and all of them."""
    known = _Known.of(survey)
    rows = [_row(visible(what), _counted(plan, ids, known)) for what, ids in _by_what(plan).items()]
    return [*rows, _row("altogether", _counted(plan, plan.steps, known))]


def plan_notes(plan: Plan, survey: Survey) -> str:
    """The models of a plan, and what its numbers are of."""
    models = "; ".join(
        f"{name}: {plan.sources[key].description}, {key.facts.layers} layers x {key.facts.heads} heads"
        for name, key in plan.models.items()
    )
    return (
        f"{models}\nForward passes and token-layers are those of the reference executor, for what is not stored; "
        "path patches that cannot reach their receivers are found when their receivers are known; "
        "--explain says how much is really computed, and why."
        + _racing(plan)
        + may_come_words(plan.may_come({*survey.found}))
        + _declined(survey)
    )


def may_come_json(several: Sequence[CertificatePlan]) -> list[dict[str, Any]]:
    """How many fresh prompts of certified claims are planned, and how many may come."""
    return [{"what": one.name, "prompts": one.prompts, "at_most": one.most} for one in several]


def may_come_words(several: Sequence[CertificatePlan]) -> str:
    """The same for a person, a line for each claim."""
    lines = (f"{one.prompts:,} fresh prompts are planned, {one.most:,} may come" for one in several)
    return "".join(f"\n{visible(one.name)}: {line}." for one, line in zip(several, lines, strict=True))


RACING = "racing: at least the first round, at most all; how much of path patching of the undecided is run, a race says"
"""Of a plan in which there is a race."""


def _racing(plan: Plan) -> str:
    return f"\n{RACING}." if any(isinstance(node, Race) for node in plan.nodes.values()) else ""


def _declined(survey: Survey) -> str:
    many = len(survey.declined)
    return (
        f"\n{many} steps that are not stored are, but made with another stack; --accept any takes them as they are."
        if many
        else ""
    )


def _by_what(plan: Plan) -> Mapping[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for id in plan.steps:
        grouped.setdefault(plan.what[id], []).append(id)
    return grouped


@frozen
class _Known:
    """What is known of steps, as sets: they are asked for every step of every kind."""

    found: frozenset[str]
    zero: frozenset[str]
    screened_out: frozenset[str]
    declined: frozenset[str]
    decided: frozenset[str]
    not_kept: frozenset[str]

    @classmethod
    def of(cls, survey: Survey) -> _Known:
        every = survey.found, survey.zero, survey.screened_out, survey.declined, survey.decided, survey.not_kept
        return cls(*map(frozenset, every))

    @property
    def settled(self) -> frozenset[str]:
        """What is not run."""
        return self.found | self.zero | self.screened_out | self.decided | self.not_kept


def _counted(plan: Plan, ids: Sequence[str], known: _Known) -> dict[str, int]:
    rest: Cost = cost(plan, [id for id in ids if id not in known.settled])
    decided, not_kept = (sum(id in some for id in ids) for some in (known.decided, known.not_kept))
    return {
        "steps": len(ids),
        "stored": sum(id in known.found for id in ids),
        "known_zero": sum(id in known.zero for id in ids),
        "screened_out": sum(id in known.screened_out for id in ids),
        **({"decided": decided} if decided else {}),
        **({"not_kept": not_kept} if not_kept else {}),
        "declined": sum(id in known.declined for id in ids),
        "forwards": rest.forwards,
        "token_layers": rest.token_layers,
        "bytes": rest.bytes,
    }


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
